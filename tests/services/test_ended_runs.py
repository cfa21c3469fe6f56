"""Runs that end otherwise than well: a worker that is gone, an engine or a disk that fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from phyassist.domain.adapters import AdapterCard, AdapterState, VerdictReason
from phyassist.domain.consents import Answer, Consent, ConsentId, Purpose, Signer
from phyassist.domain.jobs import ATTEMPTS_MAX, LEASE, JobState
from phyassist.domain.people import Patient
from phyassist.errors import ConsentMissing, EngineDown, PhyAssistError, StoreFull
from phyassist.lm.protocol import LanguageModel
from phyassist.services.adapters import cancel_run
from phyassist.services.jobs import take_job
from phyassist.services.learning_runs import get_run, list_runs
from phyassist.services.workers import is_work_waiting
from phyassist.services.working import BaseFiles, work_once
from phyassist.store.held_runs import HeldRuns
from phyassist.store.moving import check_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from phyassist.web.views.assistant import find_going
from tests.conftest import Clock
from tests.house.canary import CANARY
from tests.services.runs import make_tools, sign_notes, start


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Patient:
    sign_notes(store, anna, patient, clock)
    return patient


@pytest.mark.parametrize("how", ["cancelled", "died"])
def test_a_run_whose_worker_is_gone_for_good_is_over_though_nothing_takes_it_up(
    store: Store,
    store_url: str,
    anna: SignedIn,
    willing: Patient,
    worker: WorkerKeys,
    clock: Clock,
    how: str,
) -> None:
    asked = start(store, anna, [willing], worker)
    for _ in range(ATTEMPTS_MAX if how == "died" else 1):
        take_job(store, worker_id=worker.id, kinds=("train",))
        clock.move(seconds=LEASE.total_seconds())

    if how == "cancelled":
        cancel_run(store, anna, adapter_id=asked.id)
        going = find_going(list_runs(store, anna))
    else:
        going = None
    waits = is_work_waiting(store, worker)

    run = get_run(store, anna, run_id=asked.id)
    state = JobState.FAILED if how == "died" else JobState.CANCELLED
    rows = check_store(store_url).rows
    assert (run.job.state, run.card, run.job.task, going, waits) == (state, None, None, None, False)
    assert (rows["adapters"], rows["adapter_chunks"], rows["job_keys"]) == (0, 0, 0)


def test_what_cannot_be_measured_is_kept_and_not_used(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        raise EngineDown(f"{base.gguf} does not come up")
        yield

    asked = start(store, anna, [willing], worker)
    work_once(store, worker, replace(make_tools(), open_model=open_model))

    run = get_run(store, anna, run_id=asked.id)
    assert run.card is not None
    assert run.card.verdict is not None
    assert (run.job.state, run.card.state) == (JobState.DONE, AdapterState.KEPT)
    assert run.card.verdict.reason is VerdictReason.UNMEASURED
    assert [each.name for each in run.card.files][-1] == "adapter.gguf"


def test_a_disk_too_full_for_a_checkpoint_ends_the_run_with_its_name(
    store: Store, store_engine: str, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    if store_engine != "sqlite":
        pytest.skip("a test fills no server's disk")
    asked = start(store, anna, [willing], worker, act="large checkpoint")
    with store.entrance(writes=True) as entrance:
        pages = entrance._conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        entrance._conn.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")

    work_once(store, worker, make_tools())

    run = get_run(store, anna, run_id=asked.id)
    assert (run.job.state, run.job.error_code, run.card) == (JobState.FAILED, "PA-STORE-FULL", None)


def test_a_run_whose_end_cannot_be_written_down_is_taken_up_by_the_next(
    store: Store,
    anna: SignedIn,
    willing: Patient,
    worker: WorkerKeys,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise StoreFull("the disk is full")

    asked = start(store, anna, [willing], worker, act="fail PA-STORE-FULL")
    with monkeypatch.context() as patched:
        patched.setattr(HeldRuns, "fail", fail)
        work_once(store, worker, make_tools())
    left = get_run(store, anna, run_id=asked.id).job.state
    clock.move(seconds=LEASE.total_seconds())
    work_once(store, worker, make_tools())

    run = get_run(store, anna, run_id=asked.id)
    assert left is JobState.RUNNING
    assert (run.job.state, run.job.error_code, run.job.attempt) == (JobState.FAILED, "PA-STORE-FULL", 2)


def test_what_nobody_foresaw_ends_the_run_and_not_the_worker(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, caplog: pytest.LogCaptureFixture
) -> None:
    def find_base(card: AdapterCard) -> BaseFiles:
        raise RuntimeError(CANARY)

    asked = start(store, anna, [willing], worker)
    work_once(store, worker, replace(make_tools(), find_base=find_base))

    run = get_run(store, anna, run_id=asked.id)
    assert (run.job.state, run.job.error_code, run.card) == (JobState.FAILED, "PA-TRAINING", None)
    assert "RuntimeError" in caplog.text
    assert CANARY not in caplog.text


def test_who_withdraws_while_a_run_begins_is_heard(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    refused: list[type[Exception]] = []

    def press() -> None:
        try:
            start(store, anna, [willing], worker)
        except PhyAssistError as error:
            refused.append(type(error))

    pressing = threading.Thread(target=press)
    with store.write(anna) as tx:
        # The consent is on its way: its transaction holds the patient, and has not been committed.
        tx.consents.add(
            Consent(
                ConsentId("no"),
                willing.id,
                Purpose.OWN_TRAINING,
                Answer.NO,
                store.clock().date(),
                Signer.PATIENT,
                "",
            )
        )
        pressing.start()
        pressing.join(1)
        waited = pressing.is_alive()
    pressing.join(30)

    assert waited
    assert refused == [ConsentMissing]
    assert list_runs(store, anna) == ()
