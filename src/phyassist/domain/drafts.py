"""The machine's proposal, item by item, and everything a counsellor may do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId, Span

DraftId = NewType("DraftId", str)
ItemId = NewType("ItemId", str)


class Section(StrEnum):
    SYMPTOM_TYPE = "symptom_type"
    REASON = "reason"
    ADVICE = "advice"


class Basis(StrEnum):
    QUOTED = "quoted"
    INFERRED = "inferred"


class DraftState(StrEnum):
    OPEN = "open"
    SAVED = "saved"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """Which model wrote it and which adapter the engine says it used; both empty when a person did."""

    model: str = ""
    adapter: str = ""

    @property
    def by_person(self) -> bool:
        return not self.model


@dataclass(frozen=True, slots=True)
class Comment:
    """An instruction for the next try; `followed` once a regeneration has had it in its prompt."""

    words: str = field(repr=False)
    at: datetime
    followed: bool = False


@dataclass(frozen=True, slots=True)
class DraftItem:
    """One part of a draft.

    A reason has a `basis`; a quoted one has `quote`, verbatim at `span` of the consultation's source.
    `deleted` items stay in their place so that they can be brought back.
    """

    id: ItemId
    section: Section
    text: str = field(repr=False)
    basis: Basis | None = None
    quote: str = field(default="", repr=False)
    span: Span | None = None
    written_by: WrittenBy = WrittenBy()
    edited: bool = False
    deleted: bool = False
    comments: tuple[Comment, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class UnreadReply:
    """What the model wrote where it could not be read as items; shown as such, never guessed into an answer."""

    id: ItemId
    section: Section | None
    why: str
    reply: str = field(repr=False)
    written_by: WrittenBy = WrittenBy()


class Change(StrEnum):
    """What made a version."""

    STARTED = "started"
    WROTE = "wrote"
    STOPPED = "stopped"
    UNREAD = "unread"
    EDITED = "edited"
    COMMENTED = "commented"
    REGENERATED = "regenerated"
    DELETED = "deleted"
    BROUGHT_BACK = "brought back"
    MOVED = "moved"
    ADDED = "added"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft at one version.  `notes_used` and `adapter_reason` say what the prompt held and who was asked.

    `partial` is the text of an item that the model was still writing when this was saved.
    """

    id: DraftId
    patient_id: PatientId
    consultation_id: ConsultationId
    question: str = field(repr=False)
    items: tuple[DraftItem, ...] = field(default=(), repr=False)
    unread: tuple[UnreadReply, ...] = field(default=(), repr=False)
    partial: str = field(default="", repr=False)
    version: int = 0
    state: DraftState = DraftState.OPEN
    started_at: datetime | None = None
    notes_used: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    adapter_reason: str = ""

    def of(self, section: Section) -> tuple[DraftItem, ...]:
        """Items of a section that stand, in their order."""
        return tuple(item for item in self.items if item.section == section and not item.deleted)


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """A line of a draft's history."""

    version: int
    change: Change
    at: datetime
    item_ids: tuple[ItemId, ...] = ()
