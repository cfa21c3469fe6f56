"""From a raw text to the record: reading it, checking every quote, and merging."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.consents import Purpose
from phyassist.domain.merging import Merged, merge
from phyassist.domain.people import Language, PatientId
from phyassist.domain.reading.classifier import LinearReader
from phyassist.domain.reading.question import find_question
from phyassist.domain.reading.reader import judge, read_statements
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import (
    Consultation,
    ConsultationId,
    Record,
    RecordLine,
    Source,
    SourceId,
    Span,
    Standing,
    Statement,
    StatementId,
)
from phyassist.errors import ChangedMeanwhile, EmptyText, TextTooLong
from phyassist.lm.protocol import LanguageModel, Stop
from phyassist.services.access import check_may_change
from phyassist.services.consent import Withdrawn, allows
from phyassist.services.leaving import guard
from phyassist.services.second_reading import SecondReading, Setting, list_doubts
from phyassist.services.uploads import UPLOAD_BYTES_MAX, read_file
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

TEXT_CHARS_MAX = 200_000
# A second reading that is not done by then is left: the counsellor waits no longer than a minute and a half.
SECOND_READING_S = 75.0
_MERGE_TRIES = 3
# A consultation that nobody has written in for so long was meant to be begun.
_BLANK_FOR = timedelta(hours=1)


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
    """What the client asks, in the words of the source; the opening complaint where nothing is asked."""

    text: str = field(repr=False)
    quote: str = field(repr=False)
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class RecordSaved:
    """The patient's record as it was just written, with the standing of each line."""

    record: Record = field(repr=False)


@dataclass(frozen=True, slots=True)
class OrganiseDone:
    """Everything found.  `tokens`: read and written by the model; `unread`: which parts it left, and why."""

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
    """The statements and the question of a text; touches no store.

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
    text: str,
    lm: LanguageModel | None,
    *,
    language: Language,
    known: Record,
    stop: Stop,
    second_reading_s: float = SECOND_READING_S,
) -> Iterator[OrganiseEvent]:
    """As `organise_text`, with a second reading by `lm` whichever it is, for so long; none without one."""
    check_text(text)
    started = time.monotonic()
    sentences = split_sentences(text)
    yield Progress(1, 1)
    judged = judge(sentences, load_reader())
    question = find_question(text, judged)
    asked_at = question.span if question is not None and question.is_asked else None
    statements = check_quotes(text, read_statements(text, sentences, judged, question=asked_at))
    if statements:
        yield StatementsFound(statements)
    asked = " ".join(question.quote.split()) if question is not None else ""
    if question is not None:
        yield QuestionFound(asked, question.quote, question.span)
    tokens, unread = 0, []
    if lm is not None:
        doubts = list_doubts(judged, statements)
        setting = Setting(language, known, started + second_reading_s)
        reading = SecondReading(text, lm, sentences, doubts, setting)
        for part in reading.read(stop):
            if part.statements is None:
                yield Progress(part.part, part.parts)
            elif part.statements:
                found = check_quotes(text, part.statements)
                statements += found
                yield StatementsFound(found)
        tokens, unread = reading.tokens, reading.unread
    yield OrganiseDone(statements, asked, tokens, time.monotonic() - started, tuple(unread))


def check_quotes(text: str, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements whose quote stands, letter for letter, at their span of the text."""
    return tuple(
        statement
        for statement in statements
        if statement.quote and text[statement.span.start : statement.span.end] == statement.quote
    )


@again
def start_consultation(
    store: Store, by: SignedIn, *, patient_id: PatientId, at: datetime | None = None
) -> Consultation:
    """A new, empty consultation, dated now unless `at` says when.  Raises NotFound, NotYourPatient."""
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        return _start(store, tx, patient_id, at or store.clock())


@again
def take_up_consultation(store: Store, by: SignedIn, *, patient_id: PatientId) -> Consultation:
    """The last consultation where it was begun within the hour and nothing is written in it; else a new one.

    A button that is pressed twice, or on a page that was gone back to, leaves no empty consultation behind.
    Raises NotFound, NotYourPatient.
    """
    now = store.clock()
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        newest = tx.consultations.find_newest(patient_id)
        last = None if newest is None else tx.consultations.get(newest)
        if last is not None and last.is_blank and timedelta(0) <= now - last.at < _BLANK_FOR:
            return last
        return _start(store, tx, patient_id, now)


def _start(store: Store, tx: Tx, patient_id: PatientId, at: datetime) -> Consultation:
    fresh = Consultation(ConsultationId(store.new_id()), patient_id, at, Source(SourceId(store.new_id()), ""))
    stored = tx.consultations.add(fresh)
    tx.audit.write(Act.CREATED, Kind.CONSULTATION, stored.id)
    return stored


@again
def save_source(
    store: Store, by: SignedIn, *, consultation_id: ConsultationId, text: str, after: int
) -> Source:
    """The text as it stands now.  Raises TextTooLong, ChangedMeanwhile, NotFound, NotYourPatient."""
    if len(text) > TEXT_CHARS_MAX:
        check_text(text)
    with store.write(by) as tx:
        check_may_change(tx, tx.consultations.get(consultation_id).patient_id)
        return tx.consultations.save_source(consultation_id, text, after=after)


