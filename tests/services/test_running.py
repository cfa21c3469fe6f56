"""Runs are known to every process of a practice: shown, stopped and taken up by any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from phyassist.domain.people import Patient
from phyassist.domain.runs import LEASE, ModelRun, RunKind
from phyassist.errors import NotYourPatient
from phyassist.services.erasing import erase_patient
from phyassist.services.running import RunKeeper, find_run
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, Clock


@pytest.fixture
def here(store: Store) -> Iterator[RunKeeper]:
    keeper = RunKeeper(store, owner_id="process-1")
    yield keeper
    keeper.close()


@pytest.fixture
def elsewhere(store_url: str, clock: Clock, here: RunKeeper) -> Iterator[RunKeeper]:
    """Another process, with a store of its own on the same database."""
    with open_store(store_url, clock=clock, passphrase_cost=FAST_COST) as other:
        keeper = RunKeeper(other, owner_id="process-2")
        yield keeper
        keeper.close()


def wait_for(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def begin(keeper: RunKeeper, by: SignedIn, patient: Patient, run_id: str = "draft1"):
    return keeper.begin(by, run_id, patient_id=patient.id, kind=RunKind.DRAFT)


def add_dead(store: Store, by: SignedIn, patient: Patient, clock: Clock, run_id: str = "draft1") -> None:
    """The row that a process leaves which is killed in the middle of writing."""
    run = ModelRun(run_id, patient.id, RunKind.DRAFT, "process-0", by.id, clock(), clock())
    with store.write(by) as tx:
        assert tx.runs.begin(run)
    clock.move(seconds=LEASE.total_seconds())


def test_what_one_process_writes_no_other_begins(
    here: RunKeeper, elsewhere: RunKeeper, anna: SignedIn, patient: Patient
) -> None:
    first = begin(here, anna, patient)

    again, other, unlike = (
        begin(here, anna, patient),
        begin(elsewhere, anna, patient),
        begin(elsewhere, anna, patient, "draft2"),
    )
    here.end("draft1")
    after = begin(elsewhere, anna, patient)

    assert first is not None
    assert again is other is None
    assert unlike is not None
    assert after is not None


def test_a_run_is_stopped_from_another_process(
    here: RunKeeper, elsewhere: RunKeeper, anna: SignedIn, patient: Patient
) -> None:
    stop = begin(here, anna, patient)
    assert stop is not None

    elsewhere.stop("draft1")

    wait_for(stop.is_set)


def test_a_stop_of_something_that_is_over_is_no_error(
    here: RunKeeper, elsewhere: RunKeeper, store: Store, anna: SignedIn, patient: Patient
) -> None:
    begin(here, anna, patient)
    here.end("draft1")

    elsewhere.stop("draft1")

    assert find_run(store, anna, "draft1") is None
    assert begin(elsewhere, anna, patient) is not None


def test_a_process_that_lives_keeps_its_run(
    here: RunKeeper, store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    begin(here, anna, patient)
    clock.move(seconds=LEASE.total_seconds() - 1)

    wait_for(lambda: find_run(store, anna, "draft1").beat_at == clock())

    run = find_run(store, anna, "draft1")
    assert run is not None
    assert run.is_alive(clock())


def test_a_run_whose_process_died_is_seen_as_broken_off_and_taken_up(
    here: RunKeeper, store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    add_dead(store, anna, patient, clock)
    broken_off = find_run(store, anna, "draft1")

    taken = begin(here, anna, patient)

    assert broken_off is not None
    assert not broken_off.is_alive(clock())
    assert taken is not None
    assert find_run(store, anna, "draft1").owner_id == "process-1"


def test_the_remains_of_other_runs_of_a_patient_go_with_the_next(
    here: RunKeeper, store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    add_dead(store, anna, patient, clock, "draft0")

    begin(here, anna, patient)

    assert find_run(store, anna, "draft0") is None


def test_a_run_goes_with_its_patient(here: RunKeeper, store: Store, anna: SignedIn, patient: Patient) -> None:
    begin(here, anna, patient)

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    with store.entrance() as entrance:
        assert entrance.runs.find("draft1") is None


def test_nobody_begins_a_run_about_somebody_elses_patient(
    here: RunKeeper, anna: SignedIn, patient: Patient, store: Store
) -> None:
    with store.entrance(writes=True) as entrance:
        entrance.conn.exec_driver_sql(f"DELETE FROM key_wraps WHERE holder_id = '{anna.id}'")

    with pytest.raises(NotYourPatient):
        begin(here, anna, patient)

    with store.entrance() as entrance:
        assert entrance.runs.find("draft1") is None
