"""A counsellor's private notes about their own work: not part of the record, and nobody else's to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

ProcessNoteId = NewType("ProcessNoteId", str)


@dataclass(frozen=True, slots=True)
class ProcessNote:
    """One private note as it stands.  `version` counts the saves, `sitting` the versions that are kept."""

    id: ProcessNoteId
    text: str = field(repr=False)
    created_at: datetime
    saved_at: datetime
    version: int
    sitting: int


@dataclass(frozen=True, slots=True)
class ProcessVersion:
    """What a private note said at the end of a sitting."""

    sitting: int
    begun_at: datetime
    saved_at: datetime
    text: str = field(repr=False)
