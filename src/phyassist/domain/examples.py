"""One training pair in the form of the app: what was said, what was asked, what a good answer holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from phyassist.domain.messages import Message
from phyassist.domain.people import Language

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Example:
    """Question, category, analysis and advice about a text; what its source lacks stays None or empty.

    `key` names the person, post or conversation: examples of one key never stand in two parts.
    `answer` is the sentence that settles a closed question; `label` is its word in the source's label table;
    `evidence` are the words of the text that its annotators gave for it.
    """

    source: str
    key: str
    language: Language
    text: str = field(repr=False)
    question: str = field(default="", repr=False)
    category: str = field(default="", repr=False)
    analysis: tuple[str, ...] = field(default=(), repr=False)
    advice: tuple[str, ...] = field(default=(), repr=False)
    answer: str = field(default="", repr=False)
    label: str = ""
    evidence: str = field(default="", repr=False)

    @property
    def holds_reply(self) -> bool:
        """Whether there is anything to learn from it."""
        return bool(self.category or self.analysis or self.advice or self.answer)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A model's draft as messages and reply; `faults` names what speaks against learning it."""

    messages: tuple[Message, ...] = field(repr=False)
    reply: str = field(repr=False)
    faults: tuple[str, ...]
