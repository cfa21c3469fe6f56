"""What a run learns from, as bytes to be sealed under its adapter's key."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from phyassist.domain.learning import LearningExample
from phyassist.domain.people import Language
from phyassist.lm.protocol import CONFIG_FILE, GGUF_FILE, WEIGHTS_FILE, Message

EXAMPLES_FILE, CHECKPOINT_FILE = "examples", "checkpoint"
# What is kept of a run that is over.
KEPT_FILES = (CONFIG_FILE, WEIGHTS_FILE, GGUF_FILE)


@dataclass(frozen=True, slots=True)
class RunExample:
    """An ask, the reply to learn, and one that was not kept (empty: there is none)."""

    language: Language
    messages: tuple[Message, ...] = field(repr=False)
    chosen: str = field(repr=False)
    rejected: str = field(default="", repr=False)
    held_out: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "messages": [[each.role, each.content] for each in self.messages],
            "chosen": self.chosen,
            "rejected": self.rejected,
            "held_out": self.held_out,
        }


def pack_examples(examples: Iterable[LearningExample]) -> bytes:
    rows = [
        RunExample(each.language, each.messages, each.chosen, each.rejected or "", each.held_out).to_json()
        for each in examples
    ]
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
        )
        for row in rows
    )
