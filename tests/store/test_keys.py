"""Who holds a key decides, whatever the services think."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.domain.drafts import Change
from phyassist.domain.people import Counsellor, CounsellorId, Patient
from phyassist.errors import CannotOpen, Locked, NotFound, NotYourPatient
from phyassist.services.patients import new_patient
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring, give_key
from phyassist.vault.sealing import DataKey
from tests.store.making import make_consultation, make_draft, make_line, make_note


@pytest.fixture
def bo(anna: SignedIn) -> SignedIn:
    """A colleague with keys of his own, who was shared nothing."""
    return SignedIn(Counsellor(CounsellorId("b0"), "Bo", "en", "UTC"), Keyring.make())


@pytest.fixture
def full(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="heron"))
        tx.records.save(patient.id, (make_line("heron"),), after=0)
        tx.drafts.add(make_draft(patient.id, text="heron"), Change.STARTED)
        tx.notes.add(make_note(patient.id, text="heron"))
    return patient


def test_a_colleague_is_shown_nothing_of_a_patient_who_was_not_shared(
    store: Store, bo: SignedIn, full: Patient
) -> None:
    with store.read(bo) as tx:
        assert tx.patients.list() == ()
        assert tx.notes.marks() == {}
        assert tx.notes.list_of([full.id]) == ()
        assert tx.patients.right_of(full.id) is None
        reads = [
            lambda: tx.patients.get(full.id),
            lambda: tx.consultations.get("consultation1"),
            lambda: tx.consultations.list(full.id),
            lambda: tx.records.get(full.id),
            lambda: tx.records.versions(full.id),
            lambda: tx.drafts.get("draft1"),
            lambda: tx.drafts.get_version("draft1", 1),
            lambda: tx.drafts.history("draft1"),
            lambda: tx.drafts.list(full.id),
            lambda: tx.drafts.open_of("consultation1"),
            lambda: tx.notes.get("note1"),
            lambda: tx.notes.list(full.id),
        ]
        for read in reads:
            with pytest.raises(NotYourPatient, match="was not shared with you"):
                read()


def test_a_colleague_changes_nothing_of_a_patient_who_was_not_shared(
    store: Store, bo: SignedIn, anna: SignedIn, full: Patient
) -> None:
    with store.write(bo) as tx:
        writes = [
            lambda: tx.patients.update(full),
            lambda: tx.patients.delete(full.id),
            lambda: tx.consultations.add(make_consultation(full.id, number=2)),
            lambda: tx.consultations.save_source("consultation1", "x", after=0),
            lambda: tx.consultations.save_question("consultation1", "x", after=0),
            lambda: tx.consultations.mark_organised("consultation1", 1),
            lambda: tx.records.save(full.id, (), after=1),
            lambda: tx.drafts.add(make_draft(full.id, number=2), Change.STARTED),
            lambda: tx.drafts.save(make_draft(full.id), Change.EDITED, after=1),
            lambda: tx.drafts.save_partial("draft1", "x"),
            lambda: tx.drafts.set_state("draft1", "discarded"),
            lambda: tx.notes.add(make_note(full.id, number=2)),
        ]
        for write in writes:
            with pytest.raises(NotYourPatient):
                write()

    with store.read(anna) as tx:
        assert tx.patients.get(full.id) == full
        assert len(tx.notes.list(full.id)) == 1


def test_a_colleagues_keyring_opens_nothing_even_when_the_database_says_it_may(
    store: Store, store_path: Path, bo: SignedIn, full: Patient
) -> None:
    with sqlite3.connect(store_path) as database:
        database.execute(
            "INSERT INTO key_wraps (key_id, holder_id, wrapped, may_write, until, added_at)"
            " SELECT key_id, 'b0', wrapped, may_write, until, added_at FROM key_wraps"
            " JOIN data_keys ON data_keys.id = key_id WHERE patient_id = ? AND holder_id <> 'recovery'",
            [full.id],
        )

    with store.read(bo) as tx, pytest.raises(CannotOpen):
        tx.patients.get(full.id)


def test_being_called_anna_does_not_open_what_annas_keys_open(
    store: Store, anna: SignedIn, full: Patient
) -> None:
    impostor = SignedIn(anna.counsellor, Keyring.make())

    with store.read(impostor) as tx, pytest.raises(CannotOpen):
        tx.patients.get(full.id)
    with store.read(impostor) as tx:
        assert tx.patients.list() == ()
        assert tx.notes.list_of([full.id]) == ()


def test_a_data_key_planted_by_the_databases_keeper_is_not_used(
    store: Store, store_path: Path, anna: SignedIn, full: Patient
) -> None:
    planted = DataKey.make(term=2)
    from phyassist.store.wraps import wrap_place

    wrapped = give_key(planted, anna.keyring.public, wrap_place("planted", anna.id, 2))
    with sqlite3.connect(store_path) as database:
        database.execute(
            "INSERT INTO data_keys (id, patient_id, term, created_at) VALUES ('planted', ?, 2, '2026-03-02')",
            [full.id],
        )
        database.execute(
            "INSERT INTO key_wraps (key_id, holder_id, wrapped, may_write, until, added_at)"
            " VALUES ('planted', ?, ?, 1, NULL, '2026-03-02')",
            [anna.id, wrapped],
        )

    with pytest.raises(CannotOpen), store.write(anna) as tx:
        tx.consultations.save_source("consultation1", "words for the thief", after=0)


def test_another_recovery_key_in_the_database_is_not_given_new_patients(
    store: Store, store_path: Path, anna: SignedIn
) -> None:
    thief = Keyring.make()
    with sqlite3.connect(store_path) as database:
        database.execute("UPDATE practice SET recovery_public = ?", [thief.public])

    new_patient(store, anna, name="Lee")

    with sqlite3.connect(store_path) as database:
        rows = database.execute(
            "SELECT key_id, wrapped, term FROM key_wraps JOIN data_keys ON data_keys.id = key_id"
            " WHERE holder_id = 'recovery'"
        ).fetchall()
    from phyassist.store.wraps import wrap_place

    for key_id, wrapped, term in rows:
        with pytest.raises(CannotOpen):
            thief.open_given(wrapped, wrap_place(key_id, "recovery", term))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("patients", "card_sealed"),
        ("consultations", "source_sealed"),
        ("consultations", "question_sealed"),
        ("notes", "note_sealed"),
        ("drafts", "partial_sealed"),
    ],
)
def test_a_value_moved_to_another_row_does_not_open(
    store: Store, store_path: Path, anna: SignedIn, full: Patient, table: str, column: str
) -> None:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(full.id, number=2, text="stork"))
        tx.drafts.add(make_draft(full.id, number=2), Change.STARTED)
        tx.notes.add(make_note(full.id, number=2))
    other = new_patient(store, anna, name="Lee")
    with sqlite3.connect(store_path) as database:
        rows = database.execute(f"SELECT id, {column} FROM {table} ORDER BY id").fetchall()
        database.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", [rows[0][1], rows[1][0]])

    reads = {
        "patients": lambda tx: tx.patients.get(other.id),
        "consultations": lambda tx: tx.consultations.get("consultation2"),
        "notes": lambda tx: tx.notes.get("note2"),
        "drafts": lambda tx: tx.drafts.get("draft2"),
    }
    with store.read(anna) as tx, pytest.raises(CannotOpen):
        reads[table](tx)


def test_an_old_version_put_in_the_place_of_a_new_one_does_not_open(
    store: Store, store_path: Path, anna: SignedIn, full: Patient
) -> None:
    with store.write(anna) as tx:
        tx.drafts.save(replace(make_draft(full.id), items=()), Change.EDITED, after=1)
    with sqlite3.connect(store_path) as database:
        old = database.execute("SELECT draft_sealed FROM draft_versions WHERE version = 1").fetchone()[0]
        database.execute("UPDATE draft_versions SET draft_sealed = ? WHERE version = 2", [old])

    with store.read(anna) as tx, pytest.raises(CannotOpen):
        tx.drafts.get("draft1")


def test_a_share_that_has_run_out_opens_nothing(
    store: Store, store_path: Path, anna: SignedIn, full: Patient
) -> None:
    with sqlite3.connect(store_path) as database:
        database.execute(
            "UPDATE key_wraps SET until = '2026-03-02 08:59:00.000000' WHERE holder_id = ?", [anna.id]
        )

    with store.read(anna) as tx:
        assert tx.patients.list() == ()
        assert tx.patients.right_of(full.id) is None
        with pytest.raises(NotYourPatient):
            tx.patients.get(full.id)


def test_a_locked_keyring_opens_nothing(store: Store, anna: SignedIn, full: Patient) -> None:
    anna.keyring.forget()

    with store.read(anna) as tx, pytest.raises(Locked):
        tx.patients.get(full.id)


def test_a_key_that_was_rolled_back_is_not_remembered(store: Store, anna: SignedIn) -> None:
    with pytest.raises(RuntimeError), store.write(anna) as tx:
        gone = tx.patients.add(Patient("p9", "Lee"))  # type: ignore[arg-type]
        raise RuntimeError

    with store.read(anna) as tx, pytest.raises(NotFound):
        tx.patients.get(gone.id)
    again = new_patient(store, anna, name="Lee")
    with store.read(anna) as tx:
        assert tx.patients.get(again.id).name == "Lee"
