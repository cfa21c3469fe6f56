"""New statements against the known record: new, known, or different.  Nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from phyassist.domain.reading import facts_en, facts_zh
from phyassist.domain.reading.lexicons import find_terms
from phyassist.domain.reading.sentences import guess_language
from phyassist.domain.records import Record, RecordLine, Standing, Statement, StatementId

_ALIKE = 0.85
_YEAR_DAYS = 365.25
_GONE = (Standing.REPLACED, Standing.LEFT)

_SEXES = (("female", r"女|female|woman"), ("male", r"男|\bmale|\bman\b"))
# The order decides: "separated" is looked for before "married", "not married" before "married".
_MARITAL = (
    ("divorced", r"离异|离婚(?!中)|离了婚|divorced"),
    ("divorcing", r"闹离婚|离婚中|divorc"),
    ("separated", r"分居|separated"),
    ("widowed", r"丧偶|widow|late husband|late wife|died|passed away"),
    ("single", r"未婚|单身|没有?结婚|没有?对象|没谈过|没有恋爱|single|unmarried|never married"),
    ("engaged", r"订婚|engaged|fianc"),
    ("married", r"已婚|结婚|结了婚|再婚|二婚|新婚|married|marriage|husband|wife|spouse"),
    (
        "partnered",
        r"男朋友|女朋友|男友|女友|对象|恋爱|伴侣|关系|boyfriend|girlfriend|partner|relationship|dating",
    ),
)


@dataclass(frozen=True, slots=True)
class Merged:
    """A statement and how it stands; `against` is the line that says the same, or that it contradicts."""

    statement: Statement
    standing: Standing
    against: StatementId | None = None


def merge(known: Record, found: Sequence[Statement], *, at: datetime) -> tuple[Merged, ...]:
    """Each found statement, once, with its standing against the known lines.

    A single-valued kind with another value DIFFERS; an age that grew as time passed is NEW, no contradiction.
    """
    merged: list[Merged] = []
    taken: list[Statement] = []
    lines = [line for line in known.lines if line.standing not in _GONE]
    for statement in found:
        if any(_is_alike(statement, other) for other in taken):
            continue
        taken.append(statement)
        merged.append(_stand(statement, lines, at))
    return tuple(merged)


def _stand(statement: Statement, lines: Sequence[RecordLine], at: datetime) -> Merged:
    for line in lines:
        if _is_alike(statement, line.statement):
            return Merged(statement, Standing.SAME, line.id)
    if statement.kind:
        of_kind = [line for line in lines if line.statement.kind == statement.kind]
        if of_kind:
            latest = max(of_kind, key=lambda line: line.added_at)
            if statement.kind == "age" and _has_aged(statement, latest, at):
                return Merged(statement, Standing.NEW)
            if statement.kind == "education" and _has_moved_up(statement, latest, at):
                return Merged(statement, Standing.NEW)
            return Merged(statement, Standing.DIFFERS, latest.id)
    return Merged(statement, Standing.NEW)


def _is_alike(one: Statement, other: Statement) -> bool:
    if one.kind or other.kind:
        return one.kind == other.kind and _is_same_value(one.kind, one.text, other.text)
    if _numbers(one.text) != _numbers(other.text) or _denies(one.text) != _denies(other.text):
        return False
    if _people(one.text) != _people(other.text):
        return False
    matcher = SequenceMatcher(None, _pieces(one.text), _pieces(other.text), autojunk=False)
    return matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE


def _is_same_value(kind: str, one: str, other: str) -> bool:
    left, right = _value(one), _value(other)
    if kind == "age":
        return read_age(left) == read_age(right) if read_age(left) is not None else left == right
    if kind == "sex":
        return _class_of(left, _SEXES) == _class_of(right, _SEXES)
    if kind == "marital":
        return _class_of(left, _MARITAL) == _class_of(right, _MARITAL)
    return left in right or right in left


def _value(text: str) -> str:
    """What follows the name of the fact, in lower case."""
    return re.split(r"[：:]\s*", text, maxsplit=1)[-1].strip().lower()


def _class_of(value: str, classes: Sequence[tuple[str, str]]) -> str:
    return next((name for name, pattern in classes if re.search(pattern, value)), value)


def read_age(words: str) -> int | None:
    """The age in years that the words name; None where they name none ("奔三", "teenager")."""
    number = facts_zh.read_number(words)
    return number if number is not None else facts_en.read_number(words)


def _has_aged(statement: Statement, line: RecordLine, at: datetime) -> bool:
    before, now = read_age(_value(line.statement.text)), read_age(_value(statement.text))
    if before is None or now is None:
        return False
    years = max(0.0, (at - line.added_at).days / _YEAR_DAYS)
    return 0 < now - before <= years + 1


# School years in their order; a year repeated comes after the one it repeats.
_GRADES = (
    *("初一", "初二", "初三", "高一", "高二", "高三", "复读"),
    *("大一", "大二", "大三", "大四", "研一", "研二", "研三"),
)
_GRADES_EN = (
    *("6th grade", "7th grade", "8th grade", "9th grade", "10th grade", "11th grade", "12th grade"),
    *("freshman", "sophomore", "junior", "senior"),
)


def _grade(value: str) -> tuple[str, int] | None:
    for language, grades in (("zh", _GRADES), ("en", _GRADES_EN)):
        found = [no for no, grade in enumerate(grades) if grade in value]
        if found:
            return language, max(found)
    return None


def _has_moved_up(statement: Statement, line: RecordLine, at: datetime) -> bool:
    """Whether a school year follows the known one, as it does with time."""
    before, now = _grade(_value(line.statement.text)), _grade(_value(statement.text))
    if before is None or now is None or before[0] != now[0]:
        return False
    years = max(0.0, (at - line.added_at).days / _YEAR_DAYS)
    return 0 < now[1] - before[1] <= years + 1


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))


_DENIAL = re.compile(r"没|不|无|未|否认|\b(?:no|not|never|den\w+|without)\b|n't", re.IGNORECASE)


def _denies(text: str) -> int:
    return len(_DENIAL.findall(text)) % 2


def _people(text: str) -> set[str]:
    """Who is spoken of: what a father did is not what a mother did."""
    terms = find_terms(text)
    return {*terms.get("family", ()), *terms.get("partner", ())}


def _pieces(text: str) -> list[str]:
    """What two lines are compared by: characters in Chinese, words in English."""
    words = re.sub(r"[^\w\s]", "", text.lower())
    return list(re.sub(r"\s", "", words)) if guess_language(text) == "zh" else words.split()
