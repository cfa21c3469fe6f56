"""Who works here and which keys are theirs, as only the practice's key shows it.

A name and an identity stand sealed under the practice's key, which the database has not: whoever can write
to it can neither read a name nor put keys of their own in the place of a colleague's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from phyassist.domain.people import Counsellor, CounsellorId, Role
from phyassist.errors import NotFound
from phyassist.store.coding import pack_identity, unpack_identity, unpack_person
from phyassist.store.entrance import Account, WrappedKey, read_account
from phyassist.store.people import Identity
from phyassist.store.tables import counsellors, data_keys, key_wraps
from phyassist.store.wraps import wrap_place
from phyassist.vault.keyring import Keyring
from phyassist.vault.sealing import DataKey, DataKeys, Place


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

    kept: tuple[WrappedKey, ...]
    by_term: dict[int, DataKey] = field(repr=False)

    @property
    def keys(self) -> DataKeys:
        return DataKeys(self.by_term)


class Directory:
    """`holder_id` with `keyring`: whoever asks.  Raises CannotOpen where a row was tampered with."""

    def __init__(self, conn: Connection, holder_id: CounsellorId, keyring: Keyring) -> None:
        self._conn = conn
        self._holder_id = holder_id
        self._keyring = keyring
        self._practice: PracticeKeys | None = None

    @property
    def practice(self) -> PracticeKeys:
        if self._practice is None:
            query = (
                select(data_keys.c.id, data_keys.c.term, key_wraps.c.wrapped)
                .join(key_wraps, key_wraps.c.key_id == data_keys.c.id)
                .where(data_keys.c.patient_id.is_(None), key_wraps.c.holder_id == self._holder_id)
                .order_by(data_keys.c.term)
            )
            kept = tuple(WrappedKey(row.id, row.term, row.wrapped) for row in self._conn.execute(query))
            opened = {
                each.term: self._keyring.open_key(
                    each.wrapped, wrap_place(each.key_id, self._holder_id, each.term)
                )
                for each in kept
            }
            self._practice = PracticeKeys(kept, opened)
        return self._practice

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
