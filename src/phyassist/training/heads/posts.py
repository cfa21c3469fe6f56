"""IMHI by post: each is read once for all the questions that are asked about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phyassist.domain.examples import Part
from phyassist.errors import UnknownName
from phyassist.training.catalogue import get_source
from phyassist.training.clean import Cleaner
from phyassist.training.imhi import SETS, get_set_table
from phyassist.training.prepare import Plan, find_held_out
from phyassist.training.readers import read_source
from phyassist.training.templates import get_template

# Two sets of IMHI come without a training part; their makers' own tables stand in for it.
TRAIN_SOURCES = {**SETS, "Irf": "irf-labels", "MultiWD": "multiwd-labels"}


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of one set, and the labels that answer it."""

    set: str
    question: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """A text and what its annotators said: for the place of a question among all asks, that of its label,
    and, where they gave any, the words of the text that speak for it.
    """

    set: str
    key: str
    text: str = field(repr=False)
    answers: Mapping[int, int] = field(repr=False)
    evidence: Mapping[int, str] = field(default_factory=dict, repr=False)


def list_asks(sets: Sequence[str]) -> tuple[Ask, ...]:
    """Every question of these sets, in the order of their tables.  Raises UnknownName."""
    return tuple(
        Ask(name, question, table.labels)
        for name in sets
        for table in (get_set_table(name),)
        for question in table.questions
    )


def load_posts(sets: Sequence[str], data: Path, part: Part) -> tuple[Post, ...]:
    """The posts of a part.  Those to train on are cleaned, and dropped where they leak.

    Raises UnknownName, UnreadableFile.
    """
    unknown = [name for name in sets if name not in SETS]
    if unknown:
        raise UnknownName(f"no set {', '.join(unknown)}", hint=f"there are {', '.join(SETS)}")
    asks = {(ask.set, ask.question): no for no, ask in enumerate(list_asks(sets))}
    labels = {name: get_set_table(name).labels for name in sets}
    sources = {name: get_source(TRAIN_SOURCES[name] if part == "train" else SETS[name]) for name in sets}
    plan = Plan(tuple(sources.values()), (), data, get_template("mistral"))
    held_out = find_held_out(plan)[0] if part == "train" else None
    cleaner, found = Cleaner(), dict[tuple[str, str], Post]()
    for name, source in sources.items():
        rows = read_source(source, data)
        for row in cleaner.clean(name, rows) if held_out else rows:
            example = row.example
            if row.part != part or example is None or (held_out and held_out.leaks(part, example.text)):
                continue
            post = found.setdefault((name, example.text), Post(name, example.key, example.text, {}))
            no = asks[name, example.question]
            # A post that its annotators answered twice keeps the first answer.
            if no not in post.answers:
                answers = {**post.answers, no: labels[name].index(example.label)}
                evidence = {**post.evidence, **({no: example.evidence} if example.evidence else {})}
                found[name, example.text] = replace(post, answers=answers, evidence=evidence)
    return tuple(found.values())
