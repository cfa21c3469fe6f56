"""The signed text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from phyassist.domain.drafts import DraftId, DraftItem, Section
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId

NoteId = NewType("NoteId", str)


@dataclass(frozen=True, slots=True)
class Amendment:
    """Words added to a signed note, with author, time and reason; the note itself never changes."""

    at: datetime
    author: str = field(repr=False)
    reason: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """`Counselling question / Analysis (symptom type, reasons) / Advice`, dated and signed."""

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

    def of(self, section: Section) -> tuple[DraftItem, ...]:
        return tuple(item for item in self.items if item.section == section and not item.deleted)
