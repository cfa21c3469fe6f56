"""The model's second look, part by part, at the sentences that the first reading left in doubt."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from phyassist.domain.people import Language
from phyassist.domain.reading.reader import Judged, make_statement
from phyassist.domain.reading.sentences import Sentence
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Record, Statement
from phyassist.errors import ModelError
from phyassist.lm.protocol import Ask, LanguageModel, Reply, Stop
from phyassist.prompts.layout import make_messages, make_prefix
from phyassist.prompts.organise import REPLY_TOKENS, make_schema, make_task, parse_picks

_PART_TOKENS = 1500
_SPARE_TOKENS = REPLY_TOKENS + 400
_DOUBT_MIN = 0.05
_DOUBTS_MAX = 24


@dataclass(frozen=True, slots=True)
class Setting:
    """What a prompt is laid out with, and the moment (of the monotonic clock) by which reading must end."""

    language: Language
    known: Record
    until_s: float


@dataclass(frozen=True, slots=True)
class PartRead:
    """Part `part` of `parts`: `statements` is None when it begins, what it added when it is read."""

    part: int
    parts: int
    statements: tuple[Statement, ...] | None = field(default=None, repr=False)


def list_doubts(judged: Sequence[Judged], statements: Sequence[Statement]) -> set[int]:
    """Numbers of the sentences that may belong in the record and are not in it, the likeliest few."""
    taken = [statement.span for statement in statements if not statement.kind]
    left = [
        item
        for item in judged
        if item.sentence.speaker != Speaker.COUNSELLOR
        and item.keep >= _DOUBT_MIN
        and not any(
            span.start < item.sentence.span.end and item.sentence.span.start < span.end for span in taken
        )
    ]
    return {item.sentence.no for item in sorted(left, key=lambda item: -item.keep)[: _DOUBTS_MAX * 4]}


@dataclass(frozen=True, slots=True)
class _Until:
    """Set when the reader has stopped it or the time is over, so that no single answer outlasts the limit."""

    stop: Stop
    until_s: float

    def is_set(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self.until_s


class SecondReading:
    """The model looks over the sentences in doubt, part by part; each part begins as the last one ended.

    The prompt grows at its end, so the engine reads every word of the text once, and what it has read
    serves the analysis that follows.
    """

    def __init__(
        self,
        text: str,
        lm: LanguageModel,
        sentences: Sequence[Sentence],
        doubts: set[int],
        setting: Setting,
    ) -> None:
        self._text, self._lm, self._sentences, self._doubts = text, lm, sentences, doubts
        self._language, self._known, self._until_s = setting.language, setting.known, setting.until_s
        self.tokens = 0
        self.unread: list[str] = []

    def read(self, stop: Stop) -> Iterator[PartRead]:
        stop = _Until(stop, self._until_s)
        try:
            parts = self._cut_parts()
            for no, (shown, new) in enumerate(parts, start=1):
                yield PartRead(no, len(parts))
                if stop.is_set():
                    self.unread.append(f"parts {no} to {len(parts)}: not read a second time")
                    return
                yield PartRead(no, len(parts), self._ask(no, shown, new, stop))
        except ModelError as error:
            # What rules and classifier found stands without the model.
            self.unread.append(error.what)

    def _cut_parts(self) -> list[tuple[list[Sentence], list[Sentence]]]:
        """For each part: the sentences its prompt shows, and those of them that are new in it."""
        room = self._lm.context_tokens - _SPARE_TOKENS
        head = self._lm.count_tokens(self._prefix(())) if self._known.lines else 0
        parts: list[tuple[list[Sentence], list[Sentence]]] = []
        shown: list[Sentence] = []
        new: list[Sentence] = []
        shown_tokens, new_tokens = head, 0
        for sentence in self._sentences:
            tokens = self._lm.count_tokens(sentence.text) + 8
            if new and new_tokens + tokens > _PART_TOKENS:
                parts.append((list(shown), new))
                new, new_tokens = [], 0
            if shown and shown_tokens + tokens > room:
                shown, shown_tokens = list(new), head + new_tokens
            shown.append(sentence)
            new.append(sentence)
            shown_tokens, new_tokens = shown_tokens + tokens, new_tokens + tokens
        return [*parts, (list(shown), new)] if new else parts

    def _prefix(self, sentences: Sequence[Sentence]) -> str:
        return make_prefix(language=self._language, record=self._known, notes=(), sentences=sentences)

    def _ask(
        self, no: int, shown: Sequence[Sentence], new: Sequence[Sentence], stop: Stop
    ) -> tuple[Statement, ...]:
        numbers = [sentence.no for sentence in new if sentence.no in self._doubts][:_DOUBTS_MAX]
        if not numbers:
            return ()
        messages = make_messages(
            language=self._language, prefix=self._prefix(shown), task=make_task(self._language, numbers)
        )
        ask = Ask(messages, REPLY_TOKENS, make_schema(self._language, numbers))
        reply = next(event for event in self._lm.write(ask, stop) if isinstance(event, Reply))
        self.tokens += reply.prompt_tokens - reply.cached_tokens + reply.reply_tokens
        if reply.finish == "stopped":
            self.unread.append(f"part {no}: not finished in time")
            return ()
        picks = parse_picks(reply.text, self._language, numbers)
        if picks.why_unread:
            self.unread.append(f"part {no}: {picks.why_unread}")
        lines = [
            make_statement(self._text, sentence, picks.by_number[sentence.no])
            for sentence in new
            if sentence.no in picks.by_number
        ]
        return tuple(line for line in lines if line is not None)
