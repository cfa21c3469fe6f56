"""The cases that ship with the package: a text in our own words, what is said in it, and what is not.

Quality is measured on them, so no adapter is ever trained on one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from phyassist.domain.people import Language
from phyassist.domain.quality import QualityCase
from phyassist.domain.records import RecordField, Statement
from phyassist.domain.scores import Fact, LabelledText

FOLDER = Path(str(files("phyassist").joinpath("data/cases")))
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@dataclass(frozen=True, slots=True)
class CaseFact:
    """Found when a statement of one of `fields` holds one of `says`."""

    fields: tuple[RecordField, ...]
    says: tuple[str, ...] = field(repr=False)
    quote: str = field(repr=False)
    kind: str = ""

    def is_in(self, statements: tuple[Statement, ...], *, anywhere: bool = False) -> bool:
        """Whether a statement says it, in one of its fields or `anywhere` in the record."""
        return any(
            (anywhere or one.field in self.fields)
            and any(word in f"{one.text} {one.quote}".lower() for word in self.says)
            for one in statements
        )


@dataclass(frozen=True, slots=True)
class CaseItem:
    """A line of the draft that a counsellor might write for this case."""

    section: str
    text: str = field(repr=False)
    quote: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    name: str = field(repr=False)
    language: Language
    text: str = field(repr=False)
    question: str = field(repr=False)
    question_says: tuple[str, ...] = field(repr=False)
    facts: tuple[CaseFact, ...] = field(repr=False)
    absent: tuple[str, ...] = field(repr=False)
    items: tuple[CaseItem, ...] = field(repr=False)

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.txt"

    def to_quality(self) -> QualityCase:
        """The case as the scorers of quality read it."""
        facts = tuple(Fact(fact.kind, fact.says) for fact in self.facts)
        absent = tuple(Fact("", (word,)) for word in self.absent)
        label = LabelledText(self.name, "cases", 0, self.language, facts, absent)
        return QualityCase(label, self.text, self.question)


@cache
def load_case(name: str) -> Case:
    """The case of that name, from its two files."""
    value = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Case(
        name=name,
        language=value["language"],
        text=(FOLDER / f"{name}.txt").read_text(encoding="utf-8"),
        question=value["question"],
        question_says=tuple(value["question_says"]),
        facts=tuple(
            CaseFact(
                tuple(RecordField(name) for name in one["fields"]),
                tuple(word.lower() for word in one["says"]),
                one["quote"],
                one.get("kind", ""),
            )
            for one in value["facts"]
        ),
        absent=tuple(word.lower() for word in value["absent"]["words"]),
        items=tuple(CaseItem(one["section"], one["text"], one.get("quote", "")) for one in value["items"]),
    )
