"""Jobs in the store.  Whatever a worker says names its attempt: one whose job was taken up is not heard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from phyassist.domain.clock import Clock
from phyassist.domain.jobs import LEASE, WORKERS_DIED, Job, JobId, JobState, Standing
from phyassist.domain.people import CounsellorId, PatientId
from phyassist.errors import NotFound
from phyassist.store.tables import job_keys, jobs


class Jobs:
    def __init__(self, conn: Connection, clock: Clock) -> None:
        self._conn = conn
        self._clock = clock

    def add(self, job: Job) -> Job:
        """The job, waiting for a worker.  Adding the same id again changes nothing."""
        if self._conn.execute(select(jobs.c.id).where(jobs.c.id == job.id)).first() is None:
            self._conn.execute(
                insert(jobs).values(
                    id=job.id,
                    patient_id=job.patient_id,
                    kind=job.kind,
                    by_id=job.by_id,
                    state=JobState.WAITING.value,
                    attempt=0,
                    attempts_max=job.attempts_max,
                    worker_id="",
                    stop_wanted=False,
                    done=0,
                    total=job.total,
                    made_at=self._clock(),
                    error_code="",
                    task_sealed=job.task,
                )
            )
        return self.get(job.id)

    def get(self, job_id: JobId) -> Job:
        """Raises NotFound."""
        row = self._conn.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
        if row is None:
            raise NotFound(f"no job {job_id}", hint="look at the list of jobs")
        return _read(row)

    def list(self, *, kind: str | None = None, patient_id: PatientId | None = None) -> tuple[Job, ...]:
        """The newest first."""
        query = select(jobs).order_by(jobs.c.made_at.desc(), jobs.c.id)
        if kind is not None:
            query = query.where(jobs.c.kind == kind)
        if patient_id is not None:
            query = query.where(jobs.c.patient_id == patient_id)
        return tuple(_read(row) for row in self._conn.execute(query))

    def take(self, worker_id: str, kinds: Collection[str], lease: timedelta = LEASE) -> Job | None:
        """The longest waiting job of these kinds, held from now on by this worker; None where there is none.

        One whose worker fell silent waits again, until it has been tried often enough.  One that has a key
        is for the workers to whom it was given.
        """
        self.settle(kinds)
        now = self._clock()
        for row in self._conn.execute(self._free(worker_id, kinds)).all():
            # Two that look at once see the same row; only one of them finds it unchanged.
            taken = self._conn.execute(
                update(jobs)
                .where(jobs.c.id == row.id, jobs.c.attempt == row.attempt, _is_free(now))
                .values(
                    state=JobState.RUNNING.value,
                    attempt=row.attempt + 1,
                    worker_id=worker_id,
                    lease_until=now + lease,
                )
            )
            if taken.rowcount == 1:
                return self.get(JobId(row.id))
        return None

    def is_waiting(self, worker_id: str, kinds: Collection[str]) -> bool:
        """Whether there is something that this worker could take."""
        return self._conn.execute(self._free(worker_id, kinds).limit(1)).first() is not None

    def _free(self, worker_id: str, kinds: Collection[str]) -> Select[Any]:
        has_key = exists().where(job_keys.c.job_id == jobs.c.id)
        is_for = or_(~has_key, has_key.where(job_keys.c.worker_id == worker_id))
        return (
            select(jobs)
            .where(jobs.c.kind.in_(list(kinds)), _is_free(self._clock()), is_for)
            .order_by(jobs.c.made_at, jobs.c.id)
        )

    def beat(self, job: Job, *, done: int, total: int, lease: timedelta = LEASE) -> Standing:
        """Say that the worker lives and how far it is; hear whether it is to go on."""
        held = self._conn.execute(
            update(jobs)
            .where(_is_held(job))
            .values(done=done, total=total, lease_until=self._clock() + lease)
        )
        if held.rowcount != 1:
            return Standing.LOST
        return Standing.STOP if self.get(job.id).stop_wanted else Standing.GOING

    def finish(self, job: Job, result: bytes | None = None) -> bool:
        """Whether this worker still held the job, which is then done."""
        return self._end(job, JobState.DONE, result=result)

    def fail(self, job: Job, error_code: str) -> bool:
        """Whether this worker still held the job, which has failed for good."""
        return self._end(job, JobState.FAILED, error_code=error_code)

    def give_up(self, job: Job) -> bool:
        """Whether this worker still held the job, which it stopped because somebody wanted that."""
        return self._end(job, JobState.CANCELLED)

    def put_back(self, job: Job) -> bool:
        """Whether this worker still held the job, which waits again; that it was begun does not count."""
        # The number of tries stays, for it tells one holder from the next.
        waiting = {"state": JobState.WAITING.value, "lease_until": None, "attempts_max": job.attempts_max + 1}
        return self._conn.execute(update(jobs).where(_is_held(job)).values(waiting)).rowcount == 1

    def cancel(self, job_id: JobId) -> Job:
        """One that waits, or whose worker fell silent, is cancelled at once; one that runs is to stop.  One
        that is over stays as it is.
        """
        now = self._clock()
        nobodys = and_(jobs.c.id == job_id, or_(jobs.c.state == JobState.WAITING.value, _is_silent(now)))
        cancelled = {"state": JobState.CANCELLED.value, **_ended(now)}
        if self._conn.execute(update(jobs).where(nobodys).values(cancelled)).rowcount:
            self._take_keys([job_id])
        running = and_(jobs.c.id == job_id, jobs.c.state == JobState.RUNNING.value)
        self._conn.execute(update(jobs).where(running).values(stop_wanted=True))
        return self.get(job_id)

    def _end(self, job: Job, state: JobState, *, result: bytes | None = None, error_code: str = "") -> bool:
        ended = {"state": state.value, **_ended(self._clock())}
        told = self._conn.execute(
            update(jobs).where(_is_held(job)).values(**ended, result_sealed=result, error_code=error_code)
        )
        if told.rowcount == 1:
            self._take_keys([job.id])
        return told.rowcount == 1

    def _take_keys(self, job_ids: Sequence[str]) -> None:
        self._conn.execute(delete(job_keys).where(job_keys.c.job_id.in_(job_ids)))

    def is_stuck(self, kinds: Collection[str]) -> bool:
        """Whether there is something to settle."""
        stuck = or_(_is_abandoned(self._clock()), _is_given_up(self._clock()))
        query = select(jobs.c.id).where(jobs.c.kind.in_(list(kinds)), stuck).limit(1)
        return self._conn.execute(query).first() is not None

    def settle(self, kinds: Collection[str]) -> None:
        """End what nobody will take up: its workers died too often, or it was to stop when one died."""
        now, of_kinds = self._clock(), jobs.c.kind.in_(list(kinds))
        stopped, died = and_(of_kinds, _is_abandoned(now)), and_(of_kinds, _is_given_up(now))
        over = list(self._conn.execute(select(jobs.c.id).where(or_(stopped, died))).scalars())
        cancelled = {"state": JobState.CANCELLED.value, **_ended(now)}
        self._conn.execute(update(jobs).where(stopped).values(cancelled))
        failed = {"state": JobState.FAILED.value, "error_code": WORKERS_DIED, **_ended(now)}
        self._conn.execute(update(jobs).where(died).values(failed))
        self._take_keys(over)


def _ended(now: datetime) -> dict[str, Any]:
    # The task and its keys were for the worker: they go when it is over.
    return {"ended_at": now, "lease_until": None, "task_sealed": None}


def _is_silent(now: datetime) -> ColumnElement[bool]:
    """Its worker has not been heard for longer than the lease."""
    return and_(jobs.c.state == JobState.RUNNING.value, jobs.c.lease_until <= now)


def _is_abandoned(now: datetime) -> ColumnElement[bool]:
    return and_(_is_silent(now), jobs.c.stop_wanted.is_(True))


def _is_given_up(now: datetime) -> ColumnElement[bool]:
    return and_(_is_silent(now), jobs.c.stop_wanted.is_(False), jobs.c.attempt >= jobs.c.attempts_max)


def _is_free(now: datetime) -> ColumnElement[bool]:
    again = and_(_is_silent(now), jobs.c.attempt < jobs.c.attempts_max, jobs.c.stop_wanted.is_(False))
    return or_(jobs.c.state == JobState.WAITING.value, again)


def _is_held(job: Job) -> ColumnElement[bool]:
    return and_(
        jobs.c.id == job.id,
        jobs.c.state == JobState.RUNNING.value,
        jobs.c.attempt == job.attempt,
        jobs.c.worker_id == job.worker_id,
    )


def _read(row: Row) -> Job:  # type: ignore[type-arg]
    return Job(
        id=JobId(row.id),
        kind=row.kind,
        by_id=CounsellorId(row.by_id),
        patient_id=None if row.patient_id is None else PatientId(row.patient_id),
        state=JobState(row.state),
        attempt=row.attempt,
        attempts_max=row.attempts_max,
        worker_id=row.worker_id,
        lease_until=row.lease_until,
        stop_wanted=row.stop_wanted,
        done=row.done,
        total=row.total,
        made_at=row.made_at,
        ended_at=row.ended_at,
        error_code=row.error_code,
        task=row.task_sealed,
        result=row.result_sealed,
    )
