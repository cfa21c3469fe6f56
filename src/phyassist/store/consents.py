"""Consent: answers that are only added, sealed under the patient's key and bound to their number."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import RowMapping, func, insert, select

from phyassist.domain.consents import Consent, ConsentId
from phyassist.domain.people import PatientId
from phyassist.errors import CannotOpen
from phyassist.store.coding import pack_consent, unpack_consent
from phyassist.store.desk import Desk
from phyassist.store.tables import consents
from phyassist.vault.sealing import DataKeys, Place


class Consents:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, consent: Consent) -> Consent:
        """The answer as stored, numbered after the patient's last.  Adding the same id again changes nothing.

        Raises NotFound, NotYourPatient.
        """
        desk = self._desk
        keys = desk.keys_of(consent.patient_id)
        desk.hold(consent.patient_id)
        for known in self.list(consent.patient_id):
            if known.id == consent.id:
                return known
        last = desk.conn.execute(
            select(func.max(consents.c.number)).where(consents.c.patient_id == consent.patient_id)
        ).scalar_one()
        number = (last or 0) + 1
        stored = replace(consent, number=number, recorded_by=desk.by.id, recorded_at=desk.clock())
        desk.conn.execute(
            insert(consents).values(
                id=stored.id,
                patient_id=stored.patient_id,
                number=number,
                recorded_by=stored.recorded_by,
                recorded_at=stored.recorded_at,
                consent_sealed=keys.seal(pack_consent(stored), _place(stored.id, number)),
            )
        )
        return stored

    def list(self, patient_id: PatientId) -> tuple[Consent, ...]:
        """Every answer of a patient, the newest first.

        Raises NotFound, NotYourPatient, and CannotOpen where one was changed or taken out from between.
        """
        keys = self._desk.keys_of(patient_id)
        rows = (
            self._desk.conn.execute(
                select(consents).where(consents.c.patient_id == patient_id).order_by(consents.c.number.desc())
            )
            .mappings()
            .all()
        )
        if [row["number"] for row in rows] != list(range(len(rows), 0, -1)):
            raise CannotOpen(
                f"consents of patient {patient_id} were taken out of the store",
                hint="look at the audit log, and restore a backup",
            )
        return tuple(_open(row, keys) for row in rows)


def _open(row: RowMapping, keys: DataKeys) -> Consent:
    blob = keys.open_sealed(row["consent_sealed"], _place(row["id"], row["number"]))
    return replace(
        unpack_consent(blob, ConsentId(row["id"]), PatientId(row["patient_id"])),
        recorded_by=row["recorded_by"],
        recorded_at=row["recorded_at"],
        number=row["number"],
    )


def _place(consent_id: ConsentId, number: int) -> Place:
    return Place("consents", consent_id, "consent", number)
