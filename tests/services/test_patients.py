from __future__ import annotations

import pytest

from phyassist.domain.drafts import Change, DraftState
from phyassist.domain.people import Patient, PatientId
from phyassist.errors import BadInput, ChangedMeanwhile, NotFound
from phyassist.services.erasing import erase_patient
from phyassist.services.looking import find_current
from phyassist.services.patients import (
    edit_patient,
    list_patients,
    load_patient,
    new_patient,
)
from phyassist.store.audit import Act
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.store.making import (
    make_consultation,
    make_draft,
    make_line,
    make_note,
)


def test_a_new_patient_is_listed_and_loads_empty(store: Store, anna: SignedIn, clock: Clock) -> None:
    patient = new_patient(store, anna, name="  孙某 ", number=" 0231 ", language="zh")

    file = load_patient(store, anna, patient.id)

    assert (patient.name, patient.number) == ("孙某", "0231")
    assert file.patient == patient
    assert (file.record.lines, file.consultations, file.notes, file.open_draft, file.drafts) == (
        (),
        (),
        (),
        None,
        (),
    )
    (row,) = list_patients(store, anna)
    assert (row.patient, row.has_open_draft, row.last_at) == (patient, False, clock())


@pytest.mark.parametrize(("name", "number"), [("", ""), (" \n ", "1"), ("x" * 201, ""), ("Lee", "9" * 61)])
def test_a_card_that_cannot_be_is_refused(store: Store, anna: SignedIn, name: str, number: str) -> None:
    with pytest.raises(BadInput) as raised:
        new_patient(store, anna, name=name, number=number)

    assert "xxx" not in str(raised.value)
    assert list_patients(store, anna) == ()


def test_a_card_is_edited_and_a_stale_edit_is_refused(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    clock.move(minutes=1)
    edited = edit_patient(
        store, anna, patient_id=patient.id, name="Sun M.", number="", language="en", after=patient.updated_at
    )

    assert (edited.name, edited.number, edited.language) == ("Sun M.", "", "en")
    assert edited.created_at == patient.created_at
    with pytest.raises(ChangedMeanwhile):
        edit_patient(
            store, anna, patient_id=patient.id, name="x", number="", language="en", after=patient.updated_at
        )
    assert load_patient(store, anna, patient.id).patient == edited


def test_the_whole_file_is_loaded_at_once(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="heron"))
        record = tx.records.save(patient.id, (make_line(),), after=0)
        open_draft = tx.drafts.add(make_draft(patient.id), Change.STARTED)
        clock.move(minutes=1)
        tx.drafts.add(make_draft(patient.id, number=2), Change.STARTED)
        tx.drafts.set_state(make_draft(patient.id, number=2).id, DraftState.DISCARDED)
        note = tx.notes.add(make_note(patient.id))

    file = load_patient(store, anna, patient.id)

    assert file.record == record
    assert file.consultations[0].source.text == "heron"
    assert file.notes == (note,)
    assert file.open_draft == open_draft
    assert [draft.state for draft in file.drafts] == [DraftState.DISCARDED, DraftState.OPEN]


def test_the_patient_something_happened_with_last_stands_first(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    first = new_patient(store, anna, name="first")
    clock.move(hours=1)
    second = new_patient(store, anna, name="second")
    clock.move(hours=1)
    with store.write(anna) as tx:
        tx.drafts.add(make_draft(first.id), Change.STARTED)

    rows = list_patients(store, anna)

    assert [(row.patient, row.has_open_draft) for row in rows] == [(first, True), (second, False)]
    assert rows[0].last_at == clock()


def test_a_deleted_patient_is_gone_and_the_log_says_who_did_it(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    assert list_patients(store, anna) == ()
    with pytest.raises(NotFound):
        load_patient(store, anna, patient.id)
    with pytest.raises(NotFound):
        erase_patient(store, anna, patient_id=PatientId("nobody"), typed="")
    with store.read(anna) as tx:
        row, *_ = tx.audit.list(patient.id)
    assert (row.act, row.by_id) == (Act.ERASED, anna.id)


def test_a_patients_page_opens_where_the_work_is(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    assert find_current(store, anna, patient_id=patient.id) is None
    with store.write(anna) as tx:
        for number in (1, 2):
            tx.consultations.add(make_consultation(patient.id, number=number, at=clock.move(days=1)))

    assert find_current(store, anna, patient_id=patient.id) == "consultation2"
    with store.write(anna) as tx:
        tx.drafts.add(make_draft(patient.id), Change.STARTED)
    assert find_current(store, anna, patient_id=patient.id) == "consultation1"
