"""What happens while an answer is written, as values that pages and the command line show."""

from __future__ import annotations

from dataclasses import dataclass, field

from phyassist.domain.chats import ChatMessage
from phyassist.lm.protocol import Reading, Waiting


@dataclass(frozen=True, slots=True)
class Condensing:
    """The conversation has grown too long for the model: its main points take its place in the prompt."""


@dataclass(frozen=True, slots=True)
class AnswerSoFar:
    """The whole answer as far as it has come, ready to be shown."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnswerWritten:
    """The answer as it is stored.

    `first_s` are the seconds until its first words, `read_tokens` what the engine had to read for it; the
    rest of the prompt it had read before.
    """

    message: ChatMessage
    first_s: float = 0.0
    read_tokens: int = 0


ChatEvent = Reading | Waiting | Condensing | AnswerSoFar | AnswerWritten
