"""IMHI by whoever answers: a label for every row of a published set, how good they are, and both kept."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from phyassist.domain.examples import Example, Part
from phyassist.errors import BadInput, UnknownName
from phyassist.training.answering import Answerer
from phyassist.training.catalogue import get_source
from phyassist.training.labels import LabelTable, get_table
from phyassist.training.measures import SetScore, score_labels
from phyassist.training.readers import read_source

SETS = {
    "DR": "imhi-dr",
    "dreaddit": "imhi-dreaddit",
    "Irf": "imhi-irf",
    "MultiWD": "imhi-multiwd",
    "SAD": "imhi-sad",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """A row with the label it ought to have, the one it was given, and the whole reply."""

    example: Example = field(repr=False)
    label: str
    scores: Mapping[str, float]
    reply: str = field(repr=False)


def check_sets(names: Sequence[str]) -> None:
    """Raises BadInput where no set is named, UnknownName where there is none of that name."""
    if not names:
        raise BadInput("no set is named", hint=f"there are {', '.join(SETS)}")
    for name in names:
        if name not in SETS:
            raise UnknownName(f"no IMHI set {name}", hint=f"there are {', '.join(SETS)}")


def load_rows(name: str, data: Path, part: Part) -> tuple[Example, ...]:
    """Every row of a published part, as it was published.

    Raises UnknownName, UnreadableFile, BadInput where there is none, or one without a label of the table.
    """
    check_sets([name])
    rows = [row for row in read_source(get_source(SETS[name]), data) if row.part == part]
    examples = tuple(row.example for row in rows if row.example is not None)
    if not rows or len(examples) < len(rows):
        what = (
            f"{len(rows) - len(examples)} of {len(rows)} rows cannot be read" if rows else "there is no row"
        )
        raise BadInput(f"{what} in the {part} part of {name}", hint="use the files as published")
    return examples


def answer_set(
    answerer: Answerer,
    name: str,
    rows: Sequence[Example],
    *,
    explain: bool,
    progress: Callable[[int, int], None],
) -> Iterator[Answered]:
    """Each row's label, and with `explain` its reasoning."""
    said = answerer.answer(name, get_set_table(name), rows, explain=explain)
    # An answerer that was stopped says less; nothing is made up for the rows that are left.
    for no, (example, each) in enumerate(zip(rows, said, strict=False), start=1):
        progress(no, len(rows))
        yield Answered(example, each.label, each.scores, each.reply)


def get_set_table(name: str) -> LabelTable:
    return get_table(get_source(SETS[name]).task)


def score_set(name: str, answered: Sequence[Answered]) -> SetScore:
    """Weighted and macro F1 and accuracy, with 95 % intervals by post."""
    return score_labels(
        name,
        gold=[each.example.label for each in answered],
        said=[each.label for each in answered],
        posts=[each.example.key for each in answered],
        labels=get_set_table(name).labels,
    )


def write_replies(path: Path, answered: Sequence[Answered]) -> None:
    """MentaLLaMA's layout: a CSV with `goldens` and `generated_text`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["goldens", "generated_text"])
        for each in answered:
            golden = " Reasoning: ".join([each.example.answer, *each.example.analysis[:1]])
            writer.writerow([golden, each.reply])


@dataclass(frozen=True, slots=True)
class Judged:
    """A row as it was judged: of which post it is, its true label, and the one it was given (or none)."""

    post: str
    question: str = field(repr=False)
    gold: str
    said: str


def write_labels(path: Path, answered: Sequence[Answered]) -> None:
    """A JSON line a row: post, question, true label, given label, and the scores of all labels."""
    with path.open("w", encoding="utf-8") as file:
        for each in answered:
            row = {
                "post": each.example.key,
                "question": each.example.question,
                "gold": each.example.label,
                "said": each.label,
                "scores": {label: round(score, 4) for label, score in each.scores.items()},
            }
            file.write(json.dumps(row) + "\n")


def load_judged(path: Path) -> tuple[Judged, ...]:
    """What `write_labels` wrote.  Raises BadInput."""
    try:
        with path.open(encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        return tuple(Judged(row["post"], row["question"], row["gold"], row["said"]) for row in rows)
    except FileNotFoundError:
        raise BadInput(
            f"there are no labels at {path}", hint="name a folder that evaluate imhi has made"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} cannot be read", hint="run the evaluation again") from error
