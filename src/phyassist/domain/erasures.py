"""Erasures and backups: when a patient's key is gone from everywhere that we know of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from phyassist.domain.people import PatientId

ErasureId = NewType("ErasureId", str)
BackupId = NewType("BackupId", str)


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the store that was made; `expires_at` None: it is kept until somebody deletes it."""

    id: BackupId
    made_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt: who was erased by id alone, and what went.  `cleaned_at` None: the database still holds
    copies of the key in its own files, and clearing them is tried again."""

    id: ErasureId
    patient_id: PatientId
    by_id: str
    at: datetime
    keys: int
    adapters: int
    marked: int
    cleaned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remains:
    """Backups of before an erasure that still hold the key: how many, and when the last one expires.

    `until` is None where there are none, or where one of them never expires by itself (`without_end`).
    """

    backups: int
    until: datetime | None
    without_end: bool


def find_remains(erased_at: datetime, backups: Iterable[Backup], now: datetime) -> Remains:
    """What is left of an erased patient's key in the backups that are known at `now`."""
    holding = [
        backup
        for backup in backups
        if backup.made_at <= erased_at and (backup.expires_at is None or backup.expires_at > now)
    ]
    ends = [backup.expires_at for backup in holding if backup.expires_at is not None]
    without_end = len(ends) < len(holding)
    return Remains(len(holding), None if without_end else max(ends, default=None), without_end)
