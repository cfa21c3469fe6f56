"""Signed notes and their amendments: both only ever added."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import RowMapping, func, insert, select

from phyassist.domain.drafts import DraftId
from phyassist.domain.notes import Amendment, Note, NoteId
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotFound
from phyassist.store.coding import pack_amendment, pack_note, unpack_amendment, unpack_note
from phyassist.store.desk import Desk
from phyassist.store.kept import NoteMark
from phyassist.store.tables import amendments, notes
from phyassist.vault.sealing import Place

# Patients asked for in one query.
_AT_ONCE = 200


class Notes:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, note: Note) -> Note:
        """The note as stored, numbered after the patient's last.  Adding the same id again changes nothing.

        Raises NotFound, NotYourPatient.
        """
        desk = self._desk
        keys = desk.keys_of(note.patient_id)
        if desk.conn.execute(select(notes.c.id).where(notes.c.id == note.id)).first() is not None:
            return self.get(note.id)
        desk.hold(note.patient_id)
        last = desk.conn.execute(
            select(func.max(notes.c.number)).where(notes.c.patient_id == note.patient_id)
        ).scalar_one()
        stored = replace(note, number=(last or 0) + 1, amendments=())
        desk.conn.execute(
            insert(notes).values(
                id=note.id,
                patient_id=note.patient_id,
                consultation_id=note.consultation_id,
                draft_id=note.draft_id,
                author_id=desk.by.id,
                kind="note",
                number=stored.number,
                at=note.at,
                signed_at=note.signed_at,
                note_sealed=keys.seal(pack_note(stored), _place(note.id)),
            )
        )
        return stored

    def get(self, note_id: NoteId) -> Note:
        """Raises NotFound, NotYourPatient, CannotOpen."""
        row = self._row(note_id)
        added = self._desk.conn.execute(
            select(amendments).where(amendments.c.note_id == note_id).order_by(amendments.c.number)
        ).mappings()
        return self._open(row, list(added))

    def list(self, patient_id: PatientId) -> tuple[Note, ...]:
        """Of one patient, newest first.  Raises NotFound, NotYourPatient."""
        self._desk.keys_of(patient_id)
        return tuple(self._list([patient_id]))

    def list_of(self, patient_ids: Collection[PatientId]) -> tuple[Note, ...]:
        """Of those of these patients that open; of each, the newest first."""
        self._desk.look_into(list(patient_ids))
        of = [patient_id for patient_id in patient_ids if patient_id in self._desk.opened]
        return tuple(
            note for start in range(0, len(of), _AT_ONCE) for note in self._list(of[start : start + _AT_ONCE])
        )

    def marks(self) -> dict[PatientId, NoteMark]:
        """For every patient with notes whom one may open: what changes when a note or an amendment does."""
        conn = self._desk.conn
        counted = (
            select(notes.c.patient_id, func.count(), func.max(notes.c.number))
            .where(notes.c.patient_id.in_(self._desk.mine()))
            .group_by(notes.c.patient_id)
        )
        # Amendments are few, so they are counted first: the other way round goes through every note.
        by_note = (
            select(amendments.c.note_id, func.count().label("added"))
            .group_by(amendments.c.note_id)
            .subquery()
        )
        added = (
            select(notes.c.patient_id, func.sum(by_note.c.added))
            .join(by_note, by_note.c.note_id == notes.c.id)
            .group_by(notes.c.patient_id)
        )
        amended: dict[str, int] = {row[0]: int(row[1]) for row in conn.execute(added)}
        return {
            PatientId(patient_id): NoteMark(count, last, amended.get(patient_id, 0))
            for patient_id, count, last in conn.execute(counted)
        }

    def amend(self, note_id: NoteId, amendment: Amendment) -> Note:
        """The note with the amendment at its end; the note itself stays to the letter.

        Adding the very same amendment again changes nothing.  Raises NotFound, NotYourPatient.
        """
        desk = self._desk
        desk.hold(PatientId(self._row(note_id)["patient_id"]))
        present = self.get(note_id)
        if present.amendments and present.amendments[-1] == amendment:
            return present
        number = len(present.amendments) + 1
        keys = desk.keys_of(present.patient_id)
        desk.conn.execute(
            insert(amendments).values(
                note_id=note_id,
                number=number,
                author_id=desk.by.id,
                at=amendment.at,
                amendment_sealed=keys.seal(pack_amendment(amendment), _amendment_place(note_id, number)),
            )
        )
        return replace(present, amendments=(*present.amendments, amendment))

    def _row(self, note_id: NoteId) -> RowMapping:
        row = self._desk.conn.execute(select(notes).where(notes.c.id == note_id)).mappings().first()
        if row is None:
            raise NotFound(f"no note {note_id}", hint="go back to the patient")
        return row

    def _list(self, patient_ids: Sequence[PatientId]) -> Iterator[Note]:
        of_them = notes.c.patient_id.in_(patient_ids)
        of_notes = select(notes).where(of_them)
        of_amendments = (
            select(amendments).join(notes, notes.c.id == amendments.c.note_id).where(of_them)
        ).order_by(amendments.c.note_id, amendments.c.number)
        added: dict[str, list[RowMapping]] = {}
        for row in self._desk.conn.execute(of_amendments).mappings():
            added.setdefault(row["note_id"], []).append(row)
        newest_first = of_notes.order_by(notes.c.at.desc(), notes.c.number.desc(), notes.c.id)
        for row in self._desk.conn.execute(newest_first).mappings():
            yield self._open(row, added.get(row["id"], []))

    def _open(self, row: RowMapping, added: Sequence[RowMapping]) -> Note:
        # To look through everybody's notes is not to open everybody's file: the audit tells the two apart.
        patient_id = PatientId(row["patient_id"])
        keys = self._desk.opened.get(patient_id) or self._desk.keys_of(patient_id)
        note_id = NoteId(row["id"])
        bare = Note(
            id=note_id,
            patient_id=PatientId(row["patient_id"]),
            consultation_id=ConsultationId(row["consultation_id"]),
            draft_id=DraftId(row["draft_id"]),
            number=row["number"],
            at=row["at"],
            signed_at=row["signed_at"],
            author="",
            question="",
            items=(),
            amendments=tuple(
                unpack_amendment(
                    keys.open_sealed(each["amendment_sealed"], _amendment_place(note_id, each["number"])),
                    each["at"],
                )
                for each in added
            ),
        )
        return unpack_note(keys.open_sealed(row["note_sealed"], _place(note_id)), bare)


def _place(note_id: NoteId) -> Place:
    return Place("notes", note_id, "note")


def _amendment_place(note_id: NoteId, number: int) -> Place:
    return Place("amendments", note_id, "amendment", number)
