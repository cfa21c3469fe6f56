"""The signed text, and what may happen to it afterwards.

A draft is signed, and is then a note whose words stand.  Until it locks its author may withdraw it: it goes
back to being a draft, and a trace of what was signed stays.  Once locked it is only ever added to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.drafts import DraftId, DraftItem, Section
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId

NoteId = NewType("NoteId", str)
ORIGINAL = "original"


class NoteState(StrEnum):
    """Signed: the author may still withdraw it.  Locked: it may only be amended.  Amended: it was."""

    SIGNED = "signed"
    LOCKED = "locked"
    AMENDED = "amended"


@dataclass(frozen=True, slots=True)
class Amendment:
    """Words added to a signed note, with author, time and reason; the note itself never changes."""

    at: datetime
    author: str = field(repr=False)
    reason: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a counsellor wrote under a heading of a template that had no item: `soap.objective`, say."""

    heading: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """`Counselling question / Analysis (symptom type, reasons) / Advice`, dated and signed.

    `template` is the form in which it was signed.  `locks_at` is when it stops being one that its author may
    withdraw; None: it has been locked since it was signed.  `fingerprint` is fixed at signing; a note of an
    earlier release has none.
    """

    id: NoteId
    patient_id: PatientId
    consultation_id: ConsultationId
    draft_id: DraftId
    number: int
    at: datetime
    signed_at: datetime
    author: str = field(repr=False)
    question: str = field(repr=False)
    items: tuple[DraftItem, ...] = field(repr=False)
    amendments: tuple[Amendment, ...] = field(default=(), repr=False)
    template: str = ORIGINAL
    by_hand: tuple[ByHand, ...] = field(default=(), repr=False)
    locks_at: datetime | None = None
    author_id: str = field(default="", compare=False)
    fingerprint: str = field(default="", compare=False)

    def of(self, section: Section) -> tuple[DraftItem, ...]:
        return tuple(item for item in self.items if item.section == section and not item.deleted)

    def is_locked(self, now: datetime) -> bool:
        return bool(self.amendments) or self.locks_at is None or self.locks_at <= now

    def state(self, now: datetime) -> NoteState:
        if self.amendments:
            return NoteState.AMENDED
        return NoteState.LOCKED if self.is_locked(now) else NoteState.SIGNED


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The trace of a note that its author withdrew: the note as it was signed, when it went, and why."""

    note: Note
    at: datetime
    by: str = field(repr=False)
    reason: str = field(repr=False)
