"""A conversation on the page: its turns, the branches beside them, what an answer rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.chats import (
    ChatMessage,
    ChatThread,
    MessageKind,
    MessageState,
    split_paragraphs,
)
from phyassist.domain.library import parse_passage_id
from phyassist.services.chatting import ThreadRow
from phyassist.web.desk import Desk
from phyassist.web.views.consultation import ConsentLine
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words

_CITED = re.compile(r"\[(\d{1,2})\]")
TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a paragraph: words, or the number of a passage (0: none)."""

    text: str = field(repr=False)
    cites: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    no: int
    parts: tuple[Part, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PassageView:
    number: int
    passage_id: str
    title: str = field(repr=False)
    page: str
    text: str = field(repr=False)
    is_cited: bool
    href: str


@dataclass(frozen=True, slots=True)
class NoteLink:
    name: str
    href: str


@dataclass(frozen=True, slots=True)
class TurnView:
    """A question or an answer; `place` of `places` says which of the branches beside it this is.

    `state` is `lost` for an answer that nobody writes any more.  `by` is who asked, if it was somebody else.
    """

    thread_id: str
    message_id: str
    parent_id: str
    kind: str
    text: str = field(repr=False)
    paragraphs: tuple[Paragraph, ...]
    state: str
    at: str
    by: str = field(repr=False)
    place: int
    places: int
    before_id: str
    after_id: str
    passages: tuple[PassageView, ...]
    draft_read: bool
    notes: tuple[NoteLink, ...]
    left_out: tuple[str, ...]
    recalled: tuple[str, ...] = field(repr=False)
    summary: str = field(repr=False)
    held_back: tuple[str, ...] = field(repr=False)
    absent: tuple[str, ...] = field(repr=False)
    untold: tuple[str, ...] = field(repr=False)
    written_by: str
    with_library: bool
    of_patient: bool
    may_write: bool


@dataclass(frozen=True, slots=True)
class ThreadView:
    """`url` is where a question goes; `run` the stream of the answer that is being written, with its `stop`.

    `leaf_id` is the answer that the next question follows; `page` the address of the thread itself.
    `starters` are questions that a new one may begin with.
    """

    thread_id: str
    patient_id: str
    url: str
    page: str
    leaf_id: str
    turns: tuple[TurnView, ...]
    may_write: bool
    with_library: bool
    run: str = ""
    stop: str = ""
    said: str = ""
    starters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ThreadFragment:
    template: ClassVar[str] = "_thread.html"
    w: Words
    thread: ThreadView
    place: str
    oob: bool = False


@dataclass(frozen=True, slots=True)
class TurnFragment:
    template: ClassVar[str] = "_turn.html"
    w: Words
    turn: TurnView
    place: str
    oob: bool = True


@dataclass(frozen=True, slots=True)
class AnswerTextFragment:
    """The words of an answer as far as they have come."""

    template: ClassVar[str] = "_answer_text.html"
    w: Words
    message_id: str
    paragraphs: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatRunFragment:
    """The run with its Stop, or its empty place; `live` is announced."""

    template: ClassVar[str] = "_chat_run.html"
    w: Words
    run: str = ""
    stop: str = ""
    said: str = ""
    live: str = field(default="", repr=False)
    oob: bool = True


@dataclass(frozen=True, slots=True)
class ChatSaidFragment:
    """What is going on while there are no words yet."""

    template: ClassVar[str] = "_chat_said.html"
    w: Words
    said: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class ThreadGoneFragment:
    """In the place of a thread that went with its patient's file."""

    template: ClassVar[str] = "_thread_gone.html"
    w: Words


@dataclass(frozen=True, slots=True)
class TakenFragment:
    """Beside a paragraph: where it was put."""

    template: ClassVar[str] = "_chat_taken.html"
    w: Words
    said: str
    href: str


@dataclass(frozen=True, slots=True)
class ThreadRowView:
    href: str
    title: str = field(repr=False)
    at: str
    current: bool


@dataclass(frozen=True, slots=True)
class ChatPage:
    """A patient's conversations, or one's own about nobody (`head` None).  `words` were looked for."""

    template: ClassVar[str] = "chat.html"
    w: Words
    frame: Frame
    head: PatientHead | None
    rows: tuple[ThreadRowView, ...]
    thread: ThreadView
    base: str
    words: str = field(repr=False)
    consent: ConsentLine | None
    place: str = "page"


@dataclass(frozen=True, slots=True)
class ChatPanel:
    """The newest conversation beside a consultation, which is its `place`."""

    template: ClassVar[str] = "_chat_panel.html"
    w: Words
    thread: ThreadView
    base: str
    place: str


def base_of(patient_id: str | None) -> str:
    return f"/patients/{patient_id}/chat" if patient_id else "/chat"


def view_rows(rows: tuple[ThreadRow, ...], current_id: str, desk: Desk) -> tuple[ThreadRowView, ...]:
    return tuple(
        ThreadRowView(
            f"{base_of(row.thread.patient_id)}?thread={row.thread.id}",
            row.excerpt or _short(row.thread.title),
            desk.when.moment(row.thread.asked_at),
            row.thread.id == current_id,
        )
        for row in rows
    )


def view_new_thread(patient_id: str | None, *, may_write: bool, starters: tuple[str, ...] = ()) -> ThreadView:
    base = base_of(patient_id)
    return ThreadView("", patient_id or "", base, base, "", (), may_write, False, starters=starters)


def view_thread(thread: ChatThread, desk: Desk, *, may_write: bool, going: str = "") -> ThreadView:
    """`going` is the answer that somebody writes just now."""
    path = thread.path
    return ThreadView(
        thread.id,
        thread.patient_id or "",
        f"/chats/{thread.id}/messages",
        f"{base_of(thread.patient_id)}?thread={thread.id}",
        path[-1].id if path else "",
        tuple(
            view_turn(thread, message, desk, may_write=may_write, is_going=message.id == going)
            for message in path
        ),
        may_write,
        path[-1].with_library if path else False,
    )


def view_turn(
    thread: ChatThread, message: ChatMessage, desk: Desk, *, may_write: bool, is_going: bool = False
) -> TurnView:
    """`is_going`: somebody writes this answer just now."""
    beside = [each.id for each in thread.beside(message) if each.kind is message.kind]
    at = beside.index(message.id)
    is_lost = message.state is MessageState.WAITING and not is_going
    cited = {int(number) for number in _CITED.findall(message.text)}
    given = message.given
    left_out = (
        ("draft", int(given.draft_left_out)),
        ("notes", len(given.left_out)),
        ("record", given.record_left_out),
        ("text", given.text_left_out),
    )
    is_answer = message.kind is MessageKind.ANSWER
    return TurnView(
        thread.id,
        message.id,
        message.parent_id or "",
        message.kind.value,
        message.text,
        view_paragraphs(message.text, cited & {each.number for each in message.passages})
        if is_answer
        else (),
        "lost" if is_lost else message.state.value,
        desk.when.moment(message.at),
        message.asked_by if message.asked_by != desk.by.counsellor.name else "",
        at + 1,
        len(beside),
        beside[at - 1] if at > 0 else "",
        beside[at + 1] if at + 1 < len(beside) else "",
        _view_passages(message, cited),
        given.draft_read,
        _link_notes(message, thread, desk),
        tuple(desk.w(f"chat.left_out_{what}", count=count) for what, count in left_out if count),
        given.recalled,
        message.summary,
        message.held_back,
        message.absent,
        message.untold,
        " + ".join(part for part in (message.written_by.model, message.written_by.adapter) if part),
        message.with_library,
        thread.patient_id is not None,
        may_write,
    )


def _view_passages(message: ChatMessage, cited: set[int]) -> tuple[PassageView, ...]:
    return tuple(
        PassageView(
            each.number,
            each.passage_id,
            each.title,
            each.page,
            each.text,
            each.number in cited,
            "/library/{}?at={}#here".format(*parse_passage_id(each.passage_id)),
        )
        for each in message.passages
    )


def _link_notes(message: ChatMessage, thread: ChatThread, desk: Desk) -> tuple[NoteLink, ...]:
    return tuple(
        NoteLink(
            desk.w("given.note", no=each.number, date=desk.when.date(each.at)),
            f"/patients/{thread.patient_id}/notes?note={each.id}#note-{each.id}",
        )
        for each in message.given.notes_used
    )


def view_paragraphs(text: str, given: set[int]) -> tuple[Paragraph, ...]:
    return tuple(
        Paragraph(no, tuple(_split(paragraph, given))) for no, paragraph in enumerate(split_paragraphs(text))
    )


def _split(paragraph: str, given: set[int]) -> list[Part]:
    parts, end = [], 0
    for found in _CITED.finditer(paragraph):
        if int(found[1]) in given:
            parts += [Part(paragraph[end : found.start()]), Part(found[1], int(found[1]))]
            end = found.end()
    return [part for part in (*parts, Part(paragraph[end:])) if part.text]


def _short(title: str) -> str:
    return title if len(title) <= TITLE_CHARS else title[:TITLE_CHARS] + "…"
