"""What PhyAssist asks of a language model, whoever serves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from phyassist.domain.messages import Message

# Whoever asks a model takes all that an ask is made of from here.
__all__ = [
    "CONFIG_FILE",
    "GGUF_FILE",
    "WEIGHTS_FILE",
    "Ask",
    "ForgetsPrompts",
    "LanguageModel",
    "Message",
    "Never",
    "ReadFile",
    "Reading",
    "Reply",
    "Stop",
    "TakesAdapters",
    "Words",
]


class Stop(Protocol):
    """Anything with `is_set()`; a `threading.Event` will do."""

    def is_set(self) -> bool: ...


class Never:
    """A stop that never comes."""

    def is_set(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.  `schema` is a JSON schema that the reply must satisfy; `adapter` a name on the shelf.

    A reply is one of `choices`, where there are any, or with `goes_on` begins as one of them; a server that
    cannot hold a model to that writes freely.
    """

    messages: tuple[Message, ...] = field(repr=False)
    reply_tokens: int
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    adapter: str = ""
    temperature: float = 0.0
    seed: int = 0
    choices: tuple[str, ...] = field(default=(), repr=False)
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of the reply, as it comes."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The engine answers somebody else: so many are served before."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The engine is reading the prompt: `read` of `total` tokens so far."""

    read: int
    total: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole reply.  `adapter` is the one the engine says it used; `cached_tokens` were not read anew."""

    text: str = field(repr=False)
    model: str
    adapter: str
    finish: Literal["done", "length", "stopped"]
    prompt_tokens: int
    cached_tokens: int
    reply_tokens: int
    seconds: float


# The files of an adapter: peft's two, and the engine's one.
CONFIG_FILE, WEIGHTS_FILE, GGUF_FILE = "adapter_config.json", "adapter_model.safetensors", "adapter.gguf"
# Gives a file's bytes by its name, when they are needed.
ReadFile = Callable[[str], bytes]


@runtime_checkable
class ForgetsPrompts(Protocol):
    """A model whose server keeps what it has read, adapters among it, and can be told to let go of all that.

    Comes back at once.
    """

    def forget_prompts(self) -> None: ...


@runtime_checkable
class TakesAdapters(Protocol):
    """A model whose server takes adapters while it runs."""

    def has_adapter(self, name: str) -> bool:
        """Whether it answers with this adapter where it is asked to.  Raises EngineDown, ServerRefused."""
        ...

    def take_adapter(self, name: str, read: ReadFile) -> None:
        """Answer with this adapter too; no answer that is being written breaks off.

        Raises AdapterMissing, ModelDamaged, EngineDown, ServerRefused.
        """
        ...


class LanguageModel(Protocol):
    """A served model.  `base_sha256` is empty where nobody said which file a server has."""

    @property
    def name(self) -> str: ...
    @property
    def base_sha256(self) -> str: ...
    @property
    def context_tokens(self) -> int: ...

    def write(self, ask: Ask, stop: Stop) -> Iterator[Waiting | Reading | Words | Reply]:
        """Places in the queue, readings (where the engine tells), then words, then exactly one Reply.

        A set `stop` ends the reply early (`finish="stopped"`) and frees the engine.
        Raises EngineDown, ServerRefused, AdapterMissing, PromptTooLong.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` in this model's own vocabulary (an estimate from above where it is unknown)."""
        ...

    def warm(self, messages: tuple[Message, ...], adapter: str = "") -> None:
        """Have the engine read the beginning of a prompt in advance; returns when it is read.

        Readers of the same beginning then start at once.  Gives way: a `write` that arrives is served first.
        """
        ...
