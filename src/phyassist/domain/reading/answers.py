"""Short answers: "No, never" says something only together with the question before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from phyassist.domain.reading.lexicons import find_terms
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import RecordField, Span, Statement

_ANSWER_ZH, _ANSWER_EN, _QUESTION_MAX = 8, 24, 90
# The first topic that a question names decides the field; the order is that of weight.
_FIELD_OF_TOPIC = (
    ("risk", RecordField.MENTAL),
    ("sleep", RecordField.PHYSICAL),
    ("appetite", RecordField.PHYSICAL),
    ("medicine", RecordField.PHYSICAL),
    ("illness", RecordField.PHYSICAL),
    ("substance", RecordField.PHYSICAL),
    ("body", RecordField.PHYSICAL),
    ("family", RecordField.DEMOGRAPHIC),
    ("partner", RecordField.DEMOGRAPHIC),
    ("who", RecordField.DEMOGRAPHIC),
    ("cognition", RecordField.MENTAL),
    ("mood", RecordField.MENTAL),
    ("anxiety", RecordField.MENTAL),
    ("event", RecordField.HISTORY),
    ("social", RecordField.SOCIAL),
    ("work", RecordField.SOCIAL),
)
_EMPTY = re.compile(
    r"(?:嗯+|哦+|好的?|谢谢.*|知道了|明白了?|不客气|ok(?:ay)?|thanks?.*|sure|i see|"
    r"hmm+)\W*",
    re.IGNORECASE,
)


def find_answers(text: str, sentences: Sequence[Sentence]) -> tuple[Statement, ...]:
    """A statement for each short answer to a question about something that belongs in a record.

    Its quote reaches from the question to the answer, so that what was denied is denied in so many words.
    """
    found: list[Statement] = []
    for question, answer in pairwise(sentences):
        if question.speaker != Speaker.COUNSELLOR or answer.speaker != Speaker.CLIENT:
            continue
        if not (_is_short(answer.text) or _needs_question(question.text, answer.text)) or _EMPTY.fullmatch(
            answer.text.strip()
        ):
            continue
        if not question.text.rstrip().endswith(("?", "？", "吗", "呢")) or len(question.text) > _QUESTION_MAX:
            continue
        terms = find_terms(question.text)
        record_field = next((each for topic, each in _FIELD_OF_TOPIC if topic in terms), None)
        if record_field is None:
            continue
        span = Span(question.span.start, answer.span.end)
        words = f"{question.text.strip()} {answer.text.strip(' 。.，,！!')}"
        found.append(Statement(record_field, " ".join(words.split()), text[span.start : span.end], span))
    return tuple(found)


_GRAVE = frozenset(("risk", "substance", "medicine"))
_LONGER_ZH, _LONGER_EN = 24, 60


def _needs_question(question: str, answer: str) -> bool:
    """Whether an answer about something grave does not name it: "Now and then, twice a week"."""
    asked = _GRAVE & find_terms(question).keys()
    limit = _LONGER_ZH if guess_language(answer) == "zh" else _LONGER_EN
    return bool(asked) and len(answer.strip()) <= limit and not asked & find_terms(answer).keys()


def _is_short(text: str) -> bool:
    limit = _ANSWER_ZH if guess_language(text) == "zh" else _ANSWER_EN
    return len(text.strip()) <= limit
