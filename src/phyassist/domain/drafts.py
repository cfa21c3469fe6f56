"""The machine's proposal, item by item, and everything a counsellor may do to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

from phyassist.domain.library import Citation
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId, Span
from phyassist.errors import EmptyText, NotAllowed, NotFound

DraftId = NewType("DraftId", str)
ItemId = NewType("ItemId", str)


class Section(StrEnum):
    SYMPTOM_TYPE = "symptom_type"
    REASON = "reason"
    ADVICE = "advice"


class TextRead(StrEnum):
    """How much of the text at hand the prompt held.

    `WHOLE`: all of it.  `STATEMENTS`: it was too long, so the sentences that the record's statements rest on
    stood in its place.  `PART`: even those, or an unorganised text, did not fit; `text_left_out` sentences
    were left out.
    """

    WHOLE = "whole"
    STATEMENTS = "statements"
    PART = "part"


class Basis(StrEnum):
    QUOTED = "quoted"
    INFERRED = "inferred"


class DraftState(StrEnum):
    OPEN = "open"
    SAVED = "saved"
    DISCARDED = "discarded"


Direction = Literal["up", "down"]


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
    `deleted` items stay in their place so that they can be brought back.  `citation` is the sentence of the
    library that it rests on.
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
    citation: Citation | None = None

    @property
    def open_comments(self) -> tuple[Comment, ...]:
        """Comments that no regeneration has followed yet."""
        return tuple(comment for comment in self.comments if not comment.followed)


@dataclass(frozen=True, slots=True)
class UnreadReply:
    """What the model wrote where it could not be read as items; shown as such, never guessed at."""

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


def _words(text: str) -> str:
    words = text.strip()
    if not words:
        raise EmptyText("an item needs words", hint="write something, or delete the item")
    return words


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft at one version.  `notes_used` and `adapter_reason` say what the prompt held and who was asked.

    `partial` is the text of an item that the model was still writing when this was saved.  `left_out` are the
    notes that did not fit, `record_left_out` counts lines of the record that did not, and `text_read` with
    `text_left_out` (sentences) says what stood for the text at hand.  `orders_hidden` counts the sentences of
    it that give orders to a machine, which the prompt names as such without their words.  `passages_used` are
    those of the library that the prompt held.
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
    record_left_out: int = 0
    text_read: TextRead = TextRead.WHOLE
    text_left_out: int = 0
    orders_hidden: int = 0
    passages_used: tuple[Citation, ...] = ()

    def of(self, section: Section) -> tuple[DraftItem, ...]:
        """Items of a section that stand, in their order."""
        return tuple(item for item in self.items if item.section == section and not item.deleted)

    @property
    def missing(self) -> tuple[Section, ...]:
        """Sections that nothing was written for yet."""
        return tuple(
            section for section in Section if not any(item.section == section for item in self.items)
        )

    @property
    def standing(self) -> tuple[DraftItem, ...]:
        """All items that stand, section by section."""
        return tuple(item for section in Section for item in self.of(section))

    @property
    def is_worked_over(self) -> bool:
        """Whether a counsellor changed, added, deleted or commented on anything of it."""
        return any(item.edited or item.deleted or item.comments for item in self.items)

    def get_item(self, item_id: ItemId) -> DraftItem:
        """The item, deleted or not.  Raises NotFound."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise NotFound(f"item {item_id} is not in draft {self.id}", hint="load the draft again")

    def with_item(self, item: DraftItem) -> Draft:
        """The item in the place of the one with its id, or added at the end."""
        if any(present.id == item.id for present in self.items):
            items = tuple(item if present.id == item.id else present for present in self.items)
        else:
            items = (*self.items, item)
        return replace(self, items=items)

    def with_unread(self, unread: UnreadReply) -> Draft:
        return replace(self, unread=(*self.unread, unread))

    def without_unread(self, sections: Iterable[Section] | None = None) -> Draft:
        """Unread replies of these sections, and those of no section, are gone; all where none is named."""
        gone = None if sections is None else {None, *sections}
        kept = () if gone is None else tuple(reply for reply in self.unread if reply.section not in gone)
        return replace(self, unread=kept)

    def edited(self, item_id: ItemId, text: str) -> Draft:
        """The item in the counsellor's words; its quote stays.  Raises NotFound, NotAllowed, EmptyText."""
        return self.with_item(replace(self._standing_item(item_id), text=_words(text), edited=True))

    def commented(self, item_id: ItemId, comment: Comment) -> Draft:
        """The comment under the item, for its next try.  Raises NotFound, NotAllowed, EmptyText."""
        item = self._standing_item(item_id)
        kept = replace(comment, words=_words(comment.words))
        return self.with_item(replace(item, comments=(*item.comments, kept)))

    def deleted(self, item_id: ItemId) -> Draft:
        """The item marked as deleted, in its place.  Raises NotFound, NotAllowed."""
        return self.with_item(replace(self._standing_item(item_id), deleted=True))

    def brought_back(self, item_id: ItemId) -> Draft:
        """The deleted item stands again.  Raises NotFound, NotAllowed where it was not deleted."""
        item = self.get_item(item_id)
        if not item.deleted:
            raise NotAllowed(f"item {item_id} is not deleted", hint="load the draft again")
        return self.with_item(replace(item, deleted=False))

    def moved(self, item_id: ItemId, direction: Direction) -> Draft:
        """The item has changed places with its standing neighbour of the same section.

        The same draft where there is no neighbour on that side.  Raises NotFound, NotAllowed.
        """
        item = self._standing_item(item_id)
        row = self.of(item.section)
        at = row.index(item)
        to = at - 1 if direction == "up" else at + 1
        if not 0 <= to < len(row):
            return self
        other = row[to]
        swap = {item.id: other, other.id: item}
        return replace(self, items=tuple(swap.get(present.id, present) for present in self.items))

    def added(self, item_id: ItemId, section: Section, text: str, citation: Citation | None = None) -> Draft:
        """A new item in the counsellor's words at the end of a section.  Raises EmptyText."""
        return self.with_item(DraftItem(item_id, section, _words(text), edited=True, citation=citation))

    def rewritten(self, item: DraftItem) -> Draft:
        """The model's new words in the old item's place, its comments followed.  Raises NotFound."""
        old = self.get_item(item.id)
        followed = tuple(replace(comment, followed=True) for comment in old.comments)
        return self.with_item(
            replace(item, section=old.section, comments=followed, edited=False, deleted=False)
        )

    def _standing_item(self, item_id: ItemId) -> DraftItem:
        item = self.get_item(item_id)
        if item.deleted:
            raise NotAllowed(f"item {item_id} is deleted", hint="bring it back first")
        return item


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """A line of a draft's history."""

    version: int
    change: Change
    at: datetime
    item_ids: tuple[ItemId, ...] = ()
