"""How fast a model reads and writes on this computer."""

from __future__ import annotations

import time
from dataclasses import dataclass

from phyassist.lm.protocol import Ask, LanguageModel, Message, Never, Reply, Words

_LINE = "{no}. On that day she slept four hours, ate little, went to school late and spoke with nobody.\n"
_TASK = "Write a long story about the sea."


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second of reading and of writing, and seconds to the first word, cold and warm."""

    prompt_tokens: int
    reply_tokens: int
    read_per_s: float
    write_per_s: float
    cold_first_s: float
    warm_first_s: float
    warm_cached_tokens: int


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer, with the seconds to its first word and the writing speed after it."""

    reply: Reply
    first_s: float
    write_per_s: float


def measure_speed(
    lm: LanguageModel, *, prompt_tokens: int = 1000, reply_tokens: int = 64, nonce: str
) -> Speed:
    """Ask a question on a text of about `prompt_tokens`, then another on the same text.

    `nonce` stands at the text's beginning: one that was not used before makes the first question cold.
    Raises what `lm.write` raises.
    """
    text = make_text(lm, prompt_tokens, nonce)
    cold = time_answer(lm, f"{text}\n{_TASK}", reply_tokens)
    warm = time_answer(lm, f"{text}\nWrite a long letter to a friend.", reply_tokens)
    read_tokens = cold.reply.prompt_tokens - cold.reply.cached_tokens
    return Speed(
        prompt_tokens=cold.reply.prompt_tokens,
        reply_tokens=cold.reply.reply_tokens,
        read_per_s=read_tokens / cold.first_s,
        write_per_s=max(cold.write_per_s, warm.write_per_s),
        cold_first_s=cold.first_s,
        warm_first_s=warm.first_s,
        warm_cached_tokens=warm.reply.cached_tokens,
    )


def make_text(lm: LanguageModel, tokens: int, nonce: str) -> str:
    """A dull text of about so many tokens that begins with `nonce`."""
    per_line = lm.count_tokens(_LINE.format(no=100))
    lines = (_LINE.format(no=no) for no in range(1, max(1, tokens // per_line) + 1))
    return nonce + "\n" + "".join(lines)


def time_answer(lm: LanguageModel, text: str, reply_tokens: int) -> Timed:
    """Ask and take the times; a reading that is not a word counts towards the first word."""
    started = time.perf_counter()
    first = last = 0.0
    reply: Reply | None = None
    for event in lm.write(Ask((Message("user", text),), reply_tokens=reply_tokens), Never()):
        now = time.perf_counter() - started
        if isinstance(event, Words):
            first, last = first or now, now
        elif isinstance(event, Reply):
            reply = event
    assert reply is not None  # noqa: S101  # the protocol's last event
    wrote_s = last - first
    return Timed(reply, first or reply.seconds, (reply.reply_tokens - 1) / wrote_s if wrote_s > 0 else 0.0)
