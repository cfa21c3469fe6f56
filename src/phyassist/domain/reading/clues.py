"""What a rule found in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clue:
    """`value` as it will be shown; the words it rests on stand at `start` to `end` of the sentence.

    The surer of two clues of one kind wins: 3 = said outright of oneself, 2 = plain from the wording,
    1 = only where nothing better is said.
    """

    kind: str
    value: str = field(repr=False)
    start: int
    end: int
    sureness: int
