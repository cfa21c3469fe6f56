"""The record on the page: five fields and what else belongs there, each line with the words it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.records import Record, RecordField, RecordLine, Standing
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class LineView:
    """`was` is the text of the line that this one contradicts, empty unless it waits for a choice."""

    statement_id: str
    patient_id: str
    field_name: str
    text: str = field(repr=False)
    quote: str = field(repr=False)
    start: int
    end: int
    consultation_id: str
    standing: str
    was: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FieldView:
    name: str
    lines: tuple[LineView, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordFragment:
    """All fields of the record; `place` says on which page they stand, and what can be done there.

    `kept` are words that could not be saved, in the box for a new line of `kept_field`.
    """

    template: ClassVar[str] = "_record.html"
    w: Words
    patient_id: str
    record_version: int
    fields: tuple[FieldView, ...] = field(repr=False)
    place: str
    oob: bool = False
    kept_field: str = ""
    kept: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class VersionOfRecord:
    """The version that the next change follows, where only a part of the record is shown anew."""

    template: ClassVar[str] = "_record_version.html"
    w: Words
    record_version: int


@dataclass(frozen=True, slots=True)
class RecordPage:
    template: ClassVar[str] = "record.html"
    w: Words
    frame: Frame
    head: PatientHead
    record: RecordFragment
    sources: tuple[SourceView, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourceView:
    """A consultation's text for the drawer, where the words that a line rests on are lit."""

    consultation_id: str
    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LineFragment:
    template: ClassVar[str] = "_record_line.html"
    w: Words
    line: LineView
    record_version: int
    place: str
    kept: str = field(default="", repr=False)
    changed: bool = False


def view_record(record: Record, patient_id: str) -> tuple[FieldView, ...]:
    known: dict[str, str] = {line.id: line.statement.text for line in record.lines}
    return tuple(
        FieldView(each.value, tuple(view_line(line, patient_id, known) for line in record.of(each)))
        for each in RecordField
    )


def view_line(line: RecordLine, patient_id: str, known: dict[str, str] | None = None) -> LineView:
    was = ""
    if known and line.standing == Standing.DIFFERS and line.differs_from is not None:
        was = known.get(line.differs_from, "")
    return LineView(
        statement_id=line.id,
        patient_id=patient_id,
        field_name=line.statement.field.value,
        text=line.statement.text,
        quote=line.statement.quote,
        start=line.statement.span.start if line.statement.quote else -1,
        end=line.statement.span.end if line.statement.quote else -1,
        consultation_id=line.consultation_id,
        standing=line.standing.value,
        was=was,
    )
