"""Rules and classifier together: the statements that a text holds, each in the words of the text."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from phyassist.domain.reading.answers import find_answers
from phyassist.domain.reading.classifier import LABELS, LinearReader
from phyassist.domain.reading.clauses import cut_by_field, shrink
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
KEEP_MIN = 0.2
ROOM, ROOM_SHARE = 300, 0.33
WHOLE_MAX = 600
WORTH_MIN = 0.03
FINDING_WEIGHT = 3.0
WORD_WEIGHT = 0.08


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence and how surely it belongs where; `keep` is the surety that it belongs in a record at all."""

    sentence: Sentence
    record_field: RecordField
    keep: float
    by_label: tuple[float, ...] = field(repr=False)


def judge(sentences: Sequence[Sentence], reader: LinearReader) -> tuple[Judged, ...]:
    """Each sentence with its likeliest field; one that lists several is cut where the field changes."""
    judged: list[Judged] = []
    sentences = cut_by_field(sentences, reader)
    for sentence, scores in zip(sentences, reader.score_all(sentences), strict=True):
        by_label = dict(zip(LABELS, scores, strict=True))
        lifts = _lift_fields(sentence.text)
        best = max(_FIELDS, key=lambda label: by_label[label] + lifts.get(label, 0.0))
        fits = 1 - (1 - by_label["D"]) * (1 - by_label["H"]) * (1 - by_label["M"]) * (1 - by_label["P"]) * (
            1 - by_label["S"]
        )
        keep = fits * (1 - by_label["N"])
        if sentence.speaker == Speaker.NARRATOR and _is_jotting(sentence.text):
            keep = max(keep, _JOTTING_KEEP)
        judged.append(Judged(sentence, _FIELDS[best], keep, scores))
    return tuple(judged)


# Words that settle a field where the classifier, trained on few sentences of it, wavers.
_LIFTING = (
    ("P", 0.3, ("sleep", "appetite", "medicine", "illness", "body")),
    ("M", 0.3, ("risk",)),
    ("M", 0.15, ("mood", "anxiety", "cognition")),
    ("H", 0.25, ("early",)),
    ("D", 0.2, ("who",)),
)
_EARLY = re.compile(
    r"小时候|童年|从小|幼年|小学时|初中时|高中时|去世|过世|\b(?:grew up|as a (?:kid|child)|when I was|"
    r"childhood|"
    r"was raised|(?:died|passed away))\b"
)


# Somebody who jots down a finding means it for the record, however few words it has.
_JOTTING_KEEP = 0.5
_JOTTED = (*FINDINGS, "family", "partner", "who", "mood", "anxiety", "anger", "social", "work")


def _is_jotting(text: str) -> bool:
    terms = find_terms(text)
    return _size(text) <= 30 and not {"ask", "thanks"} & terms.keys() and bool(terms.keys() & set(_JOTTED))


def _lift_fields(text: str) -> dict[str, float]:
    topics = set(find_terms(text))
    if _EARLY.search(text):
        topics.add("early")
    lifts: dict[str, float] = {}
    for label, lift, names in _LIFTING:
        if topics.intersection(names):
            lifts[label] = max(lift, lifts.get(label, 0.0))
    return lifts


def read_statements(
    text: str, sentences: Sequence[Sentence], judged: Sequence[Judged]
) -> tuple[Statement, ...]:
    """The client's facts, then what belongs in the record, in the order of the text."""
    facts = find_facts(text, sentences)
    answers = find_answers(text, sentences)
    told = [make_statement(text, item.sentence, item.record_field) for item in choose_sentences(judged)]
    lines = [line for line in told if line is not None and not _is_covered(text, line.span, facts)]
    # An answer is told with its question, not once more without it.
    alone = [
        line
        for line in lines
        if not any(each.span.end >= line.span.end > each.span.start for each in answers)
    ]
    return (*facts, *sorted((*answers, *alone), key=lambda line: line.span.start))


_LEFTOVER = re.compile(r"\w")
_PLAIN = re.compile(
    r"来访者|求助者|患者|病人|今年|现在|目前|是|一名|一位|一个|我|的|了|岁|性别|年龄|职业|婚姻|学历|"
    r"\b(?:i|am|i'm|is|an?|and|the|client|patient|she|he|years?|yrs?|old|yo)\b",
    re.IGNORECASE,
)


def _is_covered(text: str, span: Span, facts: Sequence[Statement]) -> bool:
    """Whether a line holds nothing but facts that stand in lines of their own ("F, 19, single")."""
    left = list(text[span.start : span.end])
    if not any(fact.span.start < span.end and span.start < fact.span.end for fact in facts):
        return False
    for fact in facts:
        for at in range(max(span.start, fact.span.start), min(span.end, fact.span.end)):
            left[at - span.start] = " "
    return len(_LEFTOVER.findall(_PLAIN.sub("", "".join(left)))) <= 1


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
    told = sum(_size(item.sentence.text) for item in own)
    room = ROOM + ROOM_SHARE * told
    chosen: list[Judged] = []
    seen: set[str] = set()
    # A sentence is never worth more later than it was before, so only the one on top is looked at anew.
    points = [_points(item.sentence.text) for item in able]
    queue = [(-_worth(item, points[no], seen), no, item) for no, item in enumerate(able)]
    heapq.heapify(queue)
    while queue and room > 0:
        _, no, item = heapq.heappop(queue)
        worth = _worth(item, points[no], seen)
        if queue and worth < -queue[0][0]:
            heapq.heappush(queue, (-worth, no, item))
            continue
        if worth < WORTH_MIN:
            break
        kept = _shrink(item, seen) if told > WHOLE_MAX else item
        chosen.append(kept)
        seen |= _points(kept.sentence.text).keys()
        room -= _size(kept.sentence.text)
    return tuple(sorted(chosen, key=lambda item: item.sentence.span.start))


def _shrink(item: Judged, seen: set[str]) -> Judged:
    def adds(clause: str) -> bool:
        return any(weight >= 0.7 for point, weight in _points(clause).items() if point not in seen)

    return replace(item, sentence=shrink(item.sentence, adds))


def _size(text: str) -> float:
    """Length as a reader feels it, in Chinese characters: three English letters are about one."""
    return len(text) if guess_language(text) == "zh" else len(text) / 3


def _worth(item: Judged, points: Mapping[str, float], seen: set[str]) -> float:
    news = sum(weight for point, weight in points.items() if point not in seen)
    return item.keep * news / math.sqrt(_size(item.sentence.text) + 15)


_ENGLISH = re.compile(r"[a-z']{4,}")
_NUMBER = re.compile(
    r"\d+|[一二两三四五六七八九十几半]+(?=年|个?月|个?小时|个?星期|周|岁|次|斤|公斤|天|晚|片|颗|粒|点)"
)


def _points(text: str) -> Mapping[str, float]:
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
    return points | dict.fromkeys(pieces, WORD_WEIGHT)
