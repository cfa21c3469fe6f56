"""Who works here and which keys are theirs, as only the practice's key shows it.

A name and an identity stand sealed under the practice's key, which the database has not: whoever can write
to it can neither read a name nor put keys of their own in the place of a colleague's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from phyassist.domain.people import Counsellor, CounsellorId, Role
from phyassist.errors import CannotOpen, NotFound
from phyassist.store.coding import pack_identity, unpack_identity, unpack_person
from phyassist.store.entrance import Account, read_account
from phyassist.store.people import Identity
from phyassist.store.tables import counsellors, data_keys, key_wraps
from phyassist.store.wraps import Wrap, link_place, read_wrap, select_wraps, wrap_place
from phyassist.vault.keyring import Keyring
from phyassist.vault.sealing import DataKey, DataKeys, Place, cannot_open
from phyassist.vault.secrets import Secret


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the practice; `identity` is missing until a founder of an earlier release signed in."""

    counsellor: Counsellor
    role: Role
    identity: Identity | None
    ended_at: datetime | None
    has_second_factor: bool

    @property
    def id(self) -> CounsellorId:
        return self.counsellor.id


@dataclass(frozen=True, slots=True)
class PracticeKeys:
    """The practice's own keys as one holder opened them."""

    kept: tuple[Wrap, ...]
    by_term: dict[int, DataKey] = field(repr=False)

    @property
    def keys(self) -> DataKeys:
        return DataKeys(self.by_term)

    @property
    def newest(self) -> DataKey:
        return self.by_term[max(self.by_term)]


class Directory:
    """`holder_id` with `keyring`: whoever asks.  Raises CannotOpen where a row was tampered with."""

    def __init__(self, conn: Connection, holder_id: CounsellorId, keyring: Keyring) -> None:
        self._conn = conn
        self._holder_id = holder_id
        self._keyring = keyring
        self._practice: PracticeKeys | None = None

    @property
    def practice(self) -> PracticeKeys:
        """Raises CannotOpen, also for a new key that nobody who held the one before it can have made."""
        if self._practice is None:
            query = select_wraps().where(
                data_keys.c.patient_id.is_(None), key_wraps.c.holder_id == self._holder_id
            )
            kept = tuple(read_wrap(row) for row in self._conn.execute(query).all())
            if not kept:
                raise CannotOpen(
                    "this account holds no key of the practice any more", hint="ask who runs the practice"
                )
            opened: dict[int, DataKey] = {}
            for wrap in kept:
                opened[wrap.term] = (
                    self._open_linked(wrap, opened)
                    if wrap.is_gift
                    else self._keyring.open_key(wrap.wrapped, wrap.kept_place)
                )
            self._practice = PracticeKeys(kept, opened)
        return self._practice

    def _open_linked(self, wrap: Wrap, opened: dict[int, DataKey]) -> DataKey:
        # The directory that would show the giver's keys is sealed under this very key, so the key must first
        # prove that who made it held the one before.
        key = self._keyring.open_given(wrap.wrapped, wrap_place(wrap.key_id, self._holder_id, wrap.term))
        sealed = self._conn.execute(
            select(data_keys.c.link_sealed).where(data_keys.c.id == wrap.key_id)
        ).scalar_one()
        place = link_place(wrap.key_id, wrap.term)
        if not opened or sealed is None:
            raise cannot_open(place)
        linked = DataKeys(opened).open_sealed(bytes(sealed), place)
        if Secret(linked) != key.raw():
            raise cannot_open(place)
        return key

    def members(self) -> tuple[Member, ...]:
        """Everyone, the founder first, those whose account has ended among them."""
        rows = self._conn.execute(select(counsellors).order_by(counsellors.c.created_at, counsellors.c.id))
        return tuple(self.read(read_account(row._mapping)) for row in rows)

    def member(self, counsellor_id: CounsellorId) -> Member:
        """Raises NotFound."""
        row = self._conn.execute(select(counsellors).where(counsellors.c.id == counsellor_id)).first()
        if row is None:
            raise NotFound(f"nobody here has the id {counsellor_id}", hint="look at the list of people")
        return self.read(read_account(row._mapping))

    def read(self, account: Account) -> Member:
        keys = self.practice.keys
        person = keys.open_sealed(account.person_sealed, person_place(account.id))
        identity = None
        if account.identity_sealed is not None:
            sealed = account.identity_sealed
            identity = unpack_identity(keys.open_sealed(sealed, identity_place(account.id)), account.id)
        return Member(
            unpack_person(person, Counsellor(account.id, name="")),
            # The column is a copy for counting; what was sealed decides.
            Role.COUNSELLOR if identity is None else identity.role,
            identity,
            account.ended_at,
            account.second_sealed is not None,
        )

    def seal_identity(self, identity: Identity) -> bytes:
        return self.practice.keys.seal(pack_identity(identity), identity_place(identity.id))


def person_place(counsellor_id: CounsellorId) -> Place:
    return Place("counsellors", counsellor_id, "person")


def identity_place(counsellor_id: CounsellorId) -> Place:
    return Place("counsellors", counsellor_id, "identity")