@again
def save_question(
    store: Store, by: SignedIn, *, consultation_id: ConsultationId, question: str, after: int
) -> Consultation:
    """The counselling question as the counsellor puts it.  Raises as `save_source` does."""
    with store.write(by) as tx:
        check_may_change(tx, tx.consultations.get(consultation_id).patient_id)
        return tx.consultations.save_question(consultation_id, question.strip(), after=after)


def organise(
    store: Store, lm: LanguageModel | None, by: SignedIn, *, consultation_id: ConsultationId, stop: Stop
) -> Iterator[OrganiseEvent | RecordSaved]:
    """Fill the patient's record from the consultation's text: each find is written before it is yielded.

    Where the patient has not agreed to a model, rules and classifier read alone.
    Raises EmptyText, TextTooLong, NotFound, NotYourPatient, StoreFull.
    """
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        check_may_change(tx, consultation.patient_id)
        known = tx.records.get(consultation.patient_id).before(consultation_id)
        language = tx.patients.get(consultation.patient_id).language
        asked = lm if allows(tx, consultation.patient_id, Purpose.DRAFTING) else None
    text = consultation.source.text
    if asked is not None:
        asked = guard(store, by, asked, consultation.patient_id)
        stop = Withdrawn(stop, store, by, consultation.patient_id)
    for event in organise_text(text, asked, language=language, known=known, stop=stop):
        if isinstance(event, StatementsFound):
            yield RecordSaved(_write_found(store, by, consultation, event.statements))
        if isinstance(event, QuestionFound) and not consultation.question:
            _write_question(store, by, consultation_id, event.text)
        if isinstance(event, OrganiseDone):
            with store.write(by) as tx:
                tx.consultations.mark_organised(consultation_id, consultation.source.version)
                tx.audit.write(Act.ORGANISED, Kind.CONSULTATION, consultation_id)
        yield event


@again
def _write_found(
    store: Store, by: SignedIn, consultation: Consultation, found: Sequence[Statement]
) -> Record:
    """The record with the finds merged in; merging again after somebody else's change loses nothing."""
    for attempt in range(_MERGE_TRIES):
        try:
            with store.write(by) as tx:
                record = tx.records.get(consultation.patient_id)
                lines = _merge_lines(store, record, consultation, found)
                if lines == record.lines:
                    return record
                return tx.records.save(consultation.patient_id, lines, after=record.version)
        except ChangedMeanwhile:
            if attempt == _MERGE_TRIES - 1:
                raise
    raise AssertionError("the loop returns or raises")


def _merge_lines(
    store: Store, record: Record, consultation: Consultation, found: Sequence[Statement]
) -> tuple[RecordLine, ...]:
    now = store.clock()
    lines = _settle_in(record.lines, consultation)
    merged = merge(replace(record, lines=lines), _leave_out(found, lines, consultation), at=consultation.at)
    said_again = {
        item.against: item.statement for item in merged if item.standing == Standing.SAME and item.against
    }
    kept = tuple(_say_again(line, said_again.get(line.id), consultation) for line in lines)
    return kept + tuple(
        _make_line(store, item, consultation, now) for item in merged if item.standing != Standing.SAME
    )


def _leave_out(
    found: Sequence[Statement], lines: Sequence[RecordLine], consultation: Consultation
) -> list[Statement]:
    """The finds without those whose words this text has brought before: kept, reworded or removed by hand."""
    brought = {
        (line.statement.quote, line.statement.kind)
        for line in lines
        if line.source_id == consultation.source.id
    }
    return [statement for statement in found if (statement.quote, statement.kind) not in brought]


def _settle_in(lines: Sequence[RecordLine], consultation: Consultation) -> tuple[RecordLine, ...]:
    """What other consultations brought is known by now; lines of this one follow its changed text."""
    text = consultation.source.text
    settled: list[RecordLine] = []
    for line in lines:
        if line.source_id != consultation.source.id:
            fresh = line.standing in (Standing.NEW, Standing.SAME)
            settled.append(replace(line, standing=Standing.KNOWN) if fresh else line)
            continue
        quote, span = line.statement.quote, line.statement.span
        if not quote or text[span.start : span.end] == quote:
            settled.append(line)
        elif quote in text:
            start = text.index(quote)
            moved = replace(line.statement, span=Span(start, start + len(quote)))
            settled.append(replace(line, statement=moved))
    return tuple(settled)


def _say_again(line: RecordLine, again: Statement | None, consultation: Consultation) -> RecordLine:
    if again is None or line.source_id == consultation.source.id or line.standing == Standing.DIFFERS:
        return line
    return replace(line, standing=Standing.SAME)


def _make_line(store: Store, item: Merged, consultation: Consultation, now: datetime) -> RecordLine:
    return RecordLine(
        id=StatementId(store.new_id()),
        statement=item.statement,
        source_id=consultation.source.id,
        consultation_id=consultation.id,
        added_at=now,
        standing=item.standing,
        differs_from=item.against,
    )


def _write_question(store: Store, by: SignedIn, consultation_id: ConsultationId, question: str) -> None:
    """The question that was found, unless the counsellor has written one in the meantime."""
    with store.write(by) as tx:
        now = tx.consultations.get(consultation_id)
        if not now.question:
            tx.consultations.save_question(consultation_id, question, after=now.version)
