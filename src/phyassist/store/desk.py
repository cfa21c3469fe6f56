"""What the repositories of one transaction share: the connection, who is signed in, the patients' keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Select, false, func, insert, or_, select, true

from phyassist.domain.clock import Clock, NewId
from phyassist.domain.people import PatientId, Role
from phyassist.errors import CannotOpen, KeysChanged, NotAllowed, NotFound, NotYourPatient
from phyassist.store.directory import Directory
from phyassist.store.gifts import Gifts
from phyassist.store.people import SignedIn
from phyassist.store.tables import counsellors, data_keys, key_wraps, patients
from phyassist.store.wraps import RECOVERY_HOLDER, Wrap, read_wrap, recovery_place, select_wraps, wrap_place
from phyassist.vault.keyring import give_key
from phyassist.vault.sealing import DataKey, DataKeys

# So many keys are opened sooner in one reading than one by one.
_MANY = 5


@dataclass(frozen=True, slots=True)
class Right:
    """What someone may do with a patient, until when (None: no end)."""

    may_write: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Desk:
    conn: Connection
    by: SignedIn
    clock: Clock
    new_id: NewId
    opened: dict[PatientId, DataKeys] = field(default_factory=dict, repr=False)
    # For the audit: whose file was opened by name in this transaction, whose was refused.
    used: set[PatientId] = field(default_factory=set, repr=False)
    refused: set[PatientId] = field(default_factory=set, repr=False)
    # Patients whose wrapped key does not open: somebody changed it outside PhyAssist.
    damaged: set[PatientId] = field(default_factory=set, repr=False)

    def keys_of(self, patient_id: PatientId) -> DataKeys:
        """The data keys of a patient, opened with the signed-in counsellor's own.

        Raises NotFound where there is no such patient, NotYourPatient where no key is wrapped to this
        counsellor, CannotOpen where the wrapping was tampered with, Locked.
        """
        keys = self.opened.get(patient_id)
        if keys is None:
            keys = self._open(patient_id)
            self.opened[patient_id] = keys
        self.used.add(patient_id)
        return keys

    def right_of(self, patient_id: PatientId) -> Right | None:
        """What the signed-in counsellor may do with a patient; None: nothing, not even see a name."""
        if self.by.role is Role.ADMINISTRATOR:
            return None
        row = self.conn.execute(
            select(key_wraps.c.may_write, key_wraps.c.until)
            .join(data_keys, data_keys.c.id == key_wraps.c.key_id)
            .where(data_keys.c.patient_id == patient_id, key_wraps.c.holder_id == self.by.id)
            .order_by(data_keys.c.term.desc())
            .limit(1)
        ).first()
        if row is None or (row.until is not None and row.until <= self.clock()):
            return None
        return Right(bool(row.may_write), row.until)

    def make_keys(self, patient_id: PatientId) -> DataKeys:
        """A first data key for a new patient, wrapped to this counsellor and to the recovery key.

        It serves this transaction alone: the keyring learns of it from the committed row.
        """
        if self.by.role is Role.ADMINISTRATOR:
            raise NotAllowed("an administrator holds no patient's key", hint="a counsellor begins the file")
        key, key_id = DataKey.make(term=1), self.new_id()
        self.conn.execute(
            insert(data_keys).values(id=key_id, patient_id=patient_id, term=key.term, created_at=self.clock())
        )
        rows = wrap_rows(key, key_id, self.by, self.recovery_public, self.clock())
        self.conn.execute(insert(key_wraps), rows)
        self.opened[patient_id] = DataKeys({key.term: key})
        self.used.add(patient_id)
        return self.opened[patient_id]

    def _recovery_pin(self) -> bytes:
        # The practice's row shows the same public key, but whoever can write to the database could change it.
        pinned = select(counsellors.c.recovery_sealed).where(counsellors.c.id == self.by.id)
        return bytes(self.conn.execute(pinned).scalar_one())

    def open_all(self) -> None:
        """Open every patient that this counsellor may open, in one reading.

        One whose wrapping was tampered with is left out, in `damaged`: it must not hide all the others.
        """
        for patient_id, keys in self._wrapped(None).items():
            if patient_id not in self.opened and patient_id not in self.damaged:
                self.opened[patient_id] = keys

    def look_into(self, patient_ids: Sequence[PatientId]) -> None:
        """Open the keys of these for a list or a search, which the audit does not count as opening a file.

        One whose wrapping was tampered with is left out, in `damaged`.
        """
        if len(patient_ids) > _MANY:
            self.open_all()
            return
        for patient_id in patient_ids:
            if patient_id in self.opened:
                continue
            try:
                keys = self._wrapped(patient_id).get(patient_id)
            except (CannotOpen, KeysChanged):
                self.damaged.add(patient_id)
                continue
            if keys is not None:
                self.opened[patient_id] = keys

    def mine(self) -> Select[tuple[str]]:
        """The ids of the patients for whom this counsellor holds a key that is not over; for an IN."""
        holds_none = self.by.role is Role.ADMINISTRATOR
        return (
            select(data_keys.c.patient_id)
            .join(key_wraps, data_keys.c.id == key_wraps.c.key_id)
            .where(
                false() if holds_none else true(),
                key_wraps.c.holder_id == self.by.id,
                data_keys.c.patient_id.is_not(None),
                or_(key_wraps.c.until.is_(None), key_wraps.c.until > self.clock()),
            )
        )

    def _open(self, patient_id: PatientId) -> DataKeys:
        keys = self._wrapped(patient_id).get(patient_id)
        if keys is None:
            self.check_known(patient_id)
            self.refused.add(patient_id)
            raise NotYourPatient(
                f"patient {patient_id} was not shared with you", hint="ask the counsellor in charge"
            )
        if self.writes and keys.newest.term < self.newest_term(patient_id):
            # What was sealed now, under the old key, would be lost when the renewal is complete.
            raise CannotOpen(
                f"the key of patient {patient_id} was renewed, and you were not given the new one",
                hint="ask the counsellor in charge to share again",
            )
        return keys

    def newest_term(self, patient_id: PatientId) -> int:
        query = select(func.max(data_keys.c.term)).where(data_keys.c.patient_id == patient_id)
        return int(self.conn.execute(query).scalar_one())

    @property
    def writes(self) -> bool:
        return bool(self.conn.get_execution_options().get("phyassist_writes", True))

    @property
    def recovery_public(self) -> bytes:
        """The recovery key's public half, as this counsellor pinned it."""
        return self.by.keyring.own.open_sealed(self._recovery_pin(), recovery_place(self.by.id))

    @property
    def gifts(self) -> Gifts:
        return Gifts(self.conn, self.by, self.clock, self.directory)

    @property
    def directory(self) -> Directory:
        return Directory(self.conn, self.by.id, self.by.keyring)

    def hold(self, *patient_ids: PatientId) -> None:
        """Let nobody else number, begin or withdraw something of these patients until this transaction ends.

        In one order for everybody: two that hold the same never wait for each other.
        """
        held = select(patients.c.id).where(patients.c.id.in_(patient_ids)).order_by(patients.c.id)
        self.conn.execute(held.with_for_update())

    def check_known(self, patient_id: PatientId) -> None:
        """Raises NotFound where there is no such patient at all."""
        if self.conn.execute(select(patients.c.id).where(patients.c.id == patient_id)).first() is None:
            raise NotFound(f"no patient {patient_id}", hint="go back to the list")

    def _wrapped(self, patient_id: PatientId | None) -> dict[PatientId, DataKeys]:
        if self.by.role is Role.ADMINISTRATOR:
            return {}
        query = select_wraps().where(key_wraps.c.holder_id == self.by.id, data_keys.c.patient_id.is_not(None))
        if patient_id is not None:
            query = query.where(data_keys.c.patient_id == patient_id)
        if self.writes:
            # A renewal deletes old keys last; it waits for who is about to seal under one.
            query = query.with_for_update(read=True, key_share=True, of=data_keys)
        now = self.clock()
        opened: dict[PatientId, dict[int, DataKey]] = {}
        newest: dict[PatientId, Wrap] = {}
        made: set[PatientId] = set()
        gifts = self.gifts
        for wrap in (read_wrap(row) for row in self.conn.execute(query).all()):
            if wrap.patient_id is None or wrap.has_ended(now):
                continue
            try:
                key = self._open_wrap(wrap, gifts, wrap.patient_id in made)
            except (CannotOpen, KeysChanged):
                if patient_id is not None:
                    raise
                self.damaged.add(wrap.patient_id)
                continue
            opened.setdefault(wrap.patient_id, {})[wrap.term] = key
            newest[wrap.patient_id] = wrap
            if wrap.giver_id is None:
                made.add(wrap.patient_id)
        return {each: DataKeys(by_term, may_seal=newest[each].may_write) for each, by_term in opened.items()}

    def _open_wrap(self, wrap: Wrap, gifts: Gifts, made_before: bool) -> DataKey:
        if wrap.is_gift:
            return gifts.take(wrap, made_before=made_before)
        return self.by.keyring.open_key(wrap.wrapped, wrap.kept_place)


def wrap_rows(
    key: DataKey, key_id: str, by: SignedIn, recovery_public: bytes, at: datetime
) -> list[dict[str, object]]:
    """The rows that let `by` and the recovery key, and nobody else, open a data key."""
    kept = by.keyring.keep_key(key, wrap_place(key_id, by.id, key.term))
    given = give_key(key, recovery_public, wrap_place(key_id, RECOVERY_HOLDER, key.term))
    return [
        {
            "key_id": key_id,
            "holder_id": holder,
            "wrapped": wrapped,
            "may_write": True,
            "until": None,
            "added_at": at,
        }
        for holder, wrapped in ((by.id, kept), (RECOVERY_HOLDER, given))
    ]
