"""Jobs: work for a worker, such as training; whoever takes one holds it for a time and says that it lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from phyassist.domain.people import CounsellorId, PatientId

JobId = NewType("JobId", str)
# A worker that has not been heard of for so long has died; it says that it lives three times in this time.
LEASE = timedelta(seconds=30)
ATTEMPTS_MAX = 3
# Why a job failed whose workers all died; any other failure has an error's code.
WORKERS_DIED = "PA-TRAINING"


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Standing(StrEnum):
    """What a worker hears when it says that it lives."""

    GOING = "going"
    STOP = "stop"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Job:
    """`attempt` counts from 1 with the first worker that takes it; `task` and `result` are sealed."""

    id: JobId
    kind: str
    by_id: CounsellorId
    patient_id: PatientId | None = None
    state: JobState = JobState.WAITING
    attempt: int = 0
    attempts_max: int = ATTEMPTS_MAX
    worker_id: str = ""
    lease_until: datetime | None = None
    stop_wanted: bool = False
    done: int = 0
    total: int = 0
    made_at: datetime | None = None
    ended_at: datetime | None = None
    error_code: str = ""
    task: bytes | None = field(default=None, repr=False)
    result: bytes | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        return self.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}
