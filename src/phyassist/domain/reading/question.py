"""What the client came to ask."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from phyassist.domain.reading.asking import is_asking, is_question
from phyassist.domain.reading.classifier import LABELS
from phyassist.domain.reading.lexicons import find_terms
from phyassist.domain.reading.reader import Judged
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.reading.trimming import trim_fillers
from phyassist.domain.records import RecordField, Span

_ASKS = LABELS.index("Q")
_NOTHING = LABELS.index("N")
_SURE = 0.5
_UNLIKELY = 0.1
_CHARS_MIN = 4
_COMPLAINT_CHARS = 8
# A bare "what should I do?" needs the words before it.
_BARE = re.compile(
    r"(?:我|我们|请问|那|现在|到底|究竟)*(?:该|应该|要|可以|能)?(?:怎么办|怎么做|怎么样做|如何是好|如何做|为什么|怎样做)(?:才好|才行|呢|啊|好)*"
    r"[？?。！!]*|(?:so |but |and )?(?:what (?:should|can|do|could|would) (?:i|we) do(?: now| about (?:it|"
    r"this|that))?|any "
    r"(?:advice|suggestions|help|ideas)|why|how|please help(?: me)?|what now|is (?:this|that|it) normal|"
    r"am i wrong|what is wrong with me|"
    r"help)\W*",
    re.IGNORECASE,
)
# The heading under which jottings put the question is no part of it.
_HEADING = re.compile(
    r"(?:^|(?<=[.。;；:：\s]))(?:求助(?:目的|诉求|问题)?|咨询(?:目的|目标|诉求|问题)|来访目的|诉求|Q|question|(?:counsel+ing|"
    r"therapy) goals?|goals?|"
    r"presenting question|reason for (?:visit|referral))\s*[:：]\s*",
    re.IGNORECASE,
)
# A question put early names the reason for coming; one put late is often about the advice just given.
_LATE_COSTS = 0.35


@dataclass(frozen=True, slots=True)
class Question:
    """Verbatim at `span`; `is_asked` is False where nobody asks and the opening complaint stands in."""

    quote: str = field(repr=False)
    span: Span
    is_asked: bool = True


def find_question(text: str, judged: Sequence[Judged]) -> Question | None:
    """The client's surest question, else the first thing complained of; None where there is neither."""
    own = [
        item
        for item in judged
        if item.sentence.speaker != Speaker.COUNSELLOR and len(item.sentence.text) >= _CHARS_MIN
    ]
    length = max(1, len(text))
    asked = [
        (sure - _LATE_COSTS * item.sentence.span.start / length, -no)
        for no, item in enumerate(own)
        if (sure := _sureness(item)) >= _SURE
    ]
    if asked:
        return _quote(text, own, -max(asked)[1])
    told = [item for item in own if item.by_label[_NOTHING] < _SURE]
    # What a letter or a post is headed with says what it is about.
    if told and _HEADED.match(text, told[0].sentence.span.end) and told[0].sentence is own[0].sentence:
        return _make(text, told[0].sentence.span, told[0].sentence.span, is_asked=False)
    complaint = max(told, key=lambda item: (_weigh(item), -item.sentence.span.start), default=None)
    if complaint is None:
        return None
    return _make(text, complaint.sentence.span, complaint.sentence.span, is_asked=False)


# Jottings end with what the client came for, so being late takes less from words that say so.
_SAID_OUTRIGHT, _PUT_AS_QUESTION = 1.1, 0.9


def _sureness(item: Judged) -> float:
    """How surely the sentence is what the client came to ask: by its words, or as the classifier sees it."""
    text = item.sentence.text
    if item.sentence.speaker == Speaker.NARRATOR and is_asking(text):
        return _SAID_OUTRIGHT
    told = item.by_label[_ASKS]
    if told >= _UNLIKELY and (is_asking(text) or is_question(text)):
        return max(told, _PUT_AS_QUESTION)
    return told


_HEADED = re.compile(r"[ \t]*\r?\n[ \t]*\r?\n")
_NO_MORE = re.compile(r"以前|曾经|\b(?:used? to|was always|once)\b", re.IGNORECASE)
_COMPLAINTS = frozenset(
    ("sleep", "appetite", "body", "mood", "anxiety", "anger", "self", "risk", "cognition")
)


def _weigh(item: Judged) -> int:
    """Of what is complained of, a state of mind or body comes first, then anything but who somebody is."""
    if len(item.sentence.text) < _COMPLAINT_CHARS or item.record_field == RecordField.DEMOGRAPHIC:
        return 0
    if item.record_field not in (RecordField.MENTAL, RecordField.PHYSICAL):
        return 1
    if _NO_MORE.search(item.sentence.text):
        return 1
    return 3 if _COMPLAINTS & find_terms(item.sentence.text).keys() else 2


def _quote(text: str, own: Sequence[Judged], no: int) -> Question | None:
    first = last = own[no].sentence
    before = own[no - 1].sentence if no else None
    if _BARE.fullmatch(first.text.strip()) and before is not None and before.turn == first.turn:
        first = before
    return _make(text, first.span, last.span, is_asked=True)


def _make(text: str, first: Span, last: Span, *, is_asked: bool) -> Question | None:
    heading = _HEADING.search(text, first.start, last.end)
    trimmed = trim_fillers(text, Span(heading.end() if heading else first.start, last.end))
    if trimmed is None:
        return None
    # The question mark belongs to a question.
    end = trimmed.end
    while end < last.end and text[end] in "?？":
        end += 1
    return Question(text[trimmed.start : end], Span(trimmed.start, end), is_asked)
