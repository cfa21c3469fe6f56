"""Who works here, and whom they work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

CounsellorId = NewType("CounsellorId", str)
PatientId = NewType("PatientId", str)

Language = Literal["zh", "en"]
Jurisdiction = Literal["cn", "other"]


class Role(StrEnum):
    """What somebody does here: an administrator runs the practice and opens no patient."""

    COUNSELLOR = "counsellor"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Counsellor:
    id: CounsellorId
    name: str = field(repr=False)
    language: Language = "zh"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Patient:
    """A person's card.  `number` is the practice's own; `language` is the one that drafts are written in."""

    id: PatientId
    name: str = field(repr=False)
    number: str = field(default="", repr=False)
    language: Language = "zh"
    created_at: datetime | None = None
    updated_at: datetime | None = None
