"""Scoring an organised text against labels made by hand."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from phyassist.domain.people import Language
from phyassist.domain.records import Statement

# Values that say in a word of ours what the quote says in its own.
_DERIVED_KINDS = ("sex", "marital")
_LABEL = re.compile(r"^[^：:]{1,16}[：:]\s*")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[a-z]+|[㐀-鿿]")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a text states; found when any of the strings stands in a statement or its quote."""

    kind: str
    any_of: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text of the labelled set: what it states, and probes for what it does not."""

    id: str
    source: str
    row_id: int
    language: Language
    facts: tuple[Fact, ...] = field(repr=False)
    absent: tuple[Fact, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with its 95 % interval (Wilson 1927)."""

    hits: int = 0
    of: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.hits + other.hits, self.of + other.of)

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.96, self.of, self.value
        middle = p + z * z / (2 * n)
        spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
        # Rounding leaves a hair below nought or above one where nothing or everything hits.
        return max(0.0, low), min(1.0, high)

    def minus(self, other: Share) -> tuple[float, float]:
        """The 95 % interval of how much more it is than another share (Newcombe 1998, method 10)."""
        (low, high), (other_low, other_high) = self.interval, other.interval
        gain = self.value - other.value
        down = math.hypot(self.value - low, other_high - other.value)
        up = math.hypot(high - self.value, other.value - other_low)
        return gain - down, gain + up

    def to_json(self) -> dict[str, float | int]:
        low, high = self.interval
        return {
            "hits": self.hits,
            "of": self.of,
            "value": round(self.value, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }


def find_chance(gains: Sequence[float]) -> float:
    """How likely so large a sum is where each of these few gains had its sign by chance alone: exact, the
    randomisation test of pairs (Fisher 1935).  Five that all point one way have 1/32.
    """
    total = sum(gains) - 1e-12
    sums = [
        sum(sign * gain for sign, gain in zip(signs, gains, strict=True))
        for signs in itertools.product((1, -1), repeat=len(gains))
    ]
    return sum(each >= total for each in sums) / len(sums)


def find_sign_chance(against: int, for_it: int) -> float:
    """How likely at least so many of them would be against it where each was as likely for it: the exact
    sign test, which is McNemar's for pairs (1947).  Nine against two have 0.033.
    """
    count = against + for_it
    return sum(math.comb(count, each) for each in range(against, count + 1)) / (1 << count)


@dataclass(frozen=True, slots=True)
class TextScore:
    """One text: facts found by kind, probes asserted, statements that their quote does not carry."""

    id: str
    language: Language
    found: dict[str, Share]
    asserted: Share
    unsupported: Share


def score_text(label: LabelledText, statements: Sequence[Statement]) -> TextScore:
    """Facts are looked for in texts and quotes, probes in texts alone."""
    shown = [f"{statement.text}\n{statement.quote}".lower() for statement in statements]
    texts = [statement.text.lower() for statement in statements]
    found: dict[str, Share] = {}
    for fact in label.facts:
        found[fact.kind] = found.get(fact.kind, Share()) + Share(int(_stands(fact, shown)), 1)
    asserted = sum(_stands(probe, texts) for probe in label.absent)
    unsupported = sum(not is_supported(statement) for statement in statements)
    return TextScore(
        label.id,
        label.language,
        found,
        Share(asserted, len(label.absent)),
        Share(unsupported, len(statements)),
    )


def is_supported(statement: Statement) -> bool:
    """Whether every number and word of a statement stands in its quote, the fact's name left out.

    Sex and marital state may be told in a word of ours ("my husband": "married"): numbers alone count.
    """
    text = _LABEL.sub("", statement.text) if statement.kind else statement.text
    quote = statement.quote.lower()
    if not set(_NUMBER.findall(text)) <= set(_NUMBER.findall(quote)):
        return False
    if statement.kind in _DERIVED_KINDS:
        return bool(quote.strip())
    return set(_WORD.findall(text.lower())) <= set(_WORD.findall(quote))


def add_shares(shares: Iterable[Share]) -> Share:
    """All hits of all."""
    return sum(shares, Share())


def _stands(fact: Fact, words: Sequence[str]) -> bool:
    return any(wanted.lower() in text for text in words for wanted in fact.any_of)
