"""Private process notes: what a counsellor writes for their own work, and nobody else ever sees.

They are no part of the record: no export, search, prompt or print takes them in, and a share of the file does
not open them.  Only `export_process_notes`, which their author asks for by name, hands them out.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from phyassist.domain.people import Language, PatientId
from phyassist.domain.process_notes import ProcessNote, ProcessNoteId, ProcessVersion
from phyassist.errors import BadInput, TextTooLong
from phyassist.services.note_forms import name_file
from phyassist.services.noting import Export
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

TEXT_CHARS_MAX = 100_000
_ID = re.compile(r"[0-9a-f]{32}")
_TITLES: dict[Language, str] = {
    "zh": "私人过程笔记（不属于个案档案）",
    "en": "Private process notes (no part of the record)",
}


def list_process_notes(store: Store, by: SignedIn, *, patient_id: PatientId) -> tuple[ProcessNote, ...]:
    """One's own about a patient, newest first.  Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        return tx.process_notes.list(patient_id)


def get_process_note(
    store: Store, by: SignedIn, *, patient_id: PatientId, note_id: ProcessNoteId
) -> ProcessNote:
    """Raises NotFound, for somebody else's note too; NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        return tx.process_notes.get(patient_id, note_id)


@again
def save_process_note(
    store: Store, by: SignedIn, *, patient_id: PatientId, note_id: ProcessNoteId, text: str, after: int
) -> ProcessNote:
    """The note with these words; the id is the page's own, and a first save, with `after` 0, makes the note.

    What is written within half an hour is one version.  Who may read a patient's file may write notes of
    their own about it.  Raises TextTooLong, BadInput, ChangedMeanwhile, NotFound, NotYourPatient, StoreFull.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise TextTooLong(
            f"a process note has up to {TEXT_CHARS_MAX:,} characters",
            hint="begin another one",
            reason="process-long",
        )
    if not _ID.fullmatch(note_id):
        raise BadInput("this is no id of a process note", hint="load the page again")
    with store.write(by) as tx:
        before = {note.id: note for note in tx.process_notes.list(patient_id)}.get(note_id)
        saved = tx.process_notes.save(patient_id, note_id, text, after=after)
        if before is None or before.sitting != saved.sitting:
            tx.audit.write(Act.CREATED if before is None else Act.CHANGED, Kind.PROCESS_NOTE, note_id)
    return saved


def list_process_versions(
    store: Store, by: SignedIn, *, patient_id: PatientId, note_id: ProcessNoteId
) -> tuple[ProcessVersion, ...]:
    """What it said at the end of each sitting, newest first.  Raises NotFound, NotYourPatient."""
    with store.read(by) as tx:
        return tx.process_notes.versions(patient_id, note_id)


@again
def delete_process_note(store: Store, by: SignedIn, *, patient_id: PatientId, note_id: ProcessNoteId) -> None:
    """The note and its versions, for good.  Raises NotFound, NotYourPatient."""
    with store.write(by) as tx:
        tx.process_notes.delete(patient_id, note_id)
        tx.audit.write(Act.DELETED, Kind.PROCESS_NOTE, note_id)


def export_process_notes(store: Store, by: SignedIn, *, patient_id: PatientId) -> Export:
    """One's own process notes in a file of their own, in the clear, oldest first; written down in the audit.

    Raises NotFound, NotYourPatient, CannotOpen.
    """
    with store.write(by) as tx:
        patient, notes = tx.patients.get(patient_id), tx.process_notes.list(patient_id)
        for note in notes:
            tx.audit.write(Act.EXPORTED, Kind.PROCESS_NOTE, note.id)
    blocks = [_TITLES[patient.language]]
    blocks += [f"{_date(note.created_at, by.counsellor.zone)}\n{note.text}" for note in reversed(notes)]
    return Export(name_file(patient, "txt", "process-notes"), ("\n\n".join(blocks) + "\n").encode("utf-8"))


def _date(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
