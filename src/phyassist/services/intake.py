"""From a raw text to the patient's record: reading what was poured in, and organising it."""

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
from phyassist.domain.reading.reader import read_statements
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record, Span, Statement
from phyassist.errors import EmptyText, TextTooLong
from phyassist.lm.protocol import LanguageModel, Stop

TEXT_CHARS_MAX = 200_000


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


def organise_text(
    text: str, lm: LanguageModel | None, *, language: Language, known: Record, stop: Stop
) -> Iterator[OrganiseEvent]:
    """The statements and the question of a text; touches no store.

    Raises EmptyText, TextTooLong, EngineDown, ServerRefused.
    """
    check_text(text)
    started = time.monotonic()
    sentences = split_sentences(text)
    yield Progress(1, 1)
    statements = check_quotes(text, read_statements(text, sentences, load_reader()))
    if statements:
        yield StatementsFound(statements)
    question = find_question(text, sentences, load_reader())
    if question is not None:
        yield QuestionFound(" ".join(question.quote.split()), question.quote, question.span)
    yield OrganiseDone(
        statements,
        " ".join(question.quote.split()) if question is not None else "",
        0,
        time.monotonic() - started,
    )


def check_quotes(text: str, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements whose quote stands, letter for letter, at their span of the text."""
    return tuple(
        statement
        for statement in statements
        if statement.quote and text[statement.span.start : statement.span.end] == statement.quote
    )
