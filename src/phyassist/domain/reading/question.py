"""What the client came to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from phyassist.domain.reading.classifier import LABELS, LinearReader
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.reading.trimming import trim_fillers
from phyassist.domain.records import Span

_ASKS = LABELS.index("Q")
_NOTHING = LABELS.index("N")
_SURE = 0.5
_CHARS_MIN = 6
# A question put early names the reason for coming; one put late is often about the advice just given.
_LATE_COSTS = 0.35


@dataclass(frozen=True, slots=True)
class Question:
    """Verbatim at `span`; `is_asked` is False where nobody asks and the opening complaint stands in."""

    quote: str = field(repr=False)
    span: Span
    is_asked: bool = True


def find_question(text: str, sentences: Sequence[Sentence], reader: LinearReader) -> Question | None:
    """The client's surest question, else the first thing complained of; None where there is neither."""
    own = [
        (sentence, scores)
        for sentence, scores in zip(sentences, reader.score_all(sentences), strict=True)
        if sentence.speaker != Speaker.COUNSELLOR and len(sentence.text) >= _CHARS_MIN
    ]
    if not own:
        return None
    length = max(1, sentences[-1].span.end)
    asked = [
        (scores[_ASKS] - _LATE_COSTS * sentence.span.start / length, sentence)
        for sentence, scores in own
        if scores[_ASKS] >= _SURE
    ]
    if asked:
        return _quote(text, max(asked, key=lambda pair: pair[0])[1], is_asked=True)
    complaint = next((sentence for sentence, scores in own if scores[_NOTHING] < _SURE), None)
    return _quote(text, complaint, is_asked=False) if complaint is not None else None


def _quote(text: str, sentence: Sentence, *, is_asked: bool) -> Question | None:
    span = trim_fillers(text, sentence.span)
    if span is None:
        return None
    # The question mark belongs to a question.
    end = span.end
    while end < sentence.span.end and text[end] in "?？":
        end += 1
    return Question(text[span.start : end], Span(span.start, end), is_asked)
