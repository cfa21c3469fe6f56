"""A draft on the page: its sections, its items, its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.drafts import (
    Draft,
    DraftItem,
    DraftState,
    DraftVersion,
    Section,
    TextRead,
    UnreadReply,
    WrittenBy,
)
from phyassist.domain.library import Citation, parse_passage_id
from phyassist.web.when import When
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class SourceView:
    """A passage of the library that the model was given, or that an item rests on."""

    href: str
    title: str = field(repr=False)
    page: int
    quote: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemView:
    """`start` and `end` are -1 for an item that rests on no words of the source; `no` is 0 for a deleted one.

    `unusual` marks an item that another model or adapter wrote than most of its draft.
    """

    item_id: str
    draft_id: str
    section: str
    no: int
    text: str = field(repr=False)
    basis: str
    quote: str = field(repr=False)
    start: int
    end: int
    edited: bool
    by_person: bool
    writer: str
    unusual: bool
    deleted: bool
    comments: tuple[str, ...] = field(repr=False)
    followed: tuple[str, ...] = field(repr=False)
    source: SourceView | None


@dataclass(frozen=True, slots=True)
class SectionView:
    name: str
    items: tuple[ItemView, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnreadView:
    """`is_unspoken`: it was held back, since it spoke of harm that nobody had spoken of."""

    unread_id: str
    section: str
    reply: str = field(repr=False)
    model: str
    is_unspoken: bool = False


@dataclass(frozen=True, slots=True)
class Shortened:
    """What did not fit into the prompt as it is: a word that the page says, and how many of it."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class DraftView:
    """`run` is the address of the stream that writes into it, empty while nobody does.

    `laid_aside` is the page of the draft that gave way to it a moment ago.
    """

    draft_id: str
    consultation_id: str
    version: int
    state: str
    sections: tuple[SectionView, ...] = field(repr=False)
    unread: tuple[UnreadView, ...] = field(repr=False)
    partial: str = field(repr=False)
    notes_used: tuple[str, ...]
    left_out: tuple[str, ...]
    shortened: tuple[Shortened, ...]
    sources: tuple[SourceView, ...]
    adapter_reason: str
    written_by: str
    run: str
    laid_aside: str = ""

    @property
    def is_open(self) -> bool:
        return self.state == DraftState.OPEN

    @property
    def is_empty(self) -> bool:
        return not any(section.items for section in self.sections)


@dataclass(frozen=True, slots=True)
class DraftFragment:
    """The whole draft, as the page holds it.  With `oob` it finds its own place."""

    template: ClassVar[str] = "_draft.html"
    w: Words
    draft: DraftView
    oob: bool = False


@dataclass(frozen=True, slots=True)
class ItemFragment:
    """One item.  `mode` is `show`, or `edit` with the counsellor's unsaved words in `kept`."""

    template: ClassVar[str] = "_item.html"
    w: Words
    item: ItemView
    oob: str = ""
    mode: str = "show"
    kept: str = field(default="", repr=False)
    changed: bool = False


@dataclass(frozen=True, slots=True)
class VersionFragment:
    """The version that the next write follows, and the line for readers who listen to the page."""

    template: ClassVar[str] = "_version.html"
    w: Words
    version: int
    said: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WritingFragment:
    """The item that the model is writing at this moment, not yet whole."""

    template: ClassVar[str] = "_writing.html"
    w: Words
    place: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewUnreadFragment:
    """An unread reply that hangs itself below the draft."""

    template: ClassVar[str] = "_new_unread.html"
    w: Words
    draft_id: str
    unread: UnreadView


@dataclass(frozen=True, slots=True)
class UnreadListFragment:
    """All replies of a draft that could not be read, and that nothing has replaced since."""

    template: ClassVar[str] = "_unread_list.html"
    w: Words
    draft_id: str
    unread: tuple[UnreadView, ...]
    oob: bool = True


@dataclass(frozen=True, slots=True)
class NewItemFragment:
    """An item that hangs itself below the last one of its section."""

    template: ClassVar[str] = "_new_item.html"
    w: Words
    item: ItemView


@dataclass(frozen=True, slots=True)
class ItemsFragment:
    """All items of a section; with `oob` they find their own place."""

    template: ClassVar[str] = "_items.html"
    w: Words
    section: str
    items: tuple[ItemView, ...] = field(repr=False)
    oob: bool = False


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: int
    change: str
    at: str
    current: bool


@dataclass(frozen=True, slots=True)
class VersionsFragment:
    template: ClassVar[str] = "_versions.html"
    w: Words
    draft_id: str
    rows: tuple[VersionRow, ...]


