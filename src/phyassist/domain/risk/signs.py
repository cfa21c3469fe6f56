"""What a sign of risk is, and how it stands: said of now, of before, of somebody else, asked, or denied."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from phyassist.domain.records import Span


class RiskKind(StrEnum):
    """`SELF` and `OTHERS`: danger to oneself, to others; `CHILD`: abuse of a minor."""

    SELF = "self"
    OTHERS = "others"
    CHILD = "child"
    PSYCHOSIS = "psychosis"
    INTOXICATION = "intoxication"


class Standing(StrEnum):
    """None of them hides a sign; they say how it was put.  `ASKED`: a question that got no clear answer."""

    PRESENT = "present"
    PAST = "past"
    OF_ANOTHER = "of_another"
    ASKED = "asked"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Sign:
    """Words that are a sign of risk, at `span` of the text, and the sentence that they stand in."""

    kind: RiskKind
    standing: Standing
    span: Span
    quote: str = field(repr=False)
    sentence: Span
    words: str = field(repr=False)


# What is shown first: the order of the kinds, and within a kind what is said of now.
KINDS = tuple(RiskKind)
STANDINGS = tuple(Standing)


def is_raised(signs: tuple[Sign, ...]) -> bool:
    """Whether something is said of now, so that the mark stands out; else it is there and quiet."""
    return any(sign.standing == Standing.PRESENT for sign in signs)
