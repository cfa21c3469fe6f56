"""Conversations of a counsellor with the model, about one patient or about none.

The messages of a thread are a tree: asking again, or asking something else at an earlier place, begins
another branch beside the old one.  A path from the first question to a leaf is what a reader sees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.drafts import WrittenBy
from phyassist.domain.notes import NoteId
from phyassist.domain.people import CounsellorId, PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotAllowed, NotFound

ThreadId = NewType("ThreadId", str)
MessageId = NewType("MessageId", str)
BY_PERSON = WrittenBy()
_CITED = re.compile(r"\[(\d{1,2})\]")
_LIST_MARK = re.compile(r"^(?:[-•·]\s|(?:\(?\d{1,2}[.、)]|（?\d{1,2}）)(?!\d))\s*")


class MessageKind(StrEnum):
    QUESTION = "question"
    ANSWER = "answer"


class MessageState(StrEnum):
    """`WAITING`: an answer that is to be written, or is.  `LONG`: it reached the length of an answer.

    `BROKEN`: the engine was gone in the middle; what came is kept.
    """

    WAITING = "waiting"
    DONE = "done"
    STOPPED = "stopped"
    LONG = "long"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage of the library that an answer was given, under the number by which it may be cited."""

    number: int
    passage_id: str
    title: str = field(repr=False)
    page: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GivenNote:
    """A note that an answer was given whole, as its file calls it: by number and day."""

    id: NoteId
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """What else the prompt held: whole notes, and how much was left out because it did not fit.

    `recalled` are lines of what was left out that stood beside the question, as the model read them.
    `draft_read`: it held the open draft; `draft_left_out`: there was one, and it did not fit.
    """

    notes_used: tuple[GivenNote, ...] = ()
    left_out: tuple[str, ...] = ()
    record_left_out: int = 0
    text_left_out: int = 0
    recalled: tuple[str, ...] = field(default=(), repr=False)
    draft_read: bool = False
    draft_left_out: bool = False


NOTHING_ELSE = Given()


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A question, or an answer to the question that is its parent.

    `asked_by` is the name of who asked.  `with_library`: the question may be answered from the library, and
    `passages` are those that the answer was given.  `summary` stood in the prompt in place of the
    conversation before the question.  `held_back` are sentences of the model's that are not part of the
    answer: they spoke to the patient.  `absent` are facts that it states of the patient and that stand
    nowhere in what the model was given.  `untold` are items of the note that was asked for, which it
    was given and does not tell.  `consultation_id` is the consultation beside which an answer was asked for,
    whose text it was given; None: the last one.
    """

    id: MessageId
    parent_id: MessageId | None
    kind: MessageKind
    text: str = field(repr=False)
    at: datetime
    state: MessageState = MessageState.DONE
    version: int = 1
    asked_by: str = field(default="", repr=False)
    with_library: bool = False
    written_by: WrittenBy = BY_PERSON
    adapter_reason: str = ""
    passages: tuple[GivenPassage, ...] = ()
    given: Given = NOTHING_ELSE
    summary: str = field(default="", repr=False)
    held_back: tuple[str, ...] = field(default=(), repr=False)
    absent: tuple[str, ...] = field(default=(), repr=False)
    untold: tuple[str, ...] = field(default=(), repr=False)
    consultation_id: ConsultationId | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what was answered."""

    question: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatThread:
    """A conversation; `patient_id` None: about nobody in particular.  `leaf_id` ends the branch shown."""

    id: ThreadId
    patient_id: PatientId | None
    author_id: CounsellorId
    begun_at: datetime
    asked_at: datetime
    leaf_id: MessageId | None = None
    messages: tuple[ChatMessage, ...] = ()

    @property
    def title(self) -> str:
        """The first question, on one line."""
        return " ".join(self.path[0].text.split()) if self.path else ""

    @property
    def path(self) -> tuple[ChatMessage, ...]:
        """The branch that is shown, from the first question on."""
        return self.path_to(self.leaf_id) if self.leaf_id is not None else ()

    def get(self, message_id: MessageId) -> ChatMessage:
        """Raises NotFound."""
        for message in self.messages:
            if message.id == message_id:
                return message
        raise NotFound(f"message {message_id} is not in thread {self.id}", hint="load the page again")

    def get_answer(self, message_id: MessageId) -> ChatMessage:
        """Raises NotFound, and NotAllowed for a question."""
        message = self.get(message_id)
        if message.kind is not MessageKind.ANSWER:
            raise NotAllowed(f"message {message_id} is a question", hint="choose an answer")
        return message

    def path_to(self, message_id: MessageId) -> tuple[ChatMessage, ...]:
        """From the first question to this message.  Raises NotFound."""
        by_id = {message.id: message for message in self.messages}
        path: list[ChatMessage] = []
        at: MessageId | None = self.get(message_id).id
        while at is not None:
            path.append(by_id[at])
            at = by_id[at].parent_id
        return tuple(reversed(path))

    def beside(self, message: ChatMessage) -> tuple[ChatMessage, ...]:
        """The message and those that stand in its place on other branches, oldest first."""
        return tuple(other for other in self.messages if other.parent_id == message.parent_id)

    def find_leaf(self, message_id: MessageId) -> MessageId:
        """Where the newest branch through a message ends.  Raises NotFound."""
        at = self.get(message_id).id
        while below := [message for message in self.messages if message.parent_id == at]:
            at = below[-1].id
        return at


def list_exchanges(path: Sequence[ChatMessage]) -> tuple[str, tuple[Exchange, ...]]:
    """What a prompt holds of a conversation: a summary, and the exchanges since that brought an answer.

    A summary stands for all that comes before the question of the answer that bears it.
    """
    summary, exchanges = "", list[Exchange]()
    for question, answer in zip(path[::2], path[1::2], strict=False):
        if answer.summary:
            summary, exchanges = answer.summary, []
        if answer.text:
            exchanges.append(Exchange(question.text, answer.text))
    return summary, tuple(exchanges)


def split_paragraphs(text: str) -> tuple[str, ...]:
    """The lines of an answer that hold words, in order; a paragraph is named by its place among them."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def get_paragraph(message: ChatMessage, number: int) -> tuple[str, tuple[GivenPassage, ...]]:
    """Paragraph `number`, from 0, without its citations and its mark in a list, and the passages that it
    cites.  Raises NotFound.
    """
    paragraphs = split_paragraphs(message.text)
    if not 0 <= number < len(paragraphs):
        raise NotFound(f"message {message.id} has no paragraph {number}", hint="load the page again")
    given = {each.number: each for each in message.passages}
    cited = dict.fromkeys(int(each) for each in _CITED.findall(paragraphs[number]) if int(each) in given)
    words = _CITED.sub(lambda found: "" if int(found[1]) in given else found[0], paragraphs[number])
    words = _LIST_MARK.sub("", words)
    return " ".join(words.split()), tuple(given[each] for each in cited)