@dataclass(frozen=True, slots=True)
class OldVersionFragment:
    """An earlier version, to look at."""

    template: ClassVar[str] = "_old_version.html"
    w: Words
    draft: DraftView
    at: str
    change: str
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class ItemPast:
    """An item as it stood in some versions."""

    version: int
    at: str
    change: str
    text: str = field(repr=False)
    model: str
    followed: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemHistoryFragment:
    template: ClassVar[str] = "_item_history.html"
    w: Words
    past: tuple[ItemPast, ...]


def find_usual(items: tuple[DraftItem, ...]) -> WrittenBy:
    """Who wrote most of a draft; nobody where a person wrote it all."""
    writers = Counter(item.written_by for item in items if not item.written_by.by_person)
    return writers.most_common(1)[0][0] if writers else WrittenBy()


def say_writer(by: WrittenBy, names: Mapping[str, str]) -> str:
    """The model, and the assistant by the name that the page has for it."""
    return f"{by.model} + {names.get(by.adapter, by.adapter[:8])}" if by.adapter else by.model


def view_item(
    item: DraftItem, draft_id: str, no: int, usual: WrittenBy, names: Mapping[str, str]
) -> ItemView:
    return ItemView(
        item_id=item.id,
        draft_id=draft_id,
        section=item.section.value,
        no=no,
        text=item.text,
        basis=item.basis.value if item.basis else "",
        quote=item.quote,
        start=item.span.start if item.span else -1,
        end=item.span.end if item.span else -1,
        edited=item.edited,
        by_person=item.written_by.by_person,
        writer=say_writer(item.written_by, names),
        unusual=not item.written_by.by_person and item.written_by != usual,
        deleted=item.deleted,
        comments=tuple(comment.words for comment in item.comments if not comment.followed),
        followed=tuple(comment.words for comment in item.comments if comment.followed),
        source=view_source(item.citation) if item.citation else None,
    )


def view_source(citation: Citation) -> SourceView:
    document_id, no = parse_passage_id(citation.passage_id)
    href = f"/library/{document_id}?at={max(0, no)}#here"
    return SourceView(href, citation.title, citation.page, citation.quote)


def view_sections(
    items: tuple[DraftItem, ...], draft_id: str, names: Mapping[str, str] | None = None
) -> tuple[SectionView, ...]:
    """Items in their sections, numbered as they stand; a deleted one keeps its place and has no number."""
    sections = []
    usual = find_usual(items)
    for section in Section:
        views = []
        no = 0
        for item in items:
            if item.section != section:
                continue
            no += 0 if item.deleted else 1
            views.append(view_item(item, draft_id, 0 if item.deleted else no, usual, names or {}))
        sections.append(SectionView(section.value, tuple(views)))
    return tuple(sections)


def view_unread(unread: UnreadReply) -> UnreadView:
    section = unread.section.value if unread.section else ""
    return UnreadView(
        unread.id, section, unread.reply, unread.written_by.model, is_unspoken=unread.why == "unspoken"
    )


def view_draft(draft: Draft, run: str = "", called: Mapping[str, str] | None = None) -> DraftView:
    """`called` says how the page calls the notes that the prompt held or left out, and the assistants."""
    names = called or {}
    return DraftView(
        draft_id=draft.id,
        consultation_id=draft.consultation_id,
        version=draft.version,
        state=draft.state.value,
        sections=view_sections(draft.items, draft.id, names),
        unread=tuple(view_unread(unread) for unread in draft.unread),
        partial=draft.partial,
        notes_used=tuple(names.get(note_id, note_id[:8]) for note_id in draft.notes_used),
        left_out=tuple(names.get(note_id, note_id[:8]) for note_id in draft.left_out),
        shortened=view_shortened(draft),
        sources=tuple(view_source(each) for each in draft.passages_used),
        adapter_reason=draft.adapter_reason,
        written_by=say_writer(find_usual(draft.items), names),
        run=run,
    )


def view_shortened(draft: Draft) -> tuple[Shortened, ...]:
    shortened = []
    if draft.text_read == TextRead.STATEMENTS:
        shortened.append(Shortened("text_statements", draft.text_left_out))
    if draft.text_read == TextRead.PART:
        shortened.append(Shortened("text_part", draft.text_left_out))
    if draft.record_left_out:
        shortened.append(Shortened("record_left_out", draft.record_left_out))
    if draft.orders_hidden:
        shortened.append(Shortened("orders_hidden", draft.orders_hidden))
    return tuple(shortened)


def find_item_view(draft: Draft, item_id: str) -> ItemView | None:
    for section in view_sections(draft.items, draft.id):
        for item in section.items:
            if item.item_id == item_id:
                return item
    return None


def view_versions(draft: Draft, history: tuple[DraftVersion, ...], when: When) -> tuple[VersionRow, ...]:
    """Newest first."""
    rows = [
        VersionRow(
            each.version, each.change.name.lower(), when.moment(each.at), each.version == draft.version
        )
        for each in history
    ]
    return tuple(sorted(rows, key=lambda row: -row.version))
