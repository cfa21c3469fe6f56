"""What a run learns from, as bytes to be sealed under its adapter's key."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from phyassist.domain.adapters import HELD, FormsByLanguage
from phyassist.domain.learning import LearningExample
from phyassist.domain.people import Language
from phyassist.lm.protocol import CONFIG_FILE, GGUF_FILE, WEIGHTS_FILE, Message
from phyassist.prompts.draft import without_sections
from phyassist.prompts.forms import find_forced

EXAMPLES_FILE, CHECKPOINT_FILE = "examples", "checkpoint"
# What is kept of a run that is over.
KEPT_FILES = (CONFIG_FILE, WEIGHTS_FILE, GGUF_FILE)


@dataclass(frozen=True, slots=True)
class RunExample:
    """An ask, the reply to learn, and one that was not kept (empty: there is none).

    `drafted` is the reply as it had been written before, by what is trained or by the adapter `author`;
    empty: nobody who can be asked had.  `forced` are the places of the reply, in characters, that the new
    adapter's own forms will have it say.  `drafter` is the adapter that the model drafted it with, whether
    that can be asked or not; empty: alone; None: another model did, or nobody.
    """

    language: Language
    messages: tuple[Message, ...] = field(repr=False)
    chosen: str = field(repr=False)
    rejected: str = field(default="", repr=False)
    held_out: bool = False
    drafted: str = field(default="", repr=False)
    author: str = field(default="", repr=False)
    forced: tuple[tuple[int, int], ...] = ()
    drafter: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "messages": [[each.role, each.content] for each in self.messages],
            "chosen": self.chosen,
            "rejected": self.rejected,
            "held_out": self.held_out,
            "drafted": self.drafted,
            "author": self.author,
            "forced": self.forced,
            "drafter": self.drafter,
        }


def make_run_example(
    example: LearningExample,
    model: str,
    forms: FormsByLanguage,
    parent: str = "",
    authors: Container[str] = (),
) -> RunExample:
    """As `model` is to learn it on top of the adapter `parent` (empty: alone).  What was drafted neither so
    nor by one of the `authors` is new to it, and so is a section that it is to write in any words.
    """
    drafted, own_forms = "", forms.get(example.language, HELD)
    said = example.drafted if example.drafted is not None and example.drafted.model == model else None
    if said is not None and (said.adapter == parent or said.adapter in authors):
        formless = [section for section, own in own_forms.items() if not own.patterns]
        drafted = without_sections(said.reply, formless)
    return RunExample(
        example.language,
        example.messages,
        example.chosen,
        example.rejected or "",
        example.held_out,
        drafted,
        said.adapter if said is not None and drafted and said.adapter != parent else "",
        find_forced(example.chosen, own_forms),
        None if said is None else said.adapter,
    )


def pack_examples(
    examples: Iterable[LearningExample],
    model: str,
    forms: FormsByLanguage,
    parent: str = "",
    authors: Container[str] = (),
) -> bytes:
    rows = [make_run_example(each, model, forms, parent, authors).to_json() for each in examples]
    return json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")


def unpack_examples(data: bytes) -> tuple[RunExample, ...]:
    rows = json.loads(data.decode("utf-8", "surrogatepass"))
    return tuple(
        RunExample(
            row["language"],
            tuple(Message(role, content) for role, content in row["messages"]),
            row["chosen"],
            row["rejected"],
            row["held_out"],
            # A run that waited while PhyAssist was brought up to date has none of these.
            row.get("drafted", ""),
            row.get("author", ""),
            tuple((start, end) for start, end in row.get("forced", ())),
            row.get("drafter"),
        )
        for row in rows
    )
