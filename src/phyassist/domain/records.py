"""The patient's organised file: statements in fields, each with the words it rests on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.people import PatientId

ConsultationId = NewType("ConsultationId", str)
SourceId = NewType("SourceId", str)
StatementId = NewType("StatementId", str)


class RecordField(StrEnum):
    """The five fields of the original study, and what else belongs in a record."""

    DEMOGRAPHIC = "demographic_data"
    HISTORY = "personal_developmental_history"
    MENTAL = "mental_state"
    PHYSICAL = "physical_condition"
    SOCIAL = "social_functioning"
    OTHER = "other"


class Standing(StrEnum):
    """How a statement stands against what was known: waiting for the counsellor only when it differs."""

    NEW = "new"
    SAME = "same"
    DIFFERS = "differs"
    KNOWN = "known"
    REPLACED = "replaced"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a source text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of the record.

    `quote` stands verbatim at `span` in the source.  `kind` names a single-valued fact (`age`, `sex`,
    `occupation`, `education`, `marital`) so that a later, different value is seen as a contradiction.
    """

    field: RecordField
    text: str = dataclasses.field(repr=False)
    quote: str = dataclasses.field(repr=False)
    span: Span
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A statement as it lies in a patient's record; `differs_from` names the line it contradicts."""

    id: StatementId
    statement: Statement
    source_id: SourceId
    consultation_id: ConsultationId
    added_at: datetime
    standing: Standing = Standing.KNOWN
    differs_from: StatementId | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All lines of one patient; versions count up with every change."""

    lines: tuple[RecordLine, ...] = field(default=(), repr=False)
    version: int = 0

    def of(self, record_field: RecordField) -> tuple[RecordLine, ...]:
        """Lines of one field that stand, in the order in which they were added."""
        gone = (Standing.REPLACED, Standing.LEFT)
        return tuple(
            line for line in self.lines if line.statement.field == record_field and line.standing not in gone
        )

    def before(self, consultation_id: ConsultationId) -> Record:
        """The record without what this consultation brought: the prefix that its prompts share."""
        return replace(
            self, lines=tuple(line for line in self.lines if line.consultation_id != consultation_id)
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A text as the counsellor poured it in; `version` counts the saves."""

    id: SourceId
    text: str = field(repr=False)
    version: int = 0
    saved_at: datetime | None = None
    organised_version: int | None = None


@dataclass(frozen=True, slots=True)
class Consultation:
    """One dated occasion: what was said, and what the counsellor wants to know about it.

    `adapter_wanted` names the adapter that is to answer here, or the base model alone; empty: whichever is
    chosen.
    """

    id: ConsultationId
    patient_id: PatientId
    at: datetime
    source: Source
    question: str = field(default="", repr=False)
    version: int = 0
    adapter_wanted: str = ""

    @property
    def is_blank(self) -> bool:
        """Nobody has written in it yet: neither a text nor a question."""
        return not (self.source.text.strip() or self.question.strip())


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """A line of a record's history."""

    version: int
    at: datetime
