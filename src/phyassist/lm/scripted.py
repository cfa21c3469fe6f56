"""A language model that says what it is told to: for tests, and for looking at the pages without a model."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from phyassist.errors import AdapterMissing, EngineDown, ModelError
from phyassist.lm.client import make_too_long
from phyassist.lm.counting import estimate_prompt_tokens, estimate_tokens
from phyassist.lm.protocol import Ask, Message, Reading, Reply, Stop, Words

PIECE_CHARS = 4

Script = str | Callable[[Ask], str] | ModelError


class ScriptedModel:
    """Answers each ask with the next reply of the queue, in pieces of four characters, a token each.

    A reply is text, a function of the ask, or an error to raise.  `fails_after` raises `error` once, after
    that many pieces of the next reply.  What was asked stands in `asks`, what was warmed in `warmed`.
    """

    def __init__(
        self,
        replies: Iterable[Script] = (),
        *,
        name: str = "scripted",
        context_tokens: int = 8192,
        adapters: Iterable[str] = (),
        fails_after: int | None = None,
        error: ModelError | None = None,
    ) -> None:
        self._replies = deque(replies)
        self._name, self._context_tokens = name, context_tokens
        self._adapters = frozenset(adapters)
        self._fails_after = fails_after
        self._error = error or EngineDown("the engine stopped in the middle of an answer", hint="ask again")
        self.asks: list[Ask] = []
        self.warmed: list[tuple[tuple[Message, ...], str]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def base_sha256(self) -> str:
        return ""

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def write(self, ask: Ask, stop: Stop) -> Iterator[Reading | Words | Reply]:
        """One reading of the whole prompt, the words of the next reply, and the Reply.

        Raises EngineDown when the script has run out, AdapterMissing, PromptTooLong, or the scripted error.
        """
        started = time.monotonic()
        self.asks.append(ask)
        prompt_tokens = self._check(ask)
        pieces = self._next_pieces(ask)
        yield Reading(prompt_tokens, prompt_tokens)
        finish: Literal["done", "length", "stopped"] = "done" if len(pieces) <= ask.reply_tokens else "length"
        said: list[str] = []
        for piece in pieces[: ask.reply_tokens]:
            if stop.is_set():
                finish = "stopped"
                break
            if self._fails_after is not None and len(said) >= self._fails_after:
                self._fails_after = None
                raise self._error
            said.append(piece)
            yield Words(piece)
        yield Reply(
            text="".join(said),
            model=self._name,
            adapter=ask.adapter,
            finish=finish,
            prompt_tokens=prompt_tokens,
            cached_tokens=0,
            reply_tokens=len(said),
            seconds=time.monotonic() - started,
        )

    def count_tokens(self, text: str) -> int:
        return estimate_tokens(text) if text else 0

    def warm(self, messages: tuple[Message, ...], adapter: str = "") -> None:
        self.warmed.append((messages, adapter))

    def _check(self, ask: Ask) -> int:
        if ask.adapter and ask.adapter not in self._adapters:
            raise AdapterMissing(f"adapter {ask.adapter} is not loaded", hint="load it, or ask without it")
        tokens = estimate_prompt_tokens(ask.messages)
        if tokens > self._context_tokens:
            raise make_too_long(self._context_tokens)
        return tokens

    def _next_pieces(self, ask: Ask) -> list[str]:
        if not self._replies:
            raise EngineDown("the script has run out of replies", hint="give the scripted model one more")
        reply = self._replies.popleft()
        if isinstance(reply, ModelError):
            raise reply
        text = reply if isinstance(reply, str) else reply(ask)
        return [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]
