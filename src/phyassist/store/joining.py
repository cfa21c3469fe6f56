"""How somebody comes to have an account: an invitation carries what it takes, and a one-time code opens it.

Whoever invites never learns the passphrase; the database never holds the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from phyassist.domain.people import Counsellor, CounsellorId, Role
from phyassist.errors import WrongPassphrase
from phyassist.store.accounts import (
    complete,
    greet,
    make_identity,
    private_place,
)
from phyassist.store.audit import Act, Kind
from phyassist.store.coding import pack_identity, pack_invited, pack_person, unpack_invited, unpack_person
from phyassist.store.directory import Directory, identity_place, person_place
from phyassist.store.entrance import Account, Entrance, Invitation
from phyassist.store.people import Invited, SignedIn
from phyassist.store.pins import pin_identity
from phyassist.store.transactions import Store
from phyassist.store.wraps import recovery_place, wrap_place
from phyassist.vault.keyring import (
    Keyring,
    PassphraseLock,
    invitation_id,
    invitation_key,
    name_tag,
)
from phyassist.vault.sealing import DataKey, DataKeys, Place
from phyassist.vault.secrets import Secret, make_invitation_code, parse_invitation_code

INVITATION_DAYS = 7


@dataclass(frozen=True, slots=True)
class MadeInvitation:
    """An invitation with its one-time code, which nothing stores."""

    counsellor_id: CounsellorId
    code: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation as the list shows it."""

    invitation: Invitation
    name: str = field(repr=False)


def make_invitation(store: Store, by: SignedIn, *, name: str, role: Role) -> MadeInvitation:
    """A new invitation, open for a week.

    The payload is sealed under the code: the practice's keys, the recovery key's public half and the keys of
    whoever invites reach the new person past everyone who can write to the database.
    """
    code, counsellor_id = make_invitation_code(), CounsellorId(store.new_id())
    secret = parse_invitation_code(code.reveal_text())
    row_id = invitation_id(secret)
    with store.entrance(writes=True) as entrance:
        account = entrance.account(by.id)
        complete(entrance, account, by.keyring)
        practice = Directory(entrance.conn, by.id, by.keyring).practice
        invited = Invited(
            counsellor_id=counsellor_id,
            name=name,
            role=role,
            recovery_public=by.keyring.own.open_sealed(entrance.recovery_pin(by.id), recovery_place(by.id)),
            practice_keys=tuple(
                (each.key_id, each.term, practice.by_term[each.term].raw().reveal()) for each in practice.kept
            ),
            inviter=make_identity(by.id, by.role, by.keyring),
        )
        now = entrance.clock()
        entrance.add_invitation(
            Invitation(
                id=row_id,
                counsellor_id=counsellor_id,
                role=role.value,
                person_sealed=practice.keys.seal(
                    pack_person(Counsellor(counsellor_id, name)), _person_place(row_id)
                ),
                payload_sealed=invitation_key(secret).seal(pack_invited(invited), _payload_place(row_id)),
                by_id=by.id,
                made_at=now,
                until=now + timedelta(days=INVITATION_DAYS),
            )
        )
        entrance.audit(by.id, by.origin).write(Act.INVITED, Kind.COUNSELLOR, counsellor_id)
    return MadeInvitation(counsellor_id, code)


def list_open(store: Store, by: SignedIn) -> tuple[OpenInvitation, ...]:
    """The invitations that nobody has used yet."""
    with store.entrance() as entrance:
        keys = Directory(entrance.conn, by.id, by.keyring).practice.keys
        return tuple(
            OpenInvitation(
                each,
                unpack_person(
                    keys.open_sealed(each.person_sealed, _person_place(each.id)),
                    Counsellor(each.counsellor_id, ""),
                ).name,
            )
            for each in entrance.invitations()
        )


def open_invitation(entrance: Entrance, secret: Secret) -> Invited:
    """What a code opens.  Raises WrongPassphrase where it opens nothing, or no longer."""
    row = entrance.invitation(invitation_id(secret))
    if row is None:
        raise WrongPassphrase(
            "this one-time code opens no invitation",
            hint="it is good for one week and one use; ask for another",
        )
    return unpack_invited(invitation_key(secret).open_sealed(row.payload_sealed, _payload_place(row.id)))


def make_account(
    store: Store, secret: Secret, invited: Invited, counsellor: Counsellor, passphrase: str
) -> SignedIn:
    """The new person, signed in; the invitation is used up.  Raises WrongPassphrase, ChangedMeanwhile."""
    keyring, lock = Keyring.make(), PassphraseLock.make(store.passphrase_cost)
    private = keyring.seal_private(lock.key(passphrase), private_place(counsellor.id, 1))
    keys = {term: DataKey(Secret(raw), term) for _, term, raw in invited.practice_keys}
    newest = DataKeys(keys)
    account = Account(
        id=counsellor.id,
        role=invited.role.value,
        public_key=keyring.public,
        passphrase_lock=lock.to_text(),
        private_sealed=private,
        person_sealed=newest.seal(pack_person(counsellor), person_place(counsellor.id)),
        version=1,
        name_tag=name_tag(counsellor.name, invited.recovery_public),
        identity_sealed=newest.seal(
            pack_identity(make_identity(counsellor.id, invited.role, keyring)), identity_place(counsellor.id)
        ),
    )
    with store.entrance(writes=True) as entrance:
        if not entrance.end_invitation(invitation_id(secret)):
            raise WrongPassphrase("this invitation has been used", hint="ask for another")
        pinned = keyring.own.seal(invited.recovery_public, recovery_place(counsellor.id))
        entrance.add_account(account, recovery_sealed=pinned)
        entrance.add_wraps(
            [
                {
                    "key_id": key_id,
                    "holder_id": counsellor.id,
                    "wrapped": keyring.keep_key(keys[term], wrap_place(key_id, counsellor.id, term)),
                    "may_write": True,
                    "until": None,
                    "added_at": entrance.clock(),
                }
                for key_id, term, _ in invited.practice_keys
            ]
        )
        pin_identity(entrance.conn, counsellor.id, keyring, invited.inviter)
        entrance.audit(counsellor.id).write(Act.JOINED, Kind.COUNSELLOR, counsellor.id)
        return greet(entrance, account, keyring)


def _person_place(row_id: str) -> Place:
    return Place("invitations", row_id, "person")


def _payload_place(row_id: str) -> Place:
    return Place("invitations", row_id, "payload")
