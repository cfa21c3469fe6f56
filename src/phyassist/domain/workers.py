"""Workers: machines of the practice that run jobs, each with a key pair of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

WorkerId = NewType("WorkerId", str)
# A worker that waits for work says so in this time; one that has not been heard of for longer is not there.
SEEN_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """What a machine says of its worker, to be admitted: its id, its name, the public half of its keys."""

    id: WorkerId
    machine: str
    public: bytes = field(repr=False)
    fingerprint: str = ""

    def to_text(self) -> str:
        """One line to copy to where an administrator is signed in."""
        return f"{self.id}:{self.public.hex()}:{self.machine}"


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that was admitted; `seen_at` is when it last looked for work."""

    line: WorkerLine
    admitted_at: datetime
    seen_at: datetime | None

    @property
    def id(self) -> WorkerId:
        return self.line.id

    def is_there(self, now: datetime) -> bool:
        return self.seen_at is not None and now - self.seen_at < SEEN_WITHIN
