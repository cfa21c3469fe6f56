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
from phyassist.domain.reading.fields import choose_field, lift_fields
from phyassist.domain.reading.harm import is_of_harm
from phyassist.domain.reading.leftovers import find_leftover
from phyassist.domain.reading.lexicons import FINDINGS, find_terms
from phyassist.domain.reading.markers import find_markers
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.reading.trimming import is_empty_talk, trim_fillers
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
ROOM, ROOM_SHARE = 300, 0.27
WHOLE_MAX = 600
WORTH_MIN = 0.03
FINDING_WEIGHT, LIVING_WEIGHT = 3.0, 3.0
# A line whose complaints stand already must bring at least this share of new words.
REPEAT_SHARE = 0.6
WORD_WEIGHT = 0.12


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
        best = choose_field(sentence.text, by_label)
        fits = 1 - (1 - by_label["D"]) * (1 - by_label["H"]) * (1 - by_label["M"]) * (1 - by_label["P"]) * (
            1 - by_label["S"]
        )
        keep = fits * (1 - by_label["N"])
        if sentence.speaker == Speaker.NARRATOR and _is_jotting(sentence.text):
            keep = max(keep, _JOTTING_KEEP)
        if sentence.speaker != Speaker.COUNSELLOR and _is_complaint(sentence.text):
            keep = max(keep, _COMPLAINT_KEEP)
        judged.append(Judged(sentence, _FIELDS[best], keep, scores))
    return tuple(judged)


# Somebody who jots down a finding means it for the record, however few words it has.
_JOTTING_KEEP = 0.5
# A complaint of the body or a risk to life is worth a line, whatever the classifier makes of its few words.
_COMPLAINT_KEEP = 0.4
_COMPLAINTS = frozenset(("sleep", "appetite", "body", "illness", "medicine", "substance", "risk"))
_JOTTED = (*FINDINGS, "family", "partner", "who", "mood", "anxiety", "anger", "social", "work")


def _is_jotting(text: str) -> bool:
    terms = find_terms(text)
    return (
        _size(text) <= 30
        and not {"ask", "thanks"} & terms.keys()
        and bool(terms.keys() & set(_JOTTED) or find_markers(text) - {"others", "person", "past"})
    )


def _is_complaint(text: str) -> bool:
    """Whether the clause names such a thing and neither asks nor thanks."""
    terms = find_terms(text).keys()
    if is_of_harm(text):
        return True
    return bool(terms & _COMPLAINTS) and not terms & {"ask", "thanks"} and not _ENDS_ASKING.search(text)


_ENDS_ASKING = re.compile(r"[?？]\W*$")


def read_statements(
    text: str, sentences: Sequence[Sentence], judged: Sequence[Judged], *, question: Span | None = None
) -> tuple[Statement, ...]:
    """The client's facts, then what belongs in the record, in the order of the text.

    What stands at `question` is told as the question, and in the record only if it names a finding too.
    """
    facts = find_facts(text, sentences)
    answers = find_answers(text, sentences)
    chosen = _choose_beside(judged, question)
    told = [make_statement(text, item.sentence, item.record_field) for item in chosen]
    lines = [
        rest
        for line in told
        if line is not None and (rest := _leave_facts_out(text, line, facts)) is not None
    ]
    # An answer is told with its question, not once more without it.
    alone = [
        line
        for line in lines
        if not any(each.span.end >= line.span.end > each.span.start for each in answers)
    ]
    return (*facts, *sorted((*answers, *alone), key=lambda line: line.span.start))


def _choose_beside(judged: Sequence[Judged], question: Span | None) -> tuple[Judged, ...]:
    """The sentences worth a line; one that is part of the question only where no other names its finding."""
    if question is None:
        return choose_sentences(judged)
    asked = [item for item in judged if _is_within(item.sentence, question)]
    chosen = choose_sentences([item for item in judged if not _is_within(item.sentence, question)])
    named = {finding for item in chosen for finding in _find_findings(item.sentence.text)}
    alone = [item for item in asked if not _find_findings(item.sentence.text) <= named]
    return tuple(sorted((*chosen, *choose_sentences(alone)), key=lambda item: item.sentence.span.start))


