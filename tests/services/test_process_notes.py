"""Private process notes: their author's alone, apart from the record, and gone with the patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phyassist.domain.people import Patient, Role
from phyassist.domain.process_notes import ProcessNoteId
from phyassist.errors import BadInput, CannotOpen, ChangedMeanwhile, NotFound, NotYourPatient, TextTooLong
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.erasing import erase_patient
from phyassist.services.noting import export_notes, save_note
from phyassist.services.patients import load_patient
from phyassist.services.practice import recover, sign_in
from phyassist.services.process_notes import (
    delete_process_note,
    export_process_notes,
    get_process_note,
    list_process_notes,
    list_process_versions,
    save_process_note,
)
from phyassist.services.searching import find
from phyassist.services.sharing import share, withdraw
from phyassist.store.audit import Kind
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.house.canary import find_canary
from tests.services.drafts import make_consultation, make_reply, write_whole
from tests.services.joining import let_in

FIRST = ProcessNoteId("a" * 32)
WORDS = "她让我想起我的妹妹 wombat-5b7e"


@pytest.fixture
def kept(store: Store, anna: SignedIn, patient: Patient) -> None:
    save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text=WORDS, after=0)


@pytest.fixture(params=[Role.COUNSELLOR, Role.SUPERVISOR])
def berta(request: pytest.FixtureRequest, store: Store, anna: SignedIn, patient: Patient) -> SignedIn:
    """Somebody with whom the patient's file is shared, for reading and writing."""
    colleague = let_in(store, anna, "Berta Lang", request.param)
    share(store, anna, patient_id=patient.id, with_id=colleague.id, may_write=True)
    return colleague


def test_its_author_reads_it_back(store: Store, anna: SignedIn, patient: Patient, kept: None):
    (note,) = list_process_notes(store, anna, patient_id=patient.id)

    assert (note.id, note.text, note.version) == (FIRST, WORDS, 1)


def test_who_shares_the_file_does_not_see_it(
    store: Store, anna: SignedIn, berta: SignedIn, patient: Patient, kept: None
):
    own = ProcessNoteId("b" * 32)
    save_process_note(store, berta, patient_id=patient.id, note_id=own, text="mine", after=0)

    assert load_patient(store, berta, patient.id).patient == patient
    assert [note.id for note in list_process_notes(store, berta, patient_id=patient.id)] == [own]
    assert [note.id for note in list_process_notes(store, anna, patient_id=patient.id)] == [FIRST]
    with pytest.raises(NotFound):
        get_process_note(store, berta, patient_id=patient.id, note_id=FIRST)
    with pytest.raises(NotFound):
        save_process_note(store, berta, patient_id=patient.id, note_id=FIRST, text="hers", after=1)
    with pytest.raises(NotFound):
        delete_process_note(store, berta, patient_id=patient.id, note_id=FIRST)


def test_neither_the_patients_key_nor_a_colleagues_opens_it(
    store: Store, store_path: Path, anna: SignedIn, berta: SignedIn, patient: Patient, kept: None
):
    """Even with the rows handed over: the key is wrapped for its author."""
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        conn.execute(text("UPDATE process_keys SET author_id = :b"), {"b": berta.id})
        conn.execute(text("UPDATE process_notes SET author_id = :b"), {"b": berta.id})

    with pytest.raises(CannotOpen):
        list_process_notes(store, berta, patient_id=patient.id)


def test_who_may_not_open_the_file_opens_no_notes_about_it(
    store: Store, anna: SignedIn, berta: SignedIn, patient: Patient, kept: None
):
    own = ProcessNoteId("b" * 32)
    save_process_note(store, berta, patient_id=patient.id, note_id=own, text="mine", after=0)

    withdraw(store, anna, patient_id=patient.id, counsellor_id=berta.id)

    with pytest.raises(NotYourPatient):
        list_process_notes(store, berta, patient_id=patient.id)
    assert [note.text for note in list_process_notes(store, anna, patient_id=patient.id)] == [WORDS]


def test_no_search_export_or_prompt_takes_it_in(store: Store, anna: SignedIn, patient: Patient, kept: None):
    draft = write_whole(store, anna, make_consultation(store, anna, patient))
    save_note(store, anna, draft_id=draft.id, after=draft.version)
    lm = ScriptedModel([make_reply()])
    fresh = start_draft(store, anna, consultation_id=make_consultation(store, anna, patient).id)
    list(write_draft(store, lm, anna, draft_id=fresh.id, stop=Never()))

    exports = [
        export_notes(store, anna, patient_id=patient.id, form=form).data for form in ("txt", "md", "json")
    ]
    asked = "".join(message.content for ask in lm.asks for message in ask.messages)

    assert find(store, anna, "妹妹") == ()
    assert all("妹妹" not in data.decode() for data in exports)
    assert "妹妹" not in asked
    assert "妹妹" not in repr(load_patient(store, anna, patient.id))


