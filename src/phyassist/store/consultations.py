"""Consultations: the text as it was poured in, and the question about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import RowMapping, insert, select, update

from phyassist.domain.drafts import DraftState
from phyassist.domain.people import PatientId
from phyassist.domain.records import Consultation, ConsultationId, Source, SourceId
from phyassist.errors import NotFound
from phyassist.store.coding import pack_text, unpack_text
from phyassist.store.desk import Desk
from phyassist.store.faults import changed_meanwhile
from phyassist.store.tables import consultations, drafts
from phyassist.vault.sealing import DataKeys, Place


class Consultations:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, consultation: Consultation) -> Consultation:
        """As stored.  Adding the same id again changes nothing.  Raises NotFound, NotYourPatient."""
        desk, source = self._desk, consultation.source
        keys = desk.keys_of(consultation.patient_id)
        known = desk.conn.execute(select(consultations.c.id).where(consultations.c.id == consultation.id))
        if known.first() is None:
            saved_at = source.saved_at or (desk.clock() if source.text else None)
            desk.conn.execute(
                insert(consultations).values(
                    id=consultation.id,
                    patient_id=consultation.patient_id,
                    at=consultation.at,
                    version=consultation.version,
                    question_sealed=_seal_question(
                        keys, consultation.id, consultation.question, consultation.version
                    ),
                    source_id=source.id,
                    source_sealed=_seal_source(keys, source.id, source.text, source.version),
                    source_version=source.version,
                    source_saved_at=saved_at,
                    organised_version=source.organised_version,
                    adapter_wanted=consultation.adapter_wanted or None,
                )
            )
        return self.get(consultation.id)

    def get(self, consultation_id: ConsultationId) -> Consultation:
        """Raises NotFound, NotYourPatient, CannotOpen."""
        return self._open(self._row(consultation_id))

    def list(self, patient_id: PatientId) -> tuple[Consultation, ...]:
        """Of one patient, newest first.  Raises NotFound, NotYourPatient."""
        self._desk.keys_of(patient_id)
        return tuple(self._each(patient_id))

    def find_current(self, patient_id: PatientId) -> ConsultationId | None:
        """The one with the newest open draft, else the last; None where there was none yet.

        Raises NotFound, NotYourPatient.
        """
        self._desk.keys_of(patient_id)
        of_draft = (
            select(drafts.c.consultation_id)
            .where(drafts.c.patient_id == patient_id, drafts.c.state == DraftState.OPEN.value)
            .order_by(drafts.c.started_at.desc(), drafts.c.id)
        )
        found = self._desk.conn.execute(of_draft.limit(1)).scalar_one_or_none()
        return self.find_newest(patient_id) if found is None else ConsultationId(found)

    def find_newest(self, patient_id: PatientId) -> ConsultationId | None:
        """The last by its date, whatever is unfinished; None where there was none yet.

        Raises NotFound, NotYourPatient.
        """
        self._desk.keys_of(patient_id)
        by_date = (
            select(consultations.c.id)
            .where(consultations.c.patient_id == patient_id)
            .order_by(consultations.c.at.desc(), consultations.c.id)
        )
        found = self._desk.conn.execute(by_date.limit(1)).scalar_one_or_none()
        return None if found is None else ConsultationId(found)

    def save_source(self, consultation_id: ConsultationId, text: str, *, after: int) -> Source:
        """The text as it stands now, one version on.

        Raises ChangedMeanwhile unless `after` is its newest version; the same words twice are no change.
        """
        desk, row = self._desk, self._row(consultation_id)
        keys = desk.keys_of(row["patient_id"])
        if row["source_version"] == after + 1:
            stored = self._open(row).source
            if stored.text == text:
                return stored
        version, now = after + 1, desk.clock()
        done = desk.conn.execute(
            update(consultations)
            .where(consultations.c.id == consultation_id, consultations.c.source_version == after)
            .values(
                source_sealed=_seal_source(keys, row["source_id"], text, version),
                source_version=version,
                source_saved_at=now,
            )
        )
        if done.rowcount != 1:
            raise changed_meanwhile("consultation", consultation_id)
        return Source(row["source_id"], text, version, now, row["organised_version"])

    def save_question(self, consultation_id: ConsultationId, question: str, *, after: int) -> Consultation:
        """The consultation, one version on.  Raises ChangedMeanwhile as `save_source` does."""
        row = self._row(consultation_id)
        keys = self._desk.keys_of(row["patient_id"])
        present = self._open(row)
        if present.version == after + 1 and present.question == question:
            return present
        version = after + 1
        done = self._desk.conn.execute(
            update(consultations)
            .where(consultations.c.id == consultation_id, consultations.c.version == after)
            .values(question_sealed=_seal_question(keys, consultation_id, question, version), version=version)
        )
        if done.rowcount != 1:
            raise changed_meanwhile("consultation", consultation_id)
        return replace(present, question=question, version=version)

    def mark_organised(self, consultation_id: ConsultationId, source_version: int) -> None:
        """Note which version of the text the record has been filled from."""
        row = self._row(consultation_id)
        self._desk.keys_of(row["patient_id"])
        self._desk.conn.execute(
            update(consultations)
            .where(consultations.c.id == consultation_id)
            .values(organised_version=source_version)
        )

    def save_adapter_wanted(self, consultation_id: ConsultationId, wanted: str) -> None:
        """Which adapter is to answer here; empty: whichever is chosen.  The last word counts."""
        self._desk.keys_of(self._row(consultation_id)["patient_id"])
        self._desk.conn.execute(
            update(consultations)
            .where(consultations.c.id == consultation_id)
            .values(adapter_wanted=wanted or None)
        )

    def _row(self, consultation_id: ConsultationId) -> RowMapping:
        row = (
            self._desk.conn.execute(select(consultations).where(consultations.c.id == consultation_id))
            .mappings()
            .first()
        )
        if row is None:
            raise NotFound(f"no consultation {consultation_id}", hint="go back to the patient")
        return row

    def _each(self, patient_id: PatientId) -> Iterator[Consultation]:
        rows = self._desk.conn.execute(
            select(consultations)
            .where(consultations.c.patient_id == patient_id)
            .order_by(consultations.c.at.desc(), consultations.c.id)
        ).mappings()
        for row in rows:
            yield self._open(row)

    def _open(self, row: RowMapping) -> Consultation:
        keys = self._desk.keys_of(row["patient_id"])
        question = keys.open_sealed(row["question_sealed"], _question_place(row["id"], row["version"]))
        text = keys.open_sealed(row["source_sealed"], _source_place(row["source_id"], row["source_version"]))
        return Consultation(
            id=ConsultationId(row["id"]),
            patient_id=PatientId(row["patient_id"]),
            at=row["at"],
            source=Source(
                SourceId(row["source_id"]),
                unpack_text(text),
                row["source_version"],
                row["source_saved_at"],
                row["organised_version"],
            ),
            question=unpack_text(question),
            version=row["version"],
            adapter_wanted=row["adapter_wanted"] or "",
        )


def _question_place(consultation_id: str, version: int) -> Place:
    return Place("consultations", consultation_id, "question", version)


def _source_place(source_id: str, version: int) -> Place:
    return Place("sources", source_id, "text", version)


def _seal_question(keys: DataKeys, consultation_id: str, question: str, version: int) -> bytes:
    return keys.seal(pack_text(question), _question_place(consultation_id, version))


def _seal_source(keys: DataKeys, source_id: str, text: str, version: int) -> bytes:
    return keys.seal(pack_text(text), _source_place(source_id, version))
