"""Which examples a person took out of training.  What one says stands in its note, and nowhere here."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from phyassist.domain.learning import ExampleId
from phyassist.domain.people import PatientId
from phyassist.store.desk import Desk
from phyassist.store.tables import left_out_examples


class LeftOut:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self, patient_id: PatientId) -> frozenset[ExampleId]:
        """Raises NotFound, NotYourPatient."""
        self._desk.keys_of(patient_id)
        query = select(left_out_examples.c.example_id).where(left_out_examples.c.patient_id == patient_id)
        return frozenset(ExampleId(each) for each in self._desk.conn.execute(query).scalars())

    def leave_out(self, patient_id: PatientId, example_id: ExampleId) -> None:
        """Nobody trains on it from now on; said again, nothing changes.  Raises NotFound, NotYourPatient."""
        if example_id in self.list(patient_id):
            return
        desk = self._desk
        row = {"patient_id": patient_id, "example_id": example_id, "by_id": desk.by.id, "at": desk.clock()}
        desk.conn.execute(insert(left_out_examples), row)

    def take_in(self, patient_id: PatientId, example_id: ExampleId) -> None:
        """It may be trained on again.  Raises NotFound, NotYourPatient."""
        self._desk.keys_of(patient_id)
        of_example = (left_out_examples.c.patient_id == patient_id) & (
            left_out_examples.c.example_id == example_id
        )
        self._desk.conn.execute(delete(left_out_examples).where(of_example))
