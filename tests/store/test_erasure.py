"""After an erasure the store's own files hold neither the keys nor anything that they opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from phyassist.domain.drafts import Change
from phyassist.domain.people import Patient
from phyassist.errors import NotFound
from phyassist.services.erasing import erase_patient
from phyassist.services.patients import list_patients, new_patient
from phyassist.store.people import SignedIn
from phyassist.store.tables import metadata
from phyassist.store.transactions import Store
from tests.store.making import make_amendment, make_consultation, make_draft, make_line, make_note


def fill(store: Store, anna: SignedIn, patient: Patient) -> None:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="heron " * 2000))
        tx.records.save(patient.id, (make_line("heron"),), after=0)
        tx.drafts.add(make_draft(patient.id, items=20), Change.STARTED)
        tx.notes.add(make_note(patient.id))
        tx.notes.amend(make_note(patient.id).id, make_amendment())


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def wrapped_keys(store_path: Path, patient: Patient) -> list[bytes]:
    with sqlite3.connect(store_path) as database:
        rows = database.execute(
            "SELECT wrapped FROM key_wraps JOIN data_keys ON data_keys.id = key_id WHERE patient_id = ?",
            [patient.id],
        )
        return [row[0] for row in rows]


@pytest.mark.parametrize("others", [0, 1, 40])
def test_the_wrapped_keys_are_in_no_file_of_the_store(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, others: int
) -> None:
    for number in range(others):
        new_patient(store, anna, name=f"someone {number}")
    fill(store, anna, patient)
    keys = wrapped_keys(store_path, patient)
    assert all(key in all_bytes(store_path.parent) for key in keys)

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    left = all_bytes(store_path.parent)
    assert len(keys) == 2
    assert not any(key[9:41] in left or key in left for key in keys)


def test_many_erasures_leave_no_key_in_pages_that_fell_empty(
    store: Store, store_path: Path, anna: SignedIn
) -> None:
    patients = [new_patient(store, anna, name=f"someone {number}") for number in range(60)]
    keys = [key for patient in patients for key in wrapped_keys(store_path, patient)]

    for patient in patients:
        erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    left = all_bytes(store_path.parent)
    assert len(keys) == 120
    assert [key for key in keys if key[9:41] in left] == []


def test_no_row_of_the_patient_is_left_and_others_are_untouched(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    other = new_patient(store, anna, name="Lee")
    fill(store, anna, patient)

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    with store.read(anna) as tx, pytest.raises(NotFound):
        tx.patients.get(patient.id)
    assert [row.patient for row in list_patients(store, anna)] == [other]
    with sqlite3.connect(store_path) as database:
        for table in metadata.sorted_tables:
            if "patient_id" in table.c:
                found = database.execute(
                    f"SELECT count(*) FROM {table.name} WHERE patient_id = ?", [patient.id]
                ).fetchone()
                assert found == (0,), table.name
        for name in ("draft_versions", "amendments"):
            assert database.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,)


def test_an_erasure_that_a_reader_held_up_is_finished_by_the_next_write(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    keys = wrapped_keys(store_path, patient)
    reader = sqlite3.connect(store_path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM patients").fetchone()

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)
    held_up = any(key in all_bytes(store_path.parent) for key in keys)
    reader.close()
    new_patient(store, anna, name="Lee")

    assert held_up
    assert not any(key in all_bytes(store_path.parent) for key in keys)
