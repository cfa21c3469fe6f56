"""Which machines may run jobs; a job's key opens for those to whom it was given and for nobody else."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from phyassist.domain.jobs import Job, JobState
from phyassist.errors import BadInput, CannotOpen, NotAllowed, UnreadableFile
from phyassist.services.jobs import add_job, beat, cancel_job, finish_job, get_job, take_job
from phyassist.services.workers import (
    admit_worker,
    list_workers,
    load_worker,
    parse_line,
    remove_worker,
    see_worker,
)
from phyassist.store.moving import check_store
from phyassist.store.people import SignedIn
from phyassist.store.tables import workers
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from phyassist.vault.sealing import DataKey, Place

PLACE = Place("probe", "", "")


@pytest.fixture
def near(tmp_path: Path) -> WorkerKeys:
    return load_worker(tmp_path / "near")


@pytest.fixture
def far(tmp_path: Path) -> WorkerKeys:
    return load_worker(tmp_path / "far")


def start(store: Store, by: SignedIn) -> tuple[Job, DataKey]:
    """A job whose key is given to everyone who is admitted."""
    job, key = add_job(store, by, kind="train"), DataKey.make()
    with store.write(by) as tx:
        tx.workers.give(job.id, key)
    return job, key


def take(store: Store, worker: WorkerKeys) -> Job | None:
    return take_job(store, worker_id=worker.id, kinds=("train",))


def open_key(store: Store, job: Job, worker: WorkerKeys) -> DataKey:
    with store.entrance() as entrance:
        return entrance.job_keys.open(job.id, worker)


def test_a_machine_keeps_its_keys_in_a_file_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    first, again = load_worker(folder), load_worker(folder)

    assert (first.id, first.keyring.public) == (again.id, again.keyring.public)
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]
    assert parse_line(first.line.to_text()) == first.line


@pytest.mark.parametrize("text", ["", "abc", "abc:00ff:machine", "a b:" + "00" * 32 + ":m", "x:zz:y"])
def test_what_is_no_line_of_a_worker_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a worker's line"):
        parse_line(text)


def test_a_damaged_key_file_is_named_and_not_made_anew(tmp_path: Path) -> None:
    load_worker(tmp_path)
    (tmp_path / "worker.key").write_text("{}")

    with pytest.raises(UnreadableFile, match=r"worker\.key"):
        load_worker(tmp_path)

    assert (tmp_path / "worker.key").read_text() == "{}"


def test_a_workers_key_opens_a_job_until_the_job_is_over(
    store: Store, anna: SignedIn, near: WorkerKeys, far: WorkerKeys
) -> None:
    admit_worker(store, anna, line=near.line)
    _, key = start(store, anna)
    sealed = key.seal(b"to be learnt", PLACE)

    not_for_it = take(store, far)
    job = take(store, near)

    assert not_for_it is None
    assert job is not None
    assert open_key(store, job, near).open_sealed(sealed, PLACE) == b"to be learnt"
    with pytest.raises(CannotOpen):
        open_key(store, job, far)
    finish_job(store, job)
    with pytest.raises(CannotOpen, match="has no key for this worker"):
        open_key(store, job, near)


def test_a_job_that_is_cancelled_while_it_waits_has_no_key_any_more(
    store: Store, anna: SignedIn, near: WorkerKeys
) -> None:
    admit_worker(store, anna, line=near.line)
    job, _ = start(store, anna)

    cancel_job(store, anna, job_id=job.id)

    with pytest.raises(CannotOpen):
        open_key(store, job, near)


def test_a_worker_that_is_removed_loses_its_job_to_another(
    store: Store, anna: SignedIn, near: WorkerKeys, far: WorkerKeys
) -> None:
    for each in (near, far):
        admit_worker(store, anna, line=each.line)
    start(store, anna)
    held = take(store, near)
    assert held is not None

    remove_worker(store, anna, worker_id=near.id)
    taken_up = take(store, far)

    assert beat(store, held).value == "lost"
    assert not finish_job(store, held)
    assert taken_up is not None
    assert (taken_up.attempt, get_job(store, anna, job_id=held.id).state) == (2, JobState.RUNNING)
    assert [each.id for each in list_workers(store, anna)] == [far.id]
    assert (see_worker(store, near), see_worker(store, far)) == (False, True)


def test_only_who_runs_the_practice_admits_and_removes(
    store: Store, anna: SignedIn, near: WorkerKeys
) -> None:
    colleague = replace(anna, runs_practice=False)

    with pytest.raises(NotAllowed):
        admit_worker(store, colleague, line=near.line)
    with pytest.raises(NotAllowed):
        remove_worker(store, colleague, worker_id=near.id)

    assert list_workers(store, anna) == ()


def test_a_worker_put_in_by_the_databases_keeper_is_given_nothing(
    store: Store, anna: SignedIn, near: WorkerKeys, far: WorkerKeys
) -> None:
    for each in (near, far):
        admit_worker(store, anna, line=each.line)
    with store.write(anna) as tx:
        rows = {row.id: row.identity_sealed for row in tx.patients._desk.conn.execute(workers.select())}
        swapped = update(workers).where(workers.c.id == near.id).values(identity_sealed=rows[far.id])
        tx.patients._desk.conn.execute(swapped)

    with pytest.raises(CannotOpen):
        start(store, anna)


def test_workers_stay_admitted_when_the_practices_key_is_renewed(
    store: Store, store_url: str, anna: SignedIn, near: WorkerKeys
) -> None:
    admit_worker(store, anna, line=near.line)

    with store.write(anna) as tx:
        tx.practice_key.renew()

    assert [each.line for each in list_workers(store, anna)] == [near.line]
    assert check_store(store_url).is_sound
