"""What the client came to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from phyassist.domain.reading.classifier import LABELS
from phyassist.domain.reading.reader import Judged
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.reading.trimming import trim_fillers
from phyassist.domain.records import RecordField, Span

_ASKS = LABELS.index("Q")
_NOTHING = LABELS.index("N")
_SURE = 0.5
_CHARS_MIN = 4
_COMPLAINT_CHARS = 8
# Two questions in a row are one concern; a bare "what should I do?" needs the words before it.
_BARE_CHARS = 12
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
        (item.by_label[_ASKS] - _LATE_COSTS * item.sentence.span.start / length, -no)
        for no, item in enumerate(own)
        if item.by_label[_ASKS] >= _SURE
    ]
    if asked:
        return _quote(text, own, -max(asked)[1])
    told = [item for item in own if item.by_label[_NOTHING] < _SURE]
    complaint = max(told, key=lambda item: (_weigh(item), -item.sentence.span.start), default=None)
    if complaint is None:
        return None
    return _make(text, complaint.sentence.span, complaint.sentence.span, is_asked=False)


def _weigh(item: Judged) -> int:
    """Of what is complained of, a state of mind or body comes first, then anything but who somebody is."""
    if len(item.sentence.text) < _COMPLAINT_CHARS or item.record_field == RecordField.DEMOGRAPHIC:
        return 0
    return 2 if item.record_field in (RecordField.MENTAL, RecordField.PHYSICAL) else 1


def _quote(text: str, own: Sequence[Judged], no: int) -> Question | None:
    first = last = own[no].sentence
    before = own[no - 1].sentence if no else None
    if len(first.text) <= _BARE_CHARS and before is not None and before.turn == first.turn:
        first = before
    return _make(text, first.span, last.span, is_asked=True)


def _make(text: str, first: Span, last: Span, *, is_asked: bool) -> Question | None:
    trimmed = trim_fillers(text, Span(first.start, last.end))
    if trimmed is None:
        return None
    # The question mark belongs to a question.
    end = trimmed.end
    while end < last.end and text[end] in "?？":
        end += 1
    return Question(text[trimmed.start : end], Span(trimmed.start, end), is_asked)
