"""Runs: the model writing something just now, in one of the processes that serve a practice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from phyassist.domain.people import CounsellorId, PatientId

# Longer than a store may keep a heartbeat waiting (ten seconds for a lock), short enough to wait for.
LEASE = timedelta(seconds=20)


class RunKind(StrEnum):
    DRAFT = "draft"
    ORGANISE = "organise"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class ModelRun:
    """`id` is that of what is being written; `owner_id` names the process, not a person.

    `patient_id` is None where it is about nobody in particular: who began it alone may see and stop it.
    """

    id: str
    patient_id: PatientId | None
    kind: RunKind
    owner_id: str
    by_id: CounsellorId
    started_at: datetime
    beat_at: datetime
    stop_wanted: bool = False

    def is_alive(self, now: datetime) -> bool:
        """Whether its process has been heard of lately; one that has not died in the middle."""
        return now - self.beat_at < LEASE
