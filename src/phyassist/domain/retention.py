"""How long a file is kept: from the last contact, for who was a minor then from coming of age.

Nothing here deletes anything.  A period that is over is said to be over, and a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from phyassist.domain.merging import read_age
from phyassist.domain.people import Language, PatientId
from phyassist.domain.records import Record, RecordField, Statement

OWN_RULE = "own"
# A line that a counsellor wrote has no kind; this is how an age is written in one.
_BY_HAND = re.compile(
    r"([\d一二三四五六七八九十]{1,4})\s*周?岁|(\d{1,3})\s*(?:years? old|y/?o\b|yrs?\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Minors:
    """Kept until so many years after the birthday on which they come of age."""

    of_age: int
    years: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A period with its source.  `jurisdiction` is empty for a rule of one's own."""

    key: str
    jurisdiction: str
    years: int
    title: Mapping[Language, str]
    source: Mapping[Language, str]
    minors: Minors | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """When a file may go.  `name` is empty for who holds no key to the file.

    `of_age_at` is when somebody who was a minor at the last contact comes of age, at the latest; None where
    the record tells of no age below it, or nobody could look.
    """

    patient_id: PatientId
    last_contact: datetime
    due_at: datetime
    name: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    of_age_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        return self.due_at <= now


def compute_due(
    rule: Rule, patient_id: PatientId, last_contact: datetime, of_age_at: datetime | None = None
) -> Due:
    """When the period of a file ends; `of_age_at` counts only where the rule asks after minors."""
    due_at = add_years(last_contact, rule.years)
    was_minor = rule.minors is not None and of_age_at is not None and of_age_at > last_contact
    if rule.minors is not None and of_age_at is not None and was_minor:
        due_at = max(due_at, add_years(of_age_at, rule.minors.years))
    return Due(patient_id, last_contact, due_at, of_age_at=of_age_at if was_minor else None)


def find_of_age(record: Record, rule: Rule, said_at: Mapping[str, datetime]) -> datetime | None:
    """When the person comes of age at the latest, by the ages in their record; None where it tells of none.

    "15 years old" said on a day means that the sixteenth birthday is within a year: the later end counts, so
    that a file is kept too long rather than not long enough.  `said_at`: the day of each consultation.
    """
    if rule.minors is None:
        return None
    ends = []
    for line in record.of(RecordField.DEMOGRAPHIC):
        at, age = said_at.get(line.consultation_id), _read(line.statement)
        if at is not None and age is not None and age < rule.minors.of_age:
            ends.append(add_years(at, rule.minors.of_age - age))
    return max(ends, default=None)


def _read(statement: Statement) -> int | None:
    if statement.kind == "age":
        return read_age(re.split(r"[：:]", statement.text, maxsplit=1)[-1].strip().lower())
    by_hand = None if statement.kind else _BY_HAND.search(statement.text)
    return read_age(by_hand[1] or by_hand[2]) if by_hand else None


def add_years(at: datetime, years: int) -> datetime:
    """The same day so many years on; from the 29th of February to the 1st of March where there is none."""
    try:
        return at.replace(year=at.year + years)
    except ValueError:
        return at.replace(year=at.year + years, month=3, day=1)
