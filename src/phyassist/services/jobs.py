"""Work for workers: asked for and cancelled by counsellors, taken up by whichever worker is free.

A worker that dies leaves its job to the next one, once; what it says afterwards is not heard.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from phyassist.domain.jobs import LEASE, Job, JobId, Standing
from phyassist.domain.people import PatientId
from phyassist.errors import NotFound
from phyassist.services.access import check_may_change, may_see
from phyassist.store.again import again
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx


@again
def add_job(
    store: Store, by: SignedIn, *, kind: str, patient_id: PatientId | None = None, task: bytes | None = None
) -> Job:
    """A job that waits for a worker; `task` is sealed for it.  Raises NotFound, NotYourPatient, ReadOnly."""
    with store.write(by) as tx:
        if patient_id is not None:
            check_may_change(tx, patient_id)
        return tx.jobs.add(Job(JobId(store.new_id()), kind, by.id, patient_id, task=task))


def get_job(store: Store, by: SignedIn, *, job_id: JobId) -> Job:
    """Raises NotFound, also for a job of somebody else about somebody else's patient."""
    with store.read(by) as tx:
        return _seen(tx, by, job_id)


def list_jobs(store: Store, by: SignedIn, *, kind: str | None = None) -> tuple[Job, ...]:
    """The jobs that one asked for and those about one's patients, the newest first."""
    with store.read(by) as tx:
        return tuple(job for job in tx.jobs.list(kind=kind) if _may_see(tx, by, job))


@again
def cancel_job(store: Store, by: SignedIn, *, job_id: JobId) -> Job:
    """One that waits is cancelled at once, one that runs stops at its next word.  Raises NotFound."""
    with store.write(by) as tx:
        _seen(tx, by, job_id)
        return tx.jobs.cancel(job_id)


def take_job(store: Store, *, worker_id: str, kinds: Collection[str], lease: timedelta = LEASE) -> Job | None:
    """The next job for this worker, None where none waits.  To be beaten at least three times in a lease."""
    with store.entrance(writes=True) as entrance:
        return entrance.jobs.take(worker_id, kinds, lease)


@again
def beat(store: Store, job: Job, *, done: int = 0, total: int = 0, lease: timedelta = LEASE) -> Standing:
    """Whether the worker is to go on, to stop, or has lost the job to another one."""
    with store.entrance(writes=True) as entrance:
        return entrance.jobs.beat(job, done=done, total=total, lease=lease)


def finish_job(store: Store, job: Job, *, result: bytes | None = None) -> bool:
    """Whether what the worker did counts: it does not where another one has taken the job up meanwhile."""
    with store.entrance(writes=True) as entrance:
        return entrance.jobs.finish(job, result)


def fail_job(store: Store, job: Job, *, error_code: str) -> bool:
    """The job has failed for good; `error_code` is that of an error, never its words."""
    with store.entrance(writes=True) as entrance:
        return entrance.jobs.fail(job, error_code)


def give_up_job(store: Store, job: Job) -> bool:
    """The worker has stopped because somebody wanted that."""
    with store.entrance(writes=True) as entrance:
        return entrance.jobs.give_up(job)


def _seen(tx: Tx, by: SignedIn, job_id: JobId) -> Job:
    job = tx.jobs.get(job_id)
    if not _may_see(tx, by, job):
        raise NotFound(f"no job {job_id}", hint="look at the list of jobs")
    return job


def _may_see(tx: Tx, by: SignedIn, job: Job) -> bool:
    return job.by_id == by.id or (job.patient_id is not None and may_see(tx, job.patient_id))
