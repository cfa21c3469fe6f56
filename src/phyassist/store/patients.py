"""Patients' cards: name, number and language, sealed under the patient's own key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, func, insert, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from phyassist.domain.drafts import DraftState
from phyassist.domain.folding import fold
from phyassist.domain.people import Patient, PatientId
from phyassist.errors import CannotOpen
from phyassist.store.coding import pack_card, unpack_card
from phyassist.store.columns import UtcTime
from phyassist.store.desk import Desk, Right
from phyassist.store.faults import changed_meanwhile
from phyassist.store.kept import Card
from phyassist.store.tables import (
    consultations,
    data_keys,
    drafts,
    key_wraps,
    notes,
    patients,
)
from phyassist.vault.sealing import DataKeys, Place

# Cards asked for in one query.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Activity:
    """When something last happened with a patient, and whether a draft lies open; no contents."""

    last_at: datetime
    has_open_draft: bool


class Patients:
    def __init__(self, desk: Desk, erased: list[PatientId]) -> None:
        self._desk = desk
        self._erased = erased

    def hold(self, patient_ids: Sequence[PatientId]) -> None:
        """Let nobody else begin or withdraw something of these until this transaction ends."""
        self._desk.hold(*patient_ids)

    def add(self, patient: Patient) -> Patient:
        """The patient as stored, with a data key of their own.  Adding the same id again changes nothing."""
        desk = self._desk
        known = desk.conn.execute(select(patients.c.id).where(patients.c.id == patient.id)).first()
        if known is not None:
            return self.get(patient.id)
        now = patient.created_at or desk.clock()
        stored = replace(patient, created_at=now, updated_at=now)
        # The key's row refers to the patient's, so that one goes in first, its card still to be sealed.
        desk.conn.execute(
            insert(patients).values(
                id=patient.id,
                card_sealed=b"",
                version=1,
                record_version=0,
                created_at=now,
                updated_at=now,
                keeper_id=desk.by.id,
            )
        )
        sealed = desk.make_keys(patient.id).seal(pack_card(stored), _place(patient.id, 1))
        desk.conn.execute(update(patients).where(patients.c.id == patient.id).values(card_sealed=sealed))
        return stored

    def get(self, patient_id: PatientId) -> Patient:
        """Raises NotFound, NotYourPatient, CannotOpen."""
        keys = self._desk.keys_of(patient_id)
        return _unseal(
            keys, self._desk.conn.execute(select(patients).where(patients.c.id == patient_id)).one()
        )

    def list(self, known: dict[PatientId, Card] | None = None) -> tuple[Patient, ...]:
        """Every patient that the signed-in counsellor may open, the longest known first."""
        return self.list_with_damaged(known)[0]

    def list_with_damaged(
        self, known: dict[PatientId, Card] | None = None
    ) -> tuple[tuple[Patient, ...], tuple[PatientId, ...]]:
        """The same, and the ids of those whose key or card was changed outside PhyAssist.

        Cards in `known` are opened again only where they have changed; it is brought up to date in place.
        """
        desk, known = self._desk, {} if known is None else known
        query = select(patients.c.id, patients.c.version).where(patients.c.id.in_(desk.mine()))
        present = {PatientId(row[0]): row[1] for row in desk.conn.execute(query)}
        for patient_id in known.keys() - present.keys():
            del known[patient_id]
        stale = [
            patient_id
            for patient_id, version in present.items()
            if patient_id not in known or known[patient_id].version != version
        ]
        if stale:
            known.update(self._open_cards(stale))
            in_order = sorted(known.items(), key=lambda each: (each[1].patient.created_at, each[0]))
            known.clear()
            known.update(in_order)
        return tuple(card.patient for card in known.values()), tuple(sorted(desk.damaged))

    def _open_cards(self, patient_ids: Sequence[PatientId]) -> dict[PatientId, Card]:
        """Without those that do not open: they are counted as damaged."""
        desk, found = self._desk, dict[PatientId, Card]()
        desk.look_into(patient_ids)
        for start in range(0, len(patient_ids), _AT_ONCE):
            query = select(patients).where(patients.c.id.in_(patient_ids[start : start + _AT_ONCE]))
            for row in desk.conn.execute(query):
                keys = desk.opened.get(row.id)
                if keys is None:
                    continue
                try:
                    patient = _unseal(keys, row)
                except CannotOpen:
                    desk.damaged.add(PatientId(row.id))
                    continue
                found[patient.id] = Card(row.version, patient, fold(f"{patient.name}\n{patient.number}"))
        return found

    def update(self, patient: Patient) -> Patient:
        """The card as it stands now.

        Raises ChangedMeanwhile unless `updated_at` is that of the card it follows, NotFound, NotYourPatient.
        """
        desk = self._desk
        keys = desk.keys_of(patient.id)
        row = desk.conn.execute(select(patients).where(patients.c.id == patient.id)).mappings().one()
        if patient.updated_at is not None and patient.updated_at != row["updated_at"]:
            raise changed_meanwhile("patient", patient.id)
        version = row["version"] + 1
        stored = replace(patient, created_at=row["created_at"], updated_at=desk.clock())
        done = desk.conn.execute(
            update(patients)
            .where(patients.c.id == patient.id, patients.c.version == row["version"])
            .values(
                card_sealed=keys.seal(pack_card(stored), _place(patient.id, version)),
                version=version,
                updated_at=stored.updated_at,
            )
        )
        if done.rowcount != 1:
            raise changed_meanwhile("patient", patient.id)
        return stored

    def delete(self, patient_id: PatientId) -> None:
        """Destroy the patient's keys and with them all that was sealed under them; the rows go too.

        The store then clears its journal, so that no copy of the wrapped keys stays in its own files.
        Raises NotFound, NotYourPatient.
        """
        # Not by opening the key: a file that was tampered with can be erased as well.
        if self._desk.right_of(patient_id) is None:
            self._desk.keys_of(patient_id)
        self._desk.conn.execute(delete(patients).where(patients.c.id == patient_id))
        self._desk.opened.pop(patient_id, None)
        self._desk.used.discard(patient_id)
        self._erased.append(patient_id)

    def adopt_all(self) -> None:
        """Keep every key that was given to the signed-in counsellor, where it is found genuine."""
        self._desk.open_all()

    def count_wrapped_keys(self, patient_id: PatientId) -> int:
        """How many wrapped copies of the patient's keys there are, whoever holds them."""
        query = (
            select(func.count())
            .select_from(key_wraps)
            .join(data_keys, data_keys.c.id == key_wraps.c.key_id)
            .where(data_keys.c.patient_id == patient_id)
        )
        return self._desk.conn.execute(query).scalar_one()

    def mark_refused(self, patient_id: PatientId) -> None:
        """For the audit: the signed-in counsellor asked for more than the patient's file allows them."""
        self._desk.refused.add(patient_id)

    def right_of(self, patient_id: PatientId) -> Right | None:
        """What the signed-in counsellor may do with a patient; None where nothing."""
        return self._desk.right_of(patient_id)

    def check_known(self, patient_id: PatientId) -> None:
        """Raises NotFound where there is no such patient at all."""
        self._desk.check_known(patient_id)

    def activity(self) -> dict[PatientId, Activity]:
        """By patient that one may open, from times and states alone: nothing is opened for it."""
        since = patients.c.updated_at
        times = (
            func.coalesce(select(func.max(at)).where(of == patients.c.id).scalar_subquery(), since)
            for of, at in (
                (consultations.c.patient_id, consultations.c.at),
                (consultations.c.patient_id, consultations.c.source_saved_at),
                (drafts.c.patient_id, drafts.c.saved_at),
                (notes.c.patient_id, notes.c.signed_at),
            )
        )
        is_open = (drafts.c.patient_id == patients.c.id) & (drafts.c.state == DraftState.OPEN.value)
        query = select(patients.c.id, _Latest(since, *times), exists().where(is_open))
        rows = self._desk.conn.execute(query.where(patients.c.id.in_(self._desk.mine())))
        return {PatientId(row[0]): Activity(row[1], bool(row[2])) for row in rows}

    def last_contacts(self) -> dict[PatientId, datetime]:
        """For every patient of the practice, the day of the last consultation or note, else of the card.

        From times alone: nothing is opened for it, and no key is needed.
        """
        of_patient = (
            select(func.max(table.c.at)).where(table.c.patient_id == patients.c.id).scalar_subquery()
            for table in (consultations, notes)
        )
        rows = self._desk.conn.execute(
            select(patients.c.id, patients.c.created_at, *of_patient).order_by(patients.c.id)
        )
        return {
            PatientId(patient_id): max((at for at in times if at is not None), default=made)
            for patient_id, made, *times in rows
        }


class _Latest(FunctionElement[datetime]):
    """The latest of some times, none of them NULL."""

    inherit_cache = True
    type = UtcTime()
    name = "latest"


@compiles(_Latest)
def _write_greatest(element: _Latest, compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"


@compiles(_Latest, "sqlite")
def _write_max(element: _Latest, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


def _unseal(keys: DataKeys, row: Row[Any]) -> Patient:
    return unpack_card(keys.open_sealed(row.card_sealed, _place(row.id, row.version)), _bare(row))


def _bare(row: Row[Any]) -> Patient:
    return Patient(PatientId(row.id), name="", created_at=row.created_at, updated_at=row.updated_at)


def _place(patient_id: PatientId, version: int) -> Place:
    return Place("patients", patient_id, "card", version)
