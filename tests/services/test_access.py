from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from phyassist.domain.people import Counsellor, CounsellorId, Patient, PatientId, Role
from phyassist.errors import NotAllowed, NotFound, NotYourPatient
from phyassist.services.access import check_may_change, check_runs_practice, may_change, may_see
from phyassist.services.erasing import erase_patient
from phyassist.services.patients import edit_patient, load_patient
from phyassist.services.practice import sign_in
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from tests.conftest import PASSPHRASE


@pytest.fixture
def bo(anna: SignedIn) -> SignedIn:
    return SignedIn(Counsellor(CounsellorId("b0"), "Bo"), Keyring.make())


def test_a_patients_counsellor_sees_and_changes(store: Store, anna: SignedIn, patient: Patient) -> None:
    with store.read(anna) as tx:
        assert may_see(tx, patient.id)
        assert may_change(tx, patient.id)
        check_may_change(tx, patient.id)


def test_a_colleague_neither_sees_nor_changes(store: Store, bo: SignedIn, patient: Patient) -> None:
    with store.read(bo) as tx:
        assert not may_see(tx, patient.id)
        assert not may_change(tx, patient.id)
    with pytest.raises(NotYourPatient):
        load_patient(store, bo, patient.id)
    with pytest.raises(NotYourPatient):
        edit_patient(store, bo, patient_id=patient.id, name="x", number="", language="en")
    with pytest.raises(NotYourPatient):
        erase_patient(store, bo, patient_id=patient.id, typed=patient.name)


def test_who_may_only_read_is_told_so(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    with sqlite3.connect(store_path) as database:
        database.execute("UPDATE key_wraps SET may_write = 0 WHERE holder_id = ?", [anna.id])

    assert load_patient(store, anna, patient.id).patient == patient
    with pytest.raises(NotYourPatient, match="for writing"):
        edit_patient(store, anna, patient_id=patient.id, name="x", number="", language="en")


def test_nobody_is_not_found_rather_than_forbidden(store: Store, anna: SignedIn) -> None:
    with store.read(anna) as tx, pytest.raises(NotFound):
        check_may_change(tx, PatientId("nobody"))


def test_the_founder_runs_the_practice_and_a_colleague_does_not(
    store: Store, anna: SignedIn, bo: SignedIn
) -> None:
    signed_in = sign_in(store, passphrase=PASSPHRASE)

    check_runs_practice(anna)
    check_runs_practice(signed_in)
    assert signed_in.role is Role.COUNSELLOR
    with pytest.raises(NotAllowed, match="who runs the practice"):
        check_runs_practice(bo)