def _is_within(sentence: Sentence, question: Span) -> bool:
    return question.start < sentence.span.end and sentence.span.start < question.end


def _find_findings(text: str) -> set[tuple[str, str]]:
    """The findings that a sentence names: topic, and the head of the word."""
    return {
        (topic, word[:4]) for topic, words in find_terms(text).items() if topic in FINDINGS for word in words
    }


def _leave_facts_out(text: str, line: Statement, facts: Sequence[Statement]) -> Statement | None:
    """The line without the facts at its edges that stand in lines of their own; None when nothing is left."""
    span = find_leftover(text, line.span, [fact.span for fact in facts if _is_told_alone(fact)])
    trimmed = trim_fillers(text, span) if span is not None else None
    if trimmed is None or is_empty_talk(text[trimmed.start : trimmed.end]):
        return None
    words = text[trimmed.start : trimmed.end]
    if _size(words) <= _ABOUT_A_FACT and any(
        _is_told_alone(fact) and fact.span.start < trimmed.end and trimmed.start < fact.span.end
        for fact in facts
    ):
        line = replace(line, field=RecordField.DEMOGRAPHIC)
    elif trimmed != line.span and line.field == RecordField.DEMOGRAPHIC:
        # Without the facts, what is left may tell of something else.
        lifts = lift_fields(words)
        line = replace(line, field=_FIELDS[max(lifts, key=lifts.__getitem__)]) if lifts else line
    return replace(line, text=" ".join(words.split()), quote=words, span=trimmed)


# So short a line around a fact says little but that fact.
_ABOUT_A_FACT = 14


def _is_told_alone(fact: Statement) -> bool:
    """False where sex or marriage shows in a word that is the subject of the sentence: she, my husband."""
    if fact.kind == "marital":
        return fact.quote.lower() in fact.text.lower()
    return fact.kind != "sex" or fact.quote.lower() not in ("she", "he", "her", "his", "她", "他")


def make_statement(text: str, sentence: Sentence, record_field: RecordField) -> Statement | None:
    """The sentence as a line of the record, fillers at its edges left out; None when only fillers remain."""
    span = trim_fillers(text, sentence.span)
    if span is None:
        return None
    words = text[span.start : span.end]
    if is_empty_talk(words):
        return None
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
        if told > WHOLE_MAX and _is_repeat(points[no], seen):
            continue
        kept = _shrink(item, seen) if told > WHOLE_MAX else item
        chosen.append(kept)
        seen |= _points(kept.sentence.text).keys()
        room -= _size(kept.sentence.text)
    return tuple(sorted(chosen, key=lambda item: item.sentence.span.start))


def _is_repeat(points: Mapping[str, float], seen: set[str]) -> bool:
    """Whether a line names complaints, all of them told before, and little else that is new."""
    named = [point for point, weight in points.items() if weight >= 0.7]
    words = [point for point, weight in points.items() if weight == WORD_WEIGHT]
    fresh = sum(point not in seen for point in words)
    return bool(named) and seen.issuperset(named) and fresh < REPEAT_SHARE * len(words)


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
        weight = FINDING_WEIGHT if topic in FINDINGS else LIVING_WEIGHT if topic == "living" else 1.0
        for word in words:
            points[f"{topic}:{word[:4]}"] = weight if topic != "deny" else 0.3
        points[topic] = weight
    if is_of_harm(text):
        points["harm"] = FINDING_WEIGHT
    for number in _NUMBER.findall(text):
        points[f"n:{number}"] = 0.7
    if guess_language(text) == "zh":
        clean = re.sub(r"[^\w]", "", text)
        pieces = {clean[at : at + 2] for at in range(len(clean) - 1)}
    else:
        pieces = set(_ENGLISH.findall(text.lower()))
    return points | dict.fromkeys(pieces, WORD_WEIGHT)
