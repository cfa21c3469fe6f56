"""What a patient has agreed to, purpose by purpose: every answer that was ever given, the last one counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.people import PatientId

ConsentId = NewType("ConsentId", str)


class Purpose(StrEnum):
    """For what a patient's words may be used beyond the file itself."""

    DRAFTING = "drafting"
    OWN_TRAINING = "own_training"
    SHARED_TRAINING = "shared_training"
    SIMILAR_CASES = "similar_cases"


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


class Signer(StrEnum):
    """Who gave the answer: the patient, or whoever may decide for them."""

    PATIENT = "patient"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer.  `on` is the day on the form; `number` counts a patient's answers in the order recorded."""

    id: ConsentId
    patient_id: PatientId
    purpose: Purpose
    answer: Answer
    on: date
    signed_by: Signer
    remark: str = field(default="", repr=False)
    recorded_by: str = ""
    recorded_at: datetime | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts for a purpose now; `last` is None where nobody has asked yet."""

    purpose: Purpose
    last: Consent | None

    @property
    def is_allowed(self) -> bool:
        """Not asked: drafting is allowed, every other use is not."""
        if self.last is None:
            return self.purpose == Purpose.DRAFTING
        return self.last.answer == Answer.YES


def find_standing(consents: Iterable[Consent], purpose: Purpose) -> Standing:
    """The answer that was recorded last counts, whatever day its form bears: a withdrawal works at once."""
    own = [consent for consent in consents if consent.purpose == purpose]
    return Standing(purpose, max(own, key=lambda consent: consent.number, default=None))
