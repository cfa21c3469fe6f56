"""Signed notes and their amendments, and the traces of notes that were withdrawn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, insert, select, update

from phyassist.domain.drafts import DraftId
from phyassist.domain.notes import Amendment, Note, NoteId, Withdrawn
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import CannotOpen, NotFound
from phyassist.store.audit import Act, Audit, Kind
from phyassist.store.coding import (
    pack_amendment,
    pack_note,
    pack_withdrawal,
    unpack_amendment,
    unpack_note,
    unpack_withdrawal,
)
from phyassist.store.desk import Desk
from phyassist.store.fingerprints import PREFIX, list_unanchored, make_fingerprint
from phyassist.store.kept import NoteMark
from phyassist.store.tables import amendments, notes, withdrawn_notes
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
        number = self.next_number(note.patient_id)
        stored = replace(note, number=number, amendments=(), author_id=desk.by.id)
        row: dict[str, object] = {
            "id": note.id,
            "patient_id": note.patient_id,
            "consultation_id": note.consultation_id,
            "draft_id": note.draft_id,
            "author_id": desk.by.id,
            "kind": "note",
            "number": number,
            "at": note.at,
            "signed_at": note.signed_at,
            "locks_at": note.locks_at,
        }
        blob = pack_note(stored, salt=desk.new_id())
        stored = replace(stored, fingerprint=make_fingerprint(row, blob))
        desk.conn.execute(
            insert(notes).values(
                **row, fingerprint=stored.fingerprint, note_sealed=keys.seal(blob, _place(note.id))
            )
        )
        # Whoever adds a note, its fingerprint is in the log from the first moment.
        log = Audit(desk.conn, desk.clock, desk.by.id, desk.by.origin)
        log.write(Act.SIGNED, Kind.FINGERPRINT, stored.fingerprint.removeprefix(PREFIX))
        return stored

    def next_number(self, patient_id: PatientId) -> int:
        """The number of the patient's next note; that of a withdrawn one is not given again."""
        self._desk.keys_of(patient_id)
        last = 0
        for table in (notes, withdrawn_notes):
            found = self._desk.conn.execute(
                select(func.max(table.c.number)).where(table.c.patient_id == patient_id)
            ).scalar_one()
            last = max(last, found or 0)
        return last + 1

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

    def lock(self, note_id: NoteId, at: datetime) -> Note:
        """The note, locked from this moment; one that was locked before stays as it was."""
        note = self.get(note_id)
        if note.locks_at is None or note.locks_at <= at:
            return note
        self._desk.conn.execute(update(notes).where(notes.c.id == note_id).values(locks_at=at))
        return replace(note, locks_at=at)

    def withdraw(self, note_id: NoteId, *, at: datetime, reason: str) -> Withdrawn:
        """The note taken from among those that stand; what was signed is kept, sealed, as its trace.

        Raises NotFound, NotYourPatient.
        """
        desk = self._desk
        row = self._row(note_id)
        keys = desk.keys_of(PatientId(row["patient_id"]))
        trace = Withdrawn(self.get(note_id), at, desk.by.counsellor.name, reason)
        sealed = keys.seal(pack_withdrawal(trace.by, reason), _withdrawal_place(note_id))
        desk.conn.execute(insert(withdrawn_notes).values(**row, withdrawn_at=at, withdrawal_sealed=sealed))
        desk.conn.execute(delete(notes).where(notes.c.id == note_id))
        return trace

    def list_withdrawn(self, patient_id: PatientId) -> tuple[Withdrawn, ...]:
        """The traces of a patient's withdrawn notes, newest first.  Raises NotFound, NotYourPatient."""
        keys = self._desk.keys_of(patient_id)
        rows = self._desk.conn.execute(
            select(withdrawn_notes)
            .where(withdrawn_notes.c.patient_id == patient_id)
            .order_by(withdrawn_notes.c.number.desc())
        ).mappings()
        return tuple(
            unpack_withdrawal(
                keys.open_sealed(row["withdrawal_sealed"], _withdrawal_place(NoteId(row["id"]))),
                self._open(row, ()),
                row["withdrawn_at"],
            )
            for row in rows
        )

    def check(self, patient_id: PatientId) -> tuple[str, ...]:
        """Ids of a patient's notes that are not what was signed, withdrawn ones too.

        A note that does not open, or whose fingerprint is another, is one; a note that was signed before
        there were fingerprints is right when it opens.  Raises NotFound, NotYourPatient.
        """
        keys = self._desk.keys_of(patient_id)
        wrong: list[str] = []
        for table in (notes, withdrawn_notes):
            of_patient = select(table).where(table.c.patient_id == patient_id).order_by(table.c.number)
            for row in self._desk.conn.execute(of_patient).mappings():
                try:
                    blob = keys.open_sealed(row["note_sealed"], _place(row["id"]))
                except CannotOpen:
                    wrong.append(row["id"])
                    continue
                if row["fingerprint"] is not None and row["fingerprint"] != make_fingerprint(row, blob):
                    wrong.append(row["id"])
        return tuple(wrong)

    def list_unanchored(self) -> tuple[str, ...]:
        """Ids of notes in the store whose fingerprint the audit log does not know; needs no key."""
        return list_unanchored(self._desk.conn)

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
            author_id=row["author_id"],
            locks_at=row["locks_at"],
            fingerprint=row["fingerprint"] or "",
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


def _withdrawal_place(note_id: NoteId) -> Place:
    return Place("withdrawn_notes", note_id, "withdrawal")


def _amendment_place(note_id: NoteId, number: int) -> Place:
    return Place("amendments", note_id, "amendment", number)