def test_its_author_may_ask_for_a_file_of_their_own(
    store: Store, anna: SignedIn, clock: Clock, patient: Patient, kept: None
):
    clock.move(days=1)
    second = ProcessNoteId("c" * 32)
    save_process_note(store, anna, patient_id=patient.id, note_id=second, text="later", after=0)

    exported = export_process_notes(store, anna, patient_id=patient.id)

    assert exported.file_name == "process-notes-0231.txt"
    assert exported.data.decode() == (
        f"私人过程笔记（不属于个案档案）\n\n2026-03-02 10:00\n{WORDS}\n\n2026-03-03 10:00\nlater\n"
    )


def test_what_is_written_in_one_sitting_is_one_version(
    store: Store, anna: SignedIn, clock: Clock, patient: Patient, kept: None
):
    clock.move(minutes=10)
    save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="a", after=1)
    clock.move(minutes=10)
    save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="ab", after=2)
    clock.move(hours=2)
    save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="next day", after=3)

    versions = list_process_versions(store, anna, patient_id=patient.id, note_id=FIRST)

    assert [version.text for version in versions] == ["next day", "ab"]
    with store.read(anna) as tx:
        acts = [row.act.value for row in tx.audit.list(FIRST) if row.kind == Kind.PROCESS_NOTE]
    assert acts == ["changed", "created"]


def test_a_stale_save_is_refused_and_a_repeated_one_is_no_change(
    store: Store, anna: SignedIn, patient: Patient, kept: None
):
    save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="a", after=1)

    again = save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="a", after=1)
    with pytest.raises(ChangedMeanwhile):
        save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="b", after=1)
    with pytest.raises(ChangedMeanwhile):
        save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="b", after=0)

    assert again.version == 2
    assert get_process_note(store, anna, patient_id=patient.id, note_id=FIRST).text == "a"


def test_a_new_sign_in_opens_it_and_so_does_the_recovery_key(
    store: Store, practice: SetUp, anna: SignedIn, patient: Patient, kept: None
):
    anew = sign_in(store, passphrase="seven quiet herons at dawn")
    first = list_process_notes(store, anew, patient_id=patient.id)

    recovered = recover(
        store, recovery_key=practice.recovery_key.reveal_text(), new_passphrase="eight grey geese at dusk"
    )
    second = list_process_notes(store, recovered, patient_id=patient.id)
    save_process_note(store, recovered, patient_id=patient.id, note_id=FIRST, text="on", after=1)

    assert [note.text for note in (*first, *second)] == [WORDS, WORDS]
    with pytest.raises(CannotOpen):
        list_process_notes(store, anna, patient_id=patient.id)


def test_it_dies_with_the_patient(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, kept: None
):
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        wrapped = conn.execute(text("SELECT wrapped_author, wrapped_recovery FROM process_keys")).one()
    present = b"".join(path.read_bytes() for path in store_path.parent.iterdir())

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    left = b"".join(path.read_bytes() for path in store_path.parent.iterdir())
    assert all(key in present for key in wrapped)
    assert not any(key in left or key[9:41] in left for key in wrapped)
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        for table in ("process_keys", "process_notes", "process_versions"):
            assert conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0


def test_a_deleted_note_is_gone_with_its_versions(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, kept: None
):
    delete_process_note(store, anna, patient_id=patient.id, note_id=FIRST)

    assert list_process_notes(store, anna, patient_id=patient.id) == ()
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM process_versions")).scalar_one() == 0


def test_nothing_of_it_lies_in_the_clear(store: Store, store_path: Path, kept: None):
    store.close()

    assert find_canary([store_path.parent], "wombat-5b7e") == []


def test_an_id_of_the_pages_own_is_checked_and_so_is_the_length(
    store: Store, anna: SignedIn, patient: Patient
):
    with pytest.raises(BadInput):
        save_process_note(
            store, anna, patient_id=patient.id, note_id=ProcessNoteId("../x"), text="a", after=0
        )
    with pytest.raises(TextTooLong):
        save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="x" * 100_001, after=0)


def test_a_note_that_was_deleted_in_another_window_is_not_made_anew(
    store: Store, anna: SignedIn, patient: Patient, kept: None
):
    delete_process_note(store, anna, patient_id=patient.id, note_id=FIRST)

    with pytest.raises(NotFound):
        save_process_note(store, anna, patient_id=patient.id, note_id=FIRST, text="b", after=1)
