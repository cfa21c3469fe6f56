"""Jobs are done once, by whichever worker lives; one that died is not heard any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from phyassist.domain.jobs import ATTEMPTS_MAX, LEASE, WORKERS_DIED, Job, JobState, Standing
from phyassist.domain.people import Counsellor, CounsellorId, Patient
from phyassist.errors import NotFound, NotYourPatient
from phyassist.services.erasing import erase_patient
from phyassist.services.jobs import (
    add_job,
    beat,
    cancel_job,
    fail_job,
    finish_job,
    get_job,
    give_up_job,
    list_jobs,
    take_job,
)
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from tests.conftest import FAST_COST, Clock

KINDS = ("train",)
LEASE_S = 1
WORKER = f"""
import sys, time
from datetime import timedelta
from phyassist.services.jobs import beat, take_job
from phyassist.store.opening import open_store

store = open_store(sys.argv[1])
lease = timedelta(seconds={LEASE_S})
job = take_job(store, worker_id="first", kinds=("train",), lease=lease)
print(job.attempt, flush=True)
while True:
    beat(store, job, done=1, total=9, lease=lease)
    time.sleep(0.05)
"""


def take(store: Store, worker: str = "worker-1") -> Job:
    job = take_job(store, worker_id=worker, kinds=KINDS)
    assert job is not None
    return job


def test_a_job_whose_worker_fell_silent_is_cancelled_at_once(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    job = add_job(store, anna, kind="train")
    held = take(store)
    alive = cancel_job(store, anna, job_id=job.id).state
    clock.move(seconds=LEASE.total_seconds())

    over = cancel_job(store, anna, job_id=job.id)

    assert (alive, over.state) == (JobState.RUNNING, JobState.CANCELLED)
    assert over.ended_at is not None
    assert beat(store, held, done=1, total=2) is Standing.LOST


def test_the_longest_waiting_job_is_taken_first_and_only_once(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    first = add_job(store, anna, kind="train", task=b"sealed")
    clock.move(seconds=1)
    second = add_job(store, anna, kind="train")
    add_job(store, anna, kind="something else")

    taken = [take(store), take(store, "worker-2")]

    assert [job.id for job in taken] == [first.id, second.id]
    assert (taken[0].attempt, taken[0].worker_id, taken[0].task) == (1, "worker-1", b"sealed")
    assert take_job(store, worker_id="worker-3", kinds=KINDS) is None


def test_a_job_that_was_done_keeps_its_result_and_loses_its_task(store: Store, anna: SignedIn) -> None:
    add_job(store, anna, kind="train", task=b"keys for the worker")
    job = take(store)

    counts = finish_job(store, job, result=b"sealed result")

    ended = get_job(store, anna, job_id=job.id)
    assert counts
    assert (ended.state, ended.result, ended.task) == (JobState.DONE, b"sealed result", None)
    assert ended.is_over


def test_a_worker_that_lives_keeps_its_job(store: Store, anna: SignedIn, clock: Clock) -> None:
    add_job(store, anna, kind="train")
    job = take(store)

    for _ in range(5):
        clock.move(seconds=LEASE.total_seconds() - 1)
        assert beat(store, job, done=3, total=10) is Standing.GOING
        assert take_job(store, worker_id="worker-2", kinds=KINDS) is None

    assert (get_job(store, anna, job_id=job.id).done, job.attempt) == (3, 1)


def test_a_job_whose_worker_fell_silent_is_taken_up_and_the_first_worker_is_not_heard(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    add_job(store, anna, kind="train")
    first = take(store)
    clock.move(seconds=LEASE.total_seconds())

    second = take(store, "worker-2")

    assert (second.id, second.attempt) == (first.id, 2)
    assert beat(store, first) is Standing.LOST
    assert not finish_job(store, first, result=b"too late")
    assert not fail_job(store, first, error_code="PA-X")
    assert finish_job(store, second, result=b"in time")
    assert get_job(store, anna, job_id=first.id).result == b"in time"


def test_a_job_whose_workers_all_die_fails(store: Store, anna: SignedIn, clock: Clock) -> None:
    added = add_job(store, anna, kind="train", task=b"sealed")
    for _ in range(ATTEMPTS_MAX):
        take(store)
        clock.move(seconds=LEASE.total_seconds())

    assert take_job(store, worker_id="worker-9", kinds=KINDS) is None

    job = get_job(store, anna, job_id=added.id)
    assert (job.state, job.error_code, job.task) == (JobState.FAILED, WORKERS_DIED, None)


def test_a_job_that_failed_says_with_which_code(store: Store, anna: SignedIn) -> None:
    add_job(store, anna, kind="train")

    fail_job(store, take(store), error_code="PA-TRAINING")

    [job] = list_jobs(store, anna)
    assert (job.state, job.error_code) == (JobState.FAILED, "PA-TRAINING")
    assert take_job(store, worker_id="worker-2", kinds=KINDS) is None


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_word(
    store: Store, anna: SignedIn
) -> None:
    waiting = cancel_job(store, anna, job_id=add_job(store, anna, kind="train").id)
    add_job(store, anna, kind="train")
    job = take(store)

    cancel_job(store, anna, job_id=job.id)
    told = beat(store, job)
    give_up_job(store, job)

    assert waiting.state is JobState.CANCELLED
    assert told is Standing.STOP
    assert get_job(store, anna, job_id=job.id).state is JobState.CANCELLED


def test_a_job_that_was_to_stop_when_its_worker_died_is_not_taken_up(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    add_job(store, anna, kind="train")
    job = take(store)
    cancel_job(store, anna, job_id=job.id)
    clock.move(seconds=LEASE.total_seconds())

    assert take_job(store, worker_id="worker-2", kinds=KINDS) is None

    assert get_job(store, anna, job_id=job.id).state is JobState.CANCELLED


def test_many_workers_at_once_take_each_job_once(
    store: Store, store_url: str, anna: SignedIn, clock: Clock
) -> None:
    wanted = {add_job(store, anna, kind="train").id for _ in range(12)}
    taken: list[str] = []

    def work(name: str) -> None:
        with open_store(store_url, clock=clock, passphrase_cost=FAST_COST) as own:
            while (job := take_job(own, worker_id=name, kinds=KINDS)) is not None:
                taken.append(job.id)

    workers = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(taken) == 12
    assert set(taken) == wanted


def test_a_job_of_somebody_elses_patient_is_not_there(store: Store, anna: SignedIn, patient: Patient) -> None:
    bo = SignedIn(Counsellor(CounsellorId("b0"), "Bo"), Keyring.make())
    job = add_job(store, anna, kind="train", patient_id=patient.id)

    with pytest.raises(NotFound):
        get_job(store, bo, job_id=job.id)
    with pytest.raises(NotFound):
        cancel_job(store, bo, job_id=job.id)
    with pytest.raises(NotYourPatient):
        add_job(store, bo, kind="train", patient_id=patient.id)

    assert list_jobs(store, bo) == ()
    assert [each.id for each in list_jobs(store, anna)] == [job.id]


def test_a_job_goes_with_its_patient(store: Store, anna: SignedIn, patient: Patient) -> None:
    add_job(store, anna, kind="train", patient_id=patient.id)
    job = take(store)

    erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    assert beat(store, job) is Standing.LOST
    assert list_jobs(store, anna) == ()


def test_the_job_of_a_killed_worker_is_done_once_by_another(
    store_url: str, store: Store, anna: SignedIn
) -> None:
    add_job(store, anna, kind="train")
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, store_url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert worker.stdout is not None
    first_attempt = int(worker.stdout.readline())
    with open_store(store_url, passphrase_cost=FAST_COST) as own:
        while_it_lives = take_job(own, worker_id="second", kinds=KINDS)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()

        end = time.monotonic() + 30
        while (job := take_job(own, worker_id="second", kinds=KINDS)) is None:
            assert time.monotonic() < end
            time.sleep(0.05)
        counts = [finish_job(own, job), finish_job(own, job)]

    assert first_attempt == 1
    assert while_it_lives is None
    assert job.attempt == 2
    assert counts == [True, False]
