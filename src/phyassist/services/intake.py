"""From a raw text to statements: reading what was poured in, checking every quote, asking the model what is left."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.people import Language
from phyassist.domain.reading.classifier import LinearReader
from phyassist.domain.reading.question import find_question
from phyassist.domain.reading.reader import Judged, judge, make_statement, read_statements
from phyassist.domain.reading.sentences import Sentence, split_sentences
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import Record, Span, Statement
from phyassist.errors import EmptyText, ModelError, TextTooLong
from phyassist.lm.protocol import Ask, LanguageModel, Reply, Stop
from phyassist.prompts.layout import make_messages, make_prefix
from phyassist.prompts.organise import REPLY_TOKENS, make_schema, make_task, parse_picks
from phyassist.services.uploads import UPLOAD_BYTES_MAX, read_file

TEXT_CHARS_MAX = 200_000
# A second reading that is not done by then is left: the counsellor waits no longer than a minute and a half.
SECOND_READING_S = 75.0
_PART_TOKENS = 1500
_SPARE_TOKENS = REPLY_TOKENS + 400
_DOUBT_MIN = 0.05
_DOUBTS_MAX = 24


@dataclass(frozen=True, slots=True)
class Progress:
    """Part `part` of `parts` is being read; parts count from 1."""

    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class StatementsFound:
    """New statements, each quote verbatim at its span of the source."""

    statements: tuple[Statement, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuestionFound:
    """What the client wants to know, in the words of the source; the opening complaint where nothing is asked."""

    text: str = field(repr=False)
    quote: str = field(repr=False)
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class OrganiseDone:
    """Everything found.  `tokens` were read and written by the model; `unread` says why parts of it were not usable."""

    statements: tuple[Statement, ...] = field(repr=False)
    question: str = field(repr=False)
    tokens: int
    seconds: float
    unread: tuple[str, ...] = field(default=(), repr=False)


OrganiseEvent = Progress | StatementsFound | QuestionFound | OrganiseDone


@lru_cache(maxsize=1)
def load_reader() -> LinearReader:
    """The sentence classifier that ships with the package."""
    packed = files("phyassist").joinpath("data/organise_reader.json.gz").read_bytes()
    body = json.loads(gzip.decompress(packed))
    return LinearReader(tuple(body["bias"]), {name: tuple(row) for name, row in body["weights"].items()})


def check_text(text: str) -> None:
    """Raises EmptyText where no word is said, TextTooLong past the limit: nothing is ever cut in silence."""
    if not any(char.isalnum() for char in text):
        raise EmptyText("the text holds no words", hint="paste or type what was said")
    if len(text) > TEXT_CHARS_MAX:
        raise TextTooLong(
            f"the text has {len(text):,} characters and {TEXT_CHARS_MAX:,} can be organised at once",
            hint="split it, one consultation at a time",
        )


def read_upload(file_name: str, data: bytes, *, bytes_max: int = UPLOAD_BYTES_MAX) -> str:
    """The text of an uploaded file (txt, md, docx, pdf; any usual encoding), checked as pasted text is.

    Raises UnreadableFile, EmptyText, TextTooLong.
    """
    text = read_file(file_name, data, bytes_max=bytes_max)
    check_text(text)
    return text


def organise_text(
    text: str, lm: LanguageModel | None, *, language: Language, known: Record, stop: Stop
) -> Iterator[OrganiseEvent]:
    """The statements and the question of a text, the first within a second; touches no store.

    The model is asked only where measurements say that it may add something (`docs/results/organise.md`).
    Raises EmptyText, TextTooLong.
    """
    asked = lm if lm is not None and is_worth_asking(lm.name) else None
    yield from read_text(text, asked, language=language, known=known, stop=stop)


def is_worth_asking(model_name: str) -> bool:
    """False for the models that were measured to add nothing to rules and classifier."""
    body = json.loads(files("phyassist").joinpath("data/organise_models.json").read_text("utf-8"))
    return model_name not in body["adds_nothing"]


def read_text(
    text: str, lm: LanguageModel | None, *, language: Language, known: Record, stop: Stop
) -> Iterator[OrganiseEvent]:
    """As `organise_text`, with a second reading by `lm` whichever it is; none without one."""
    check_text(text)
    started = time.monotonic()
    sentences = split_sentences(text)
    yield Progress(1, 1)
    judged = judge(sentences, load_reader())
    statements = check_quotes(text, read_statements(text, sentences, judged))
    if statements:
        yield StatementsFound(statements)
    question = find_question(text, judged)
    asked = " ".join(question.quote.split()) if question is not None else ""
    if question is not None:
        yield QuestionFound(asked, question.quote, question.span)
    tokens, unread = 0, []
    if lm is not None:
        doubts = _list_doubts(judged, statements)
        reading = _SecondReading(text, lm, language, known, sentences, doubts, started + SECOND_READING_S)
        for event in reading.read(stop):
            if isinstance(event, StatementsFound):
                statements += event.statements
            yield event
        tokens, unread = reading.tokens, reading.unread
    yield OrganiseDone(statements, asked, tokens, time.monotonic() - started, tuple(unread))


def _list_doubts(judged: Sequence[Judged], statements: Sequence[Statement]) -> set[int]:
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


class _SecondReading:
    """The model looks over the sentences in doubt, part by part; each part begins as the last one ended.

    The prompt grows at its end, so the engine reads every word of the text once, and what it has read
    serves the analysis that follows.
    """

    def __init__(
        self,
        text: str,
        lm: LanguageModel,
        language: Language,
        known: Record,
        sentences: Sequence[Sentence],
        doubts: set[int],
        until_s: float,
    ) -> None:
        self._text, self._lm, self._language, self._known = text, lm, language, known
        self._sentences, self._doubts, self._until_s = sentences, doubts, until_s
        self.tokens = 0
        self.unread: list[str] = []

    def read(self, stop: Stop) -> Iterator[Progress | StatementsFound]:
        try:
            parts = self._cut_parts()
            for no, (shown, new) in enumerate(parts, start=1):
                yield Progress(no, len(parts))
                if stop.is_set() or time.monotonic() > self._until_s:
                    self.unread.append(f"parts {no} to {len(parts)}: not read a second time")
                    return
                found = self._ask(no, shown, new, stop)
                if found:
                    yield StatementsFound(found)
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
        picks = parse_picks(reply.text, self._language, numbers)
        if picks.why_unread:
            self.unread.append(f"part {no}: {picks.why_unread}")
        lines = [
            make_statement(self._text, sentence, picks.by_number[sentence.no])
            for sentence in new
            if sentence.no in picks.by_number
        ]
        return check_quotes(self._text, [line for line in lines if line is not None])


def check_quotes(text: str, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements whose quote stands, letter for letter, at their span of the text."""
    return tuple(
        statement
        for statement in statements
        if statement.quote and text[statement.span.start : statement.span.end] == statement.quote
    )
