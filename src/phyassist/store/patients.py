"""Patients' cards: name, number and language, sealed under the patient's own key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, insert, select, update

from phyassist.domain.drafts import DraftState
from phyassist.domain.people import Patient, PatientId
from phyassist.errors import CannotOpen
from phyassist.store.coding import pack_card, unpack_card
from phyassist.store.desk import Desk, Right
from phyassist.store.faults import changed_meanwhile
from phyassist.store.tables import (
    consultations,
    data_keys,
    drafts,
    key_wraps,
    notes,
    patients,
)
from phyassist.vault.sealing import Place


@dataclass(frozen=True, slots=True)
class Activity:
    """When something last happened with a patient, and whether a draft lies open; no contents."""

    last_at: datetime
    has_open_draft: bool


class Patients:
    def __init__(self, desk: Desk, erased: list[PatientId]) -> None:
        self._desk = desk
        self._erased = erased

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
        row = self._desk.conn.execute(select(patients).where(patients.c.id == patient_id)).mappings().one()
        return unpack_card(
            keys.open_sealed(row["card_sealed"], _place(patient_id, row["version"])), _bare(row)
        )

    def list(self) -> tuple[Patient, ...]:
        """Every patient that the signed-in counsellor may open, the longest known first."""
        return self.list_with_damaged()[0]

    def list_with_damaged(self) -> tuple[tuple[Patient, ...], tuple[PatientId, ...]]:
        """The same, and the ids of those whose key or card was changed outside PhyAssist."""
        desk = self._desk
        desk.open_all()
        found: list[Patient] = []
        for row in desk.conn.execute(
            select(patients).order_by(patients.c.created_at, patients.c.id)
        ).mappings():
            patient_id = PatientId(row["id"])
            if patient_id not in desk.opened:
                continue
            place = _place(patient_id, row["version"])
            try:
                card = desk.opened[patient_id].open_sealed(row["card_sealed"], place)
            except CannotOpen:
                desk.damaged.add(patient_id)
                continue
            found.append(unpack_card(card, _bare(row)))
        return tuple(found), tuple(sorted(desk.damaged))

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
        """By patient, from times and states alone: nothing is opened for it."""
        conn = self._desk.conn
        last: dict[PatientId, datetime] = {
            PatientId(row.id): row.updated_at
            for row in conn.execute(select(patients.c.id, patients.c.updated_at))
        }
        queries = (
            select(consultations.c.patient_id, func.max(consultations.c.at)),
            select(consultations.c.patient_id, func.max(consultations.c.source_saved_at)),
            select(drafts.c.patient_id, func.max(drafts.c.saved_at)),
            select(notes.c.patient_id, func.max(notes.c.signed_at)),
        )
        for query in queries:
            for patient_id, at in conn.execute(query.group_by(query.selected_columns[0])):
                if at is not None and patient_id in last:
                    last[patient_id] = max(last[patient_id], at)
        open_drafts = conn.execute(
            select(drafts.c.patient_id).where(drafts.c.state == DraftState.OPEN.value).distinct()
        ).scalars()
        with_draft = set(open_drafts)
        return {patient_id: Activity(at, patient_id in with_draft) for patient_id, at in last.items()}


def _bare(row: RowMapping) -> Patient:
    return Patient(PatientId(row["id"]), name="", created_at=row["created_at"], updated_at=row["updated_at"])


def _place(patient_id: PatientId, version: int) -> Place:
    return Place("patients", patient_id, "card", version)
