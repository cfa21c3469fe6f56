"""A model that answers with one adapter whatever it is asked, and one whose replies are noted down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from phyassist.lm.protocol import Ask, LanguageModel, Message, Reading, Reply, Stop, Waiting, Words


@dataclass(frozen=True, slots=True)
class WithAdapter:
    """A LanguageModel over another; an ask that names an adapter of its own keeps it."""

    lm: LanguageModel
    adapter: str

    @property
    def name(self) -> str:
        return self.lm.name

    @property
    def base_sha256(self) -> str:
        return self.lm.base_sha256

    @property
    def context_tokens(self) -> int:
        return self.lm.context_tokens

    def write(self, ask: Ask, stop: Stop) -> Iterator[Waiting | Reading | Words | Reply]:
        """As `LanguageModel.write` says.  Raises AdapterMissing where the engine has not loaded it."""
        yield from self.lm.write(replace(ask, adapter=ask.adapter or self.adapter), stop)

    def count_tokens(self, text: str) -> int:
        return self.lm.count_tokens(text)

    def warm(self, messages: tuple[Message, ...], adapter: str = "") -> None:
        self.lm.warm(messages, adapter or self.adapter)


@dataclass(frozen=True, slots=True)
class AskingAgain(WithAdapter):
    """The same, asked so that another reply comes than the first one at temperature 0."""

    temperature: float

    def write(self, ask: Ask, stop: Stop) -> Iterator[Waiting | Reading | Words | Reply]:
        """As `LanguageModel.write` says."""
        other = replace(ask, temperature=self.temperature, seed=ask.seed + 1)
        yield from WithAdapter.write(self, other, stop)


@dataclass(frozen=True, slots=True)
class Listening(WithAdapter):
    """The same, with whatever adapter an ask names; `heard` are all asks with the texts of their replies."""

    adapter: str = ""
    heard: list[tuple[Ask, str]] = field(default_factory=list, repr=False)

    def write(self, ask: Ask, stop: Stop) -> Iterator[Waiting | Reading | Words | Reply]:
        """As `LanguageModel.write` says."""
        for event in WithAdapter.write(self, ask, stop):
            if isinstance(event, Reply):
                self.heard.append((ask, event.text))
            yield event

    @property
    def said(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.heard)
