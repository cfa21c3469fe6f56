"""How far two labellings of the same texts agree: facts found by both, and kappa of the kind they are given.

    python benchmarks/agreement.py --data ../shared/data [--json]

The first labels are `organise_test.jsonl`, the second `organise_second.jsonl`, made from 24 of the same texts
without sight of the first.  Two facts are the same where a wording of one overlaps a wording of the other in
the text itself; each reader's facts are matched against the other's, so the share found is given both ways.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from phyassist.domain.scores import Fact, LabelledText
from phyassist.services.evaluating import DATA_FOLDER, load_labels, load_texts


@dataclass(frozen=True, slots=True)
class Matched:
    """Of `first` facts of the one and `second` of the other, how many the other has too."""

    first: int
    first_found: int
    second: int
    second_found: int

    @property
    def f1(self) -> float:
        if not (self.first_found and self.second_found):
            return 0.0
        one, other = self.first_found / self.first, self.second_found / self.second
        return 2 * one * other / (one + other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_FOLDER)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    second = load_labels("second")
    texts = load_texts(options.data, second)
    by_id = {label.id: label for label in load_labels("test")}
    pairs = [(by_id[label.id], label, texts[label.id].lower()) for label in second]
    kinds = sorted({fact.kind for one, other, _ in pairs for fact in (*one.facts, *other.facts)})
    table = {}
    for language in ("", "zh", "en"):
        some = [pair for pair in pairs if language in ("", pair[0].language)]
        rows = {kind: compare(some, kind) for kind in kinds}
        rows["all, same kind"] = add(rows.values())
        rows["all, any kind"] = compare(some, "")
        table[language or "all"] = rows
    kappa, both = compare_kinds(pairs)
    if options.json:
        print(json.dumps(_to_json(table, kappa, both), ensure_ascii=False, indent=2))
        return
    for language, rows in table.items():
        print(f"\n{language}")
        for kind, row in rows.items():
            print(
                f"  {kind:16} first found by second {row.first_found}/{row.first}"
                f"   second found by first {row.second_found}/{row.second}   F1 {row.f1:.2f}"
            )
    print(f"\nkind of the facts that both have: {both} pairs, Cohen's kappa {kappa:.2f}")


def compare(pairs: Sequence[tuple[LabelledText, LabelledText, str]], kind: str) -> Matched:
    """Both ways, facts of `kind` against facts of the same kind; without one, any against any."""
    counts = [0, 0, 0, 0]
    for one, other, text in pairs:
        mine = [fact for fact in one.facts if kind in ("", fact.kind)]
        theirs = [fact for fact in other.facts if kind in ("", fact.kind)]
        counts[0] += len(mine)
        counts[1] += sum(any(is_same(fact, each, text) for each in theirs) for fact in mine)
        counts[2] += len(theirs)
        counts[3] += sum(any(is_same(fact, each, text) for each in mine) for fact in theirs)
    return Matched(*counts)


def compare_kinds(pairs: Sequence[tuple[LabelledText, LabelledText, str]]) -> tuple[float, int]:
    """Cohen's kappa (1960) of the kinds given to what both readers have, and how many such facts there are.

    Each fact of the first is paired with the one of the second that shares most of its text.
    """
    given: list[tuple[str, str]] = []
    for one, other, text in pairs:
        for fact in one.facts:
            shared = [(overlap(fact, each, text), each.kind) for each in other.facts]
            best = max(shared, key=lambda item: (item[0], item[1] == fact.kind), default=(0, ""))
            if best[0]:
                given.append((fact.kind, best[1]))
    agreed = sum(a == b for a, b in given) / len(given)
    mine, theirs = Counter(a for a, _ in given), Counter(b for _, b in given)
    chance = sum(mine[kind] * theirs[kind] for kind in mine) / len(given) ** 2
    return (agreed - chance) / (1 - chance), len(given)


def is_same(fact: Fact, other: Fact, text: str) -> bool:
    return overlap(fact, other, text) > 0


def overlap(fact: Fact, other: Fact, text: str) -> int:
    """How many characters of the text wordings of both facts cover."""
    return len(cover(fact, text) & cover(other, text))


def cover(fact: Fact, text: str) -> set[int]:
    return {
        at
        for words in fact.any_of
        for match in re.finditer(re.escape(words.lower()), text)
        for at in range(match.start(), match.end())
    }


def add(rows: Iterable[Matched]) -> Matched:
    rows = list(rows)
    return Matched(
        sum(row.first for row in rows),
        sum(row.first_found for row in rows),
        sum(row.second for row in rows),
        sum(row.second_found for row in rows),
    )


def _to_json(table: dict[str, dict[str, Matched]], kappa: float, both: int) -> dict[str, object]:
    rows = {
        language: {
            kind: {
                "first": row.first,
                "first_found_by_second": row.first_found,
                "second": row.second,
                "second_found_by_first": row.second_found,
                "f1": round(row.f1, 3),
            }
            for kind, row in rows.items()
        }
        for language, rows in table.items()
    }
    return {"facts": rows, "kappa_of_kind": round(kappa, 3), "facts_in_both": both}


if __name__ == "__main__":
    main()
