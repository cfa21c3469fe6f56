"""The people of a practice: who they are, inviting, joining, ending an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from phyassist.domain.people import Counsellor, CounsellorId, Language, Role
from phyassist.errors import BadInput, NotAllowed, NotFound
from phyassist.services.access import check_runs_practice
from phyassist.services.practice import check_name, check_passphrase, check_zone, count_try
from phyassist.services.sharing import can_be_given
from phyassist.store.accounts import find_named, read_invitation_code
from phyassist.store.audit import Act, Kind
from phyassist.store.directory import Member
from phyassist.store.joining import (
    MadeInvitation,
    OpenInvitation,
    list_open,
    make_account,
    make_invitation,
    open_invitation,
)
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

_JOIN_TRIES = "join"


@dataclass(frozen=True, slots=True)
class Welcome:
    """What an invitation says to the person who holds its code."""

    name: str = field(repr=False)
    role: Role


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the practice; `kept` is of how many patients they are in charge.

    `keys_changed`: their keys are not those that were used with them before.
    """

    member: Member
    kept: int
    keys_changed: bool

    @property
    def can_be_given(self) -> bool:
        """Whether files can be shared with them: not with an administrator, nor an account that has ended."""
        return can_be_given(self.member)


def list_people(store: Store, by: SignedIn) -> tuple[Member, ...]:
    """Everyone of the practice, the founder first, ended accounts among them.  Raises CannotOpen."""
    with store.read(by) as tx:
        return tx.people.members()


def list_colleagues(store: Store, by: SignedIn) -> tuple[Colleague, ...]:
    """The same people with what a list says of each."""
    with store.read(by) as tx:
        kept = tx.shares.count_kept()
        return tuple(
            Colleague(
                member,
                kept.get(member.id, 0),
                member.identity is not None
                and member.id != by.id
                and tx.shares.changed_keys(member.identity),
            )
            for member in tx.people.members()
        )


def list_invitations(store: Store, by: SignedIn) -> tuple[OpenInvitation, ...]:
    """The invitations that nobody has used yet.  Raises NotAllowed."""
    check_runs_practice(by)
    return list_open(store, by)


def invite(store: Store, by: SignedIn, *, name: str, role: Role) -> MadeInvitation:
    """An invitation for a new account, with the one-time code to hand over; it is good for a week.

    Raises NotAllowed, BadInput for a name that is empty or that somebody here signs in with.
    """
    check_runs_practice(by)
    plain = check_name(name)
    with store.entrance() as entrance:
        _check_free(find_named(entrance, plain)[0] is None)
    return make_invitation(store, by, name=plain, role=role)


def end_invitation(store: Store, by: SignedIn, *, counsellor_id: CounsellorId) -> None:
    """Take an invitation back: its code opens nothing from now on.  Raises NotAllowed, NotFound."""
    check_runs_practice(by)
    with store.entrance(writes=True) as entrance:
        row = next((each for each in entrance.invitations() if each.counsellor_id == counsellor_id), None)
        if row is None or not entrance.end_invitation(row.id):
            raise NotFound("this invitation has been used or has ended", hint="look at the list of people")
        entrance.audit(by.id, by.origin).write(Act.INVITATION_ENDED, Kind.COUNSELLOR, counsellor_id)


def look_at_invitation(store: Store, *, code: str) -> Welcome:
    """Whom an invitation is for.  Raises WrongPassphrase, TooManyTries."""
    secret = read_invitation_code(code)
    with store.entrance(writes=True) as entrance:
        count_try(entrance, _JOIN_TRIES)
    with store.entrance(writes=True) as entrance:
        invited = open_invitation(entrance, secret)
        entrance.clear_tries(_JOIN_TRIES)
    return Welcome(invited.name, invited.role)


def join(store: Store, *, code: str, name: str, passphrase: str, language: Language, zone: str) -> SignedIn:
    """The new person with keys of their own, signed in; nobody else has seen the passphrase.

    Raises WrongPassphrase for a code that opens nothing, TooManyTries, WeakPassphrase, BadInput for a name
    that is empty or taken and for an unknown time zone.
    """
    plain, zone = check_name(name), check_zone(zone)
    check_passphrase(passphrase)
    secret = read_invitation_code(code)
    with store.entrance(writes=True) as entrance:
        count_try(entrance, _JOIN_TRIES)
    with store.entrance(writes=True) as entrance:
        invited = open_invitation(entrance, secret)
        _check_free(find_named(entrance, plain)[0] is None)
        entrance.clear_tries(_JOIN_TRIES)
    counsellor = Counsellor(invited.counsellor_id, plain, language, zone)
    return make_account(store, secret, invited, counsellor, passphrase)


def end_account(store: Store, by: SignedIn, *, counsellor_id: CounsellorId) -> None:
    """Nobody signs in to this account from now on; its logins end at once, its signatures stay.

    Files it was in charge of stay sealed to it until they are handed over.
    Raises NotAllowed, for one's own account too, NotFound.
    """
    check_runs_practice(by)
    if counsellor_id == by.id:
        raise NotAllowed("you cannot end your own account", hint="another administrator can")
    _set_ended(store, by, counsellor_id, store.clock(), Act.ACCOUNT_ENDED)


def resume_account(store: Store, by: SignedIn, *, counsellor_id: CounsellorId) -> None:
    """Let an ended account sign in again.  Raises NotAllowed, NotFound, KeysChanged."""
    check_runs_practice(by)
    with store.write(by) as tx:
        tx.people.member(counsellor_id)
        tx.practice_key.give_missing(counsellor_id)
    _set_ended(store, by, counsellor_id, None, Act.ACCOUNT_RESUMED)


def _set_ended(
    store: Store, by: SignedIn, counsellor_id: CounsellorId, ended_at: datetime | None, act: Act
) -> None:
    with store.entrance(writes=True) as entrance:
        entrance.account(counsellor_id)
        entrance.set_ended(counsellor_id, ended_at)
        entrance.end_logins(counsellor_id)
        entrance.audit(by.id, by.origin).write(act, Kind.COUNSELLOR, counsellor_id)


def _check_free(free: bool) -> None:
    if not free:
        raise BadInput(
            "somebody here signs in with this name already", hint="add something that tells you apart"
        )
