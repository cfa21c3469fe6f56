"""Rules and classifier together: the statements that a text holds, each in the words of the text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from phyassist.domain.reading.classifier import LABELS, LinearReader
from phyassist.domain.reading.facts import find_facts
from phyassist.domain.reading.lexicons import FINDINGS, find_terms
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.reading.trimming import trim_fillers
from phyassist.domain.records import RecordField, Span, Statement

_FIELDS = {
    "D": RecordField.DEMOGRAPHIC,
    "H": RecordField.HISTORY,
    "M": RecordField.MENTAL,
    "P": RecordField.PHYSICAL,
    "S": RecordField.SOCIAL,
}

# Tuned on the development texts only: see docs/results/organise.md.
KEEP_MIN = 0.3
ROOM_ZH, ROOM_EN, ROOM_SHARE = 300, 900, 0.33
WORTH_MIN = 0.1
FINDING_WEIGHT = 2.0
WORD_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence and how surely it belongs where; `keep` is the surety that it belongs in a record at all."""

    sentence: Sentence
    record_field: RecordField
    keep: float
    by_label: tuple[float, ...] = field(repr=False)


def judge(sentences: Sequence[Sentence], reader: LinearReader) -> tuple[Judged, ...]:
    """Each sentence with its likeliest field."""
    judged: list[Judged] = []
    for sentence, scores in zip(sentences, reader.score_all(sentences), strict=True):
        by_label = dict(zip(LABELS, scores, strict=True))
        best = max(_FIELDS, key=lambda label: by_label[label])
        fits = 1 - (1 - by_label["D"]) * (1 - by_label["H"]) * (1 - by_label["M"]) * (1 - by_label["P"]) * (
            1 - by_label["S"]
        )
        keep = fits * (1 - by_label["N"])
        judged.append(Judged(sentence, _FIELDS[best], keep, scores))
    return tuple(judged)


def read_statements(text: str, sentences: Sequence[Sentence], reader: LinearReader) -> tuple[Statement, ...]:
    """The client's facts, then the sentences that belong in the record, in the order of the text."""
    facts = find_facts(text, sentences)
    chosen = choose_sentences(judge(sentences, reader))
    told = [make_statement(text, item.sentence, item.record_field) for item in chosen]
    return (*facts, *(statement for statement in told if statement is not None))


def make_statement(text: str, sentence: Sentence, record_field: RecordField) -> Statement | None:
    """The sentence as a line of the record, fillers at its edges left out; None when only fillers remain."""
    span = trim_fillers(text, sentence.span)
    if span is None:
        return None
    words = text[span.start : span.end]
    return Statement(field=record_field, text=" ".join(words.split()), quote=words, span=span)


def choose_sentences(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Sentences worth a line: sure enough, not said before, and on long texts the weightiest third of them.

    Greedy cover: each line is worth what it adds that no chosen line says, by its length.
    """
    own = [item for item in judged if item.sentence.speaker != Speaker.COUNSELLOR]
    able = [item for item in own if item.keep >= KEEP_MIN and len(item.sentence.text) >= 4]
    zh = guess_language("".join(item.sentence.text for item in own[:20])) == "zh"
    told = sum(len(item.sentence.text) for item in own)
    room = (ROOM_ZH if zh else ROOM_EN) + int(told * ROOM_SHARE)
    points = {item.sentence.no: _points(item.sentence.text) for item in able}
    chosen: list[Judged] = []
    seen: dict[str, int] = {}
    while able and room > 0:
        best = max(able, key=lambda item: _worth(item, points[item.sentence.no], seen))
        if _worth(best, points[best.sentence.no], seen) < WORTH_MIN:
            break
        able.remove(best)
        chosen.append(best)
        for point in points[best.sentence.no]:
            seen[point] = seen.get(point, 0) + 1
        room -= len(best.sentence.text)
    return tuple(sorted(chosen, key=lambda item: item.sentence.no))


def _worth(item: Judged, points: dict[str, float], seen: dict[str, int]) -> float:
    news = sum(weight for point, weight in points.items() if point not in seen)
    return item.keep * news / math.sqrt(len(item.sentence.text) + 15)


_ENGLISH = re.compile(r"[a-z']{4,}")
_NUMBER = re.compile(r"\d+|[一二两三四五六七八九十几半]+(?=年|个?月|周|岁|次|斤|天|小时)")


def _points(text: str) -> dict[str, float]:
    """What a line would add to the record: findings weigh most, then other topics, then any new word."""
    points: dict[str, float] = {}
    for topic, words in find_terms(text).items():
        if topic in ("ask", "thanks", "duration"):
            continue
        weight = FINDING_WEIGHT if topic in FINDINGS else 1.0
        for word in words:
            points[f"{topic}:{word[:4]}"] = weight if topic != "deny" else 0.3
        points[topic] = weight
    for number in _NUMBER.findall(text):
        points[f"n:{number}"] = 0.7
    if guess_language(text) == "zh":
        clean = re.sub(r"[^\w]", "", text)
        pieces = {clean[at : at + 2] for at in range(len(clean) - 1)}
    else:
        pieces = set(_ENGLISH.findall(text.lower()))
    return points | {piece: WORD_WEIGHT for piece in pieces}
