"""The cases: a text, what is said in it, and what is not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from phyassist.domain.people import Language
from phyassist.domain.records import RecordField, Statement

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@dataclass(frozen=True, slots=True)
class Fact:
    """Found when a statement of one of `fields` holds one of `says`."""

    fields: tuple[RecordField, ...]
    says: tuple[str, ...]
    quote: str
    kind: str = ""

    def is_in(self, statements: tuple[Statement, ...], *, anywhere: bool = False) -> bool:
        """Whether a statement says it, in one of its fields or `anywhere` in the record."""
        return any(
            (anywhere or one.field in self.fields)
            and any(word in f"{one.text} {one.quote}".lower() for word in self.says)
            for one in statements
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the draft that a counsellor might write for this case."""

    section: str
    text: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    language: Language
    text: str
    question: str
    question_says: tuple[str, ...]
    facts: tuple[Fact, ...]
    absent: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.txt"


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
            Fact(
                tuple(RecordField(name) for name in one["fields"]),
                tuple(word.lower() for word in one["says"]),
                one["quote"],
                one.get("kind", ""),
            )
            for one in value["facts"]
        ),
        absent=tuple(word.lower() for word in value["absent"]["words"]),
        items=tuple(Item(one["section"], one["text"], one.get("quote", "")) for one in value["items"]),
    )
