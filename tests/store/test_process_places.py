"""Where private notes and their keys are sealed is fixed for ever (decision 10); so is a note's coding."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import create_engine, text

from phyassist.domain.notes import ByHand, Note, NoteId
from phyassist.domain.people import Patient, PatientId
from phyassist.domain.process_notes import ProcessNoteId
from phyassist.services.process_notes import save_process_note
from phyassist.store import coding
from phyassist.store.people import SetUp
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from phyassist.vault.sealing import Place
from tests.store.making import AT, make_note

NOTE_ID = ProcessNoteId("a" * 32)
# A blob as it was written when forms and words by hand came.
BLOB = (
    '{"v":1,"author":"Anna Weiss","question":"why","items":[],"template":"soap",'
    '"by_hand":[["soap.objective","衣着整洁。"]],"salt":"0f"}'
)


def test_a_private_note_lies_at_its_place_under_a_key_at_its_own(
    store: Store, store_path: Path, practice: SetUp, patient: Patient
):
    anna = practice.signed_in
    save_process_note(store, anna, patient_id=patient.id, note_id=NOTE_ID, text="heron", after=0)
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        keys = conn.execute(text("SELECT wrapped_author, wrapped_recovery FROM process_keys")).one()
        sealed = conn.execute(text("SELECT text_sealed FROM process_versions")).scalar_one()
    row = f"{patient.id}/{anna.id}"
    recovery = Keyring.from_recovery_key(practice.recovery_key.reveal_text())

    own = anna.keyring.open_key(keys[0], Place("process_keys", row, f"wrapped for {anna.id}"))
    given = recovery.open_given(keys[1], Place("process_keys", row, "wrapped for recovery"))

    place = Place("process_versions", NOTE_ID, "text", 1)
    assert coding.unpack_text(own.open_sealed(sealed, place)) == "heron"
    assert given.open_sealed(sealed, place) == own.open_sealed(sealed, place)


def test_a_note_with_a_form_and_words_by_hand_is_read_as_it_was_written():
    note = make_note(PatientId("p1"))
    bare = Note(NoteId("note1"), note.patient_id, note.consultation_id, note.draft_id, 0, AT, AT, "", "", ())

    read = coding.unpack_note(BLOB.encode(), bare)
    again = coding.unpack_note(coding.pack_note(read, salt="0f"), bare)

    assert (read.template, read.by_hand) == ("soap", (ByHand("soap.objective", "衣着整洁。"),))
    assert again == read
    assert json.loads(coding.pack_note(read, salt="0f")) == json.loads(BLOB)


def test_the_trace_of_a_withdrawn_note_is_read_as_it_was_written():
    note = make_note(PatientId("p1"))

    trace = coding.unpack_withdrawal('{"v":1,"by":"Anna","reason":"日期写错"}'.encode(), note, AT)

    assert (trace.note, trace.at, trace.by, trace.reason) == (note, AT, "Anna", "日期写错")
