"""How often a reason gets the quote that it rests on, and how often one that nobody said gets none.

    python benchmarks/grounding.py [--sweep]

120 reasons over eight texts of `src/phyassist/data/cases`, written by hand beside the words they rest on, or
with none (`labels/grounding.jsonl`).  The thresholds of `prompts/grounding.py` are set on four of the texts
and scored on the other four.  Each reason is tried three times, as the model may name the sentence it thinks
of: rightly, wrongly, or not at all.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from phyassist.domain.reading.sentences import Sentence, split_sentences
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.scores import Share
from phyassist.prompts.grounding import LIMITS, Limits, find_ground

LABELS = Path(__file__).parent / "labels" / "grounding.jsonl"
CASES = Path(__file__).parent.parent / "src" / "phyassist" / "data" / "cases"
SET_ON = (
    "zh-final-year-again",
    "zh-long-sleeves",
    "en-not-the-same-since-the-move",
    "en-two-cups",
)
NAMINGS = ("right", "wrong", "none")


@dataclass(frozen=True, slots=True)
class Try:
    """A reason, the sentences of its text, those its quote stands in, and the number that a model names."""

    case: str
    reason: str
    sentences: tuple[Sentence, ...]
    right: frozenset[int]
    named: int
    naming: str

    @property
    def language(self) -> str:
        return self.case[:2]


@dataclass(frozen=True, slots=True)
class Scored:
    """Of supported reasons: quoted rightly, quoted wrongly; of the others: left without a quote."""

    right: Share
    wrong: Share
    left: Share

    @property
    def value(self) -> float:
        """Supported and unsupported weigh the same; a wrong quote costs as much as a right one gains."""
        return (self.right.value - self.wrong.value + self.left.value) / 2

    def to_json(self) -> dict[str, float | int]:
        return {
            "supported": self.right.of,
            "quoted_rightly": self.right.hits,
            "quoted_wrongly": self.wrong.hits,
            "unsupported": self.left.of,
            "left_without_quote": self.left.hits,
            **({"value": round(self.value, 3)} if self.left.of else {}),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweep", action="store_true", help="Try other limits on the first half.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tries = tuple(load_tries())
    if options.sweep:
        sweep([each for each in tries if each.case in SET_ON])
        return
    halves = {"set on": [], "scored on": []}
    for each in tries:
        halves["set on" if each.case in SET_ON else "scored on"].append(each)
    table = {
        f"{half}, {language or 'both'}, named {naming or 'any way'}": score(
            [each for each in some if language in ("", each.language) and naming in ("", each.naming)], LIMITS
        )
        for half, some in halves.items()
        for language in ("zh", "en", "")
        for naming in (*NAMINGS, "")
    }
    if options.json:
        print(json.dumps({name: row.to_json() for name, row in table.items()}, ensure_ascii=False, indent=2))
        return
    for name, row in table.items():
        print(
            f"{name:40} right {row.right.hits}/{row.right.of}   wrong {row.wrong.hits}"
            f"   none where none is due {row.left.hits}/{row.left.of}"
            + (f"   value {row.value:.3f}" if row.left.of else "")
        )


def load_tries() -> Iterator[Try]:
    """Every reason as a model may hand it over; the wrong sentence named is another one of the client's."""
    for no, line in enumerate(LABELS.read_text("utf-8").splitlines(), start=1):
        row = json.loads(line)
        text = (CASES / f"{row['case']}.txt").read_text("utf-8")
        sentences = split_sentences(text)
        start = text.index(row["quote"])
        end = start + len(row["quote"])
        right = frozenset(
            each.no for each in sentences if row["quote"] and each.span.start < end and start < each.span.end
        )
        others = [
            each.no for each in sentences if each.speaker != Speaker.COUNSELLOR and each.no not in right
        ]
        for naming, named in zip(
            NAMINGS, (min(right, default=0), others[no * 7 % len(others)], 0), strict=True
        ):
            if right or naming != "right":
                yield Try(row["case"], row["reason"], sentences, right, named, naming)


def score(tries: Sequence[Try], limits: Limits) -> Scored:
    quoted = wrong = due = left = none = 0
    for each in tries:
        ground = find_ground(each.reason, each.named, each.sentences, limits)
        if each.right:
            due += 1
            quoted += ground is not None and ground.no in each.right
            wrong += ground is not None and ground.no not in each.right
        else:
            none += 1
            left += ground is None
    return Scored(Share(quoted, due), Share(wrong, due), Share(left, none))


def sweep(tries: Sequence[Try]) -> None:
    """The ten best limits of a grid."""
    grid = itertools.product(
        (0.1, 0.12, 0.15, 0.18, 0.2, 0.25, 0.3), (0.0, 0.05, 0.1, 0.15), (5, 8, 12), (0, 0.3, 0.5)
    )
    tried = [(score(tries, limits), limits) for limits in (Limits(*values) for values in grid)]
    for row, limits in sorted(tried, key=lambda item: -item[0].value)[:10]:
        print(f"{row.value:.3f}   {limits}")


if __name__ == "__main__":
    main()
