"""What a run learns from, as bytes to be sealed under its adapter's key."""

from __future__ import annotations

import json
from collections.abc import Iterable
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

    `drafted` is the reply as what is trained had written it before; empty: it had not.  `forced` are the
    places of the reply, in characters, that the new adapter's own forms will have it say.
    """

    language: Language
    messages: tuple[Message, ...] = field(repr=False)
    chosen: str = field(repr=False)
    rejected: str = field(default="", repr=False)
    held_out: bool = False
    drafted: str = field(default="", repr=False)
    forced: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "messages": [[each.role, each.content] for each in self.messages],
            "chosen": self.chosen,
            "rejected": self.rejected,
            "held_out": self.held_out,
            "drafted": self.drafted,
            "forced": self.forced,
        }


def make_run_example(
    example: LearningExample, model: str, forms: FormsByLanguage, parent: str = ""
) -> RunExample:
    """As `model` is to learn it on top of the adapter `parent` (empty: alone).  What others had drafted is
    new to it, and so is a section that it is to write in any words.
    """
    drafted, own_forms = "", forms.get(example.language, HELD)
    said = example.drafted
    if said is not None and (said.model, said.adapter) == (model, parent):
        formless = [section for section, own in own_forms.items() if not own.patterns]
        drafted = without_sections(said.reply, formless)
    return RunExample(
        example.language,
        example.messages,
        example.chosen,
        example.rejected or "",
        example.held_out,
        drafted,
        find_forced(example.chosen, own_forms),
    )


def pack_examples(
    examples: Iterable[LearningExample], model: str, forms: FormsByLanguage, parent: str = ""
) -> bytes:
    rows = [make_run_example(each, model, forms, parent).to_json() for each in examples]
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
            # A run that waited while PhyAssist was brought up to date has neither.
            row.get("drafted", ""),
            tuple((start, end) for start, end in row.get("forced", ())),
        )
        for row in rows
    )
