from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.domain.people import Counsellor, CounsellorId, Patient
from phyassist.errors import NotYourPatient
from phyassist.services.intake import save_source, start_consultation
from phyassist.services.patients import list_patients, load_patient, new_patient
from phyassist.store.audit import Act, Anchor, AuditCheck, AuditFilter, Kind
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from tests.conftest import Clock
from tests.store.making import make_note


@pytest.fixture
def three_acts(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Patient:
    for act in (Act.VIEWED, Act.EXPORTED, Act.VIEWED):
        clock.move(minutes=1)
        with store.write(anna) as tx:
            tx.audit.write(act, Kind.PATIENT, patient.id, origin="web")
    return patient


def test_who_did_what_when_stands_in_the_log(
    store: Store, anna: SignedIn, three_acts: Patient, clock: Clock
) -> None:
    with store.read(anna) as tx:
        newest, *_, created = tx.audit.list(three_acts.id)
        whole = tx.audit.list()

    assert (newest.by_id, newest.act, newest.kind, newest.row_id, newest.at, newest.origin) == (
        anna.id,
        Act.VIEWED,
        Kind.PATIENT,
        three_acts.id,
        clock(),
        "web",
    )
    assert created.act == Act.CREATED
    assert [row.number for row in whole] == [5, 4, 3, 2, 1]
    assert whole[-1].act == Act.SET_UP


def test_an_untouched_log_is_whole(store: Store, anna: SignedIn, three_acts: Patient) -> None:
    with store.read(anna) as tx:
        assert tx.audit.verify() == AuditCheck(5, None)


@pytest.mark.parametrize(
    ("change", "first_broken"),
    [
        ("UPDATE audit SET act = 'viewed' WHERE number = 4", 4),
        ("UPDATE audit SET by_id = 'nobody' WHERE number = 2", 2),
        ("UPDATE audit SET at = '2026-03-02 10:00:00.000000' WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 3", 4),
        ("DELETE FROM audit WHERE number = 5", 5),
        ("DELETE FROM audit", 1),
        ("DELETE FROM audit_head", 6),
    ],
)
def test_a_row_that_was_changed_or_taken_out_is_seen(
    store: Store, store_path: Path, anna: SignedIn, three_acts: Patient, change: str, first_broken: int
) -> None:
    with sqlite3.connect(store_path) as database:
        take_guards_away(database)
        database.execute(change)

    with store.read(anna) as tx:
        assert tx.audit.verify().first_broken == first_broken


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET act = 'viewed' WHERE number = 4",
        "DELETE FROM audit WHERE number = 5",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE number = 2",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET number = 3",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_written(
    store: Store, store_path: Path, anna: SignedIn, three_acts: Patient, change: str
) -> None:
    with (
        sqlite3.connect(store_path) as database,
        pytest.raises(sqlite3.IntegrityError, match="only added to"),
    ):
        database.execute(change)

    with store.read(anna) as tx:
        assert tx.audit.verify() == AuditCheck(5, None)


def test_a_chain_that_was_written_anew_as_a_whole_is_found_out_by_an_anchor_kept_elsewhere(
    store: Store, store_path: Path, anna: SignedIn, three_acts: Patient
) -> None:
    with store.read(anna) as tx:
        anchor = tx.audit.anchor()
        first = Anchor(1, tx.audit.list()[-1].hash)

    with sqlite3.connect(store_path) as database:
        take_guards_away(database)
        rows = database.execute("SELECT act, kind, row_id FROM audit ORDER BY number").fetchall()
        database.execute("DELETE FROM audit")
        database.execute("DELETE FROM audit_head")
    with store.write(anna) as tx:
        for act, kind, row_id in rows:
            tx.audit.write(Act.CREATED if act == Act.EXPORTED else Act(act), Kind(kind), row_id)

    with store.read(anna) as tx:
        assert tx.audit.verify() == AuditCheck(5, None)
        assert tx.audit.verify(anchor) == AuditCheck(5, None, fits_anchor=False)
        assert not tx.audit.verify(first).is_whole


def test_an_anchor_of_the_same_chain_fits_however_long_it_has_grown(
    store: Store, anna: SignedIn, three_acts: Patient
) -> None:
    with store.read(anna) as tx:
        anchor = tx.audit.anchor()
    with store.write(anna) as tx:
        tx.audit.write(Act.EXPORTED, Kind.PATIENT, three_acts.id)

    with store.read(anna) as tx:
        assert tx.audit.verify(anchor) == AuditCheck(6, None, fits_anchor=True)
        assert tx.audit.verify(Anchor(9, anchor.hash)).fits_anchor is False
        assert tx.audit.verify(Anchor(0, "sha256:" + "0" * 64)).is_whole


def take_guards_away(database: sqlite3.Connection) -> None:
    """What somebody with the database in their hands can do."""
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")


def acts_on(store: Store, by: SignedIn, patient: Patient) -> list[Act | str]:
    with store.read(by) as tx:
        return [row.act for row in reversed(tx.audit.list(patient.id))]


def test_opening_a_file_is_written_once_in_a_while_for_each_login(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    elsewhere = replace(anna, origin="web 5 local-network")
    with open_store(f"sqlite:///{store_path}", clock=clock) as another_process:
        for through in (store, another_process, store):
            load_patient(through, anna, patient.id)
        load_patient(store, elsewhere, patient.id)
        clock.move(minutes=16)
        load_patient(store, anna, patient.id)

    assert acts_on(store, anna, patient) == [Act.CREATED, Act.VIEWED, Act.VIEWED, Act.VIEWED]
    with store.read(anna) as tx:
        assert {row.origin for row in tx.audit.list(patient.id)} == {"", "web 5 local-network"}


def test_what_is_saved_many_times_a_minute_is_written_once_in_a_while(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    meeting = start_consultation(store, anna, patient_id=patient.id)
    for version in range(5):
        clock.move(minutes=4)
        save_source(store, anna, consultation_id=meeting.id, text=f"word {version}", after=version)

    assert acts_on(store, anna, patient) == [Act.CREATED, Act.CHANGED, Act.CHANGED]


def test_looking_through_everybodys_notes_is_not_opening_everybodys_file(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    with store.write(anna) as tx:
        tx.notes.add(make_note(patient.id))
        tx.audit.write(Act.SIGNED, Kind.NOTE, "note1")

    list_patients(store, anna)
    with store.read(anna) as tx:
        assert len(tx.notes.list_of([patient.id])) == 1

    assert acts_on(store, anna, patient) == [Act.CREATED]


def test_a_file_that_is_not_ones_own_is_refused_and_that_is_written_down(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    bo = SignedIn(Counsellor(CounsellorId("b0"), "Bo"), Keyring.make(), origin="cli")

    for _ in range(3):
        with pytest.raises(NotYourPatient):
            load_patient(store, bo, patient.id)

    with store.read(anna) as tx:
        refused, created = tx.audit.list(patient.id)
    assert (refused.act, refused.by_id, refused.origin) == (Act.REFUSED, "b0", "cli")
    assert created.act == Act.CREATED


def test_a_patients_rows_are_those_of_their_notes_and_drafts_too(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    other = new_patient(store, anna, name="Lee")
    meeting = start_consultation(store, anna, patient_id=patient.id)
    clock.move(days=1)
    load_patient(store, anna, other.id)

    with store.read(anna) as tx:
        own = tx.audit.find(AuditFilter(patient_id=patient.id))
        last_day = tx.audit.find(AuditFilter(since=clock()))
        second = tx.audit.find(AuditFilter(before=own[0].number), limit=2)

    assert [row.row_id for row in own] == [meeting.id, patient.id]
    assert [(row.act, row.row_id) for row in last_day] == [(Act.VIEWED, other.id)]
    assert [row.number for row in second] == [own[0].number - 1, own[0].number - 2]


def test_an_act_that_is_not_in_the_set_is_refused(store: Store, anna: SignedIn) -> None:
    with pytest.raises(ValueError, match="diagnosed"), store.write(anna) as tx:
        tx.audit.write("diagnosed", Kind.PATIENT, "p1")  # type: ignore[arg-type]


def test_an_act_that_failed_leaves_no_row(store: Store, anna: SignedIn) -> None:
    with pytest.raises(RuntimeError), store.write(anna) as tx:
        tx.audit.write(Act.EXPORTED, Kind.PATIENT, "p1")
        raise RuntimeError

    with store.read(anna) as tx:
        assert tx.audit.verify() == AuditCheck(1, None)
