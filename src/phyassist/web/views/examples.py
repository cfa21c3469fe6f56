"""The examples that an assistant would learn from, in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.learning import LearningExample
from phyassist.web.desk import Desk
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One example in words: what was first written, what was asked, what was kept.

    `is_beyond`: a limit on the size of a run leaves no room for it.
    """

    example_id: str
    patient_id: str
    origin: str
    note: str
    wrote: str = field(repr=False)
    asked: str = field(repr=False)
    kept: tuple[str, ...] = field(repr=False)
    is_left_out: bool
    is_held_out: bool
    is_beyond: bool = False


@dataclass(frozen=True, slots=True)
class ExampleFragment:
    template: ClassVar[str] = "_example.html"
    w: Words
    example: ExampleRow


def view_example(example: LearningExample, desk: Desk, *, is_held_out: bool, is_beyond: bool) -> ExampleRow:
    """In words: of a pair only the item that differs, of a note all its items."""
    chosen, rejected = _list_items(example.chosen), _list_items(example.rejected or "{}")
    asked = json.loads(example.chosen)
    wishes = [
        item["asked"] for rows in asked.values() if isinstance(rows, list) for item in rows if "asked" in item
    ]
    is_pair = example.rejected is not None
    return ExampleRow(
        example_id=example.id,
        patient_id=example.patient_id,
        origin=example.origin.value,
        note=desk.w("assistant.example_note", date=desk.when.date(example.at)),
        wrote=" ".join(text for text in rejected if text not in chosen),
        asked=" ".join(wishes),
        kept=tuple(text for text in chosen if not is_pair or text not in rejected),
        is_left_out=example.left_out,
        is_held_out=is_held_out,
        is_beyond=is_beyond,
    )


def _list_items(reply: str) -> tuple[str, ...]:
    found: list[str] = []
    for value in json.loads(reply).values():
        found += [value] if isinstance(value, str) else [item["text"] for item in value]
    return tuple(found)
