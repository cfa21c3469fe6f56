"""Patients' cards: name, number and language, sealed under the patient's own key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, union_all, update

from phyassist.domain.drafts import DraftState
from phyassist.domain.people import Patient, PatientId
from phyassist.store.coding import pack_card, unpack_card
from phyassist.store.desk import Desk, Right
from phyassist.store.faults import changed_meanwhile
from phyassist.store.kept import Card
from phyassist.store.tables import (
    consultations,
    drafts,
    notes,
    patients,
)
from phyassist.vault.sealing import Place

# So many keys are opened sooner in one reading than one by one.
_MANY = 5


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
                id=patient.id, card_sealed=b"", version=1, record_version=0, created_at=now, updated_at=now
            )
        )
        sealed = desk.make_keys(patient.id).seal(pack_card(stored), _place(patient.id, 1))
        desk.conn.execute(update(patients).where(patients.c.id == patient.id).values(card_sealed=sealed))
        return stored

    def get(self, patient_id: PatientId) -> Patient:
        """Raises NotFound, NotYourPatient, CannotOpen."""
        self._desk.keys_of(patient_id)
        return self._open(self._desk.conn.execute(select(patients).where(patients.c.id == patient_id)).one())

    def list(self, known: dict[PatientId, Card] | None = None) -> tuple[Patient, ...]:
        """Every patient that the signed-in counsellor may open, the longest known first.

        Cards in `known` are opened again only where they have changed; it is brought up to date in place.
        """
        desk, known = self._desk, {} if known is None else known
        query = select(patients).where(patients.c.id.in_(desk.mine()))
        rows = desk.conn.execute(query.order_by(patients.c.created_at, patients.c.id)).all()
        found = {row.id: known.get(row.id) for row in rows}
        if sum(card is None for card in found.values()) > _MANY:
            desk.open_all()
        for row in rows:
            card = found[row.id]
            if card is None or card.version != row.version:
                found[row.id] = Card(row.version, self._open(row))
        for patient_id in known.keys() - found.keys():
            del known[patient_id]
        known.update((patient_id, card) for patient_id, card in found.items() if card is not None)
        return tuple(known[row.id].patient for row in rows)

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
        self._erased.append(patient_id)

    def right_of(self, patient_id: PatientId) -> Right | None:
        """What the signed-in counsellor may do with a patient; None where nothing."""
        return self._desk.right_of(patient_id)

    def check_known(self, patient_id: PatientId) -> None:
        """Raises NotFound where there is no such patient at all."""
        self._desk.check_known(patient_id)

    def activity(self) -> dict[PatientId, Activity]:
        """By patient that one may open, from times and states alone: nothing is opened for it."""
        mine = self._desk.mine()
        times = union_all(
            select(patients.c.id, patients.c.updated_at.label("at")).where(patients.c.id.in_(mine)),
            *(
                select(of, func.max(at)).where(of.in_(mine)).group_by(of)
                for of, at in (
                    (consultations.c.patient_id, consultations.c.at),
                    (consultations.c.patient_id, consultations.c.source_saved_at),
                    (drafts.c.patient_id, drafts.c.saved_at),
                    (notes.c.patient_id, notes.c.signed_at),
                )
            ),
        )
        last: dict[PatientId, datetime] = {}
        for patient_id, at in self._desk.conn.execute(times):
            if at is not None and (patient_id not in last or last[patient_id] < at):
                last[patient_id] = at
        open_drafts = select(drafts.c.patient_id).where(
            drafts.c.state == DraftState.OPEN.value, drafts.c.patient_id.in_(mine)
        )
        with_draft = set(self._desk.conn.execute(open_drafts).scalars())
        return {patient_id: Activity(at, patient_id in with_draft) for patient_id, at in last.items()}

    def _open(self, row: Row[Any]) -> Patient:
        keys = self._desk.keys_of(row.id)
        return unpack_card(keys.open_sealed(row.card_sealed, _place(row.id, row.version)), _bare(row))


def _bare(row: Row[Any]) -> Patient:
    return Patient(PatientId(row.id), name="", created_at=row.created_at, updated_at=row.updated_at)


def _place(patient_id: PatientId, version: int) -> Place:
    return Place("patients", patient_id, "card", version)
