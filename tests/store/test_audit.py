from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from phyassist.domain.people import Patient
from phyassist.store.audit import Act, AuditCheck, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock


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
        database.execute(change)

    with store.read(anna) as tx:
        assert tx.audit.verify().first_broken == first_broken


def test_an_act_that_is_not_in_the_set_is_refused(store: Store, anna: SignedIn) -> None:
    with pytest.raises(ValueError, match="diagnosed"), store.write(anna) as tx:
        tx.audit.write("diagnosed", Kind.PATIENT, "p1")  # type: ignore[arg-type]


def test_an_act_that_failed_leaves_no_row(store: Store, anna: SignedIn) -> None:
    with pytest.raises(RuntimeError), store.write(anna) as tx:
        tx.audit.write(Act.EXPORTED, Kind.PATIENT, "p1")
        raise RuntimeError

    with store.read(anna) as tx:
        assert tx.audit.verify() == AuditCheck(1, None)
