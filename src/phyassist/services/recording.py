"""The record by the counsellor's own hand: lines added, reworded, removed, and choices between two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from phyassist.domain.people import PatientId
from phyassist.domain.records import (
    ConsultationId,
    Record,
    RecordField,
    RecordLine,
    Span,
    Standing,
    Statement,
    StatementId,
)
from phyassist.errors import BadInput, ChangedMeanwhile, EmptyText, NotFound
from phyassist.services.access import check_may_change
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

Choice = Literal["keep_both", "replace", "leave"]


def settle(
    store: Store,
    by: SignedIn,
    *,
    patient_id: PatientId,
    statement_id: StatementId,
    choice: Choice,
    after: int,
) -> Record:
    """The record after the counsellor has decided on a line that differs from a known one.

    `after` is the version that was seen.  Raises NotFound, NotYourPatient, BadInput for a line that differs
    from none, ChangedMeanwhile where the line or the one it differs from was changed since.
    """

    def decide(lines: tuple[RecordLine, ...]) -> tuple[RecordLine, ...]:
        line = _get_line(lines, statement_id)
        if line.differs_from is None or line.standing != Standing.DIFFERS:
            raise BadInput(f"statement {statement_id} differs from no other", hint="load the page again")
        standing = Standing.LEFT if choice == "leave" else Standing.NEW
        changed = {line.id: replace(line, standing=standing, differs_from=None)}
        if choice == "replace":
            old = _get_line(lines, line.differs_from)
            changed[old.id] = replace(old, standing=Standing.REPLACED)
        return tuple(changed.get(each.id, each) for each in lines)

    return _change_lines(store, by, patient_id, decide, after=after, touching=statement_id)


@again
def add_statement(
    store: Store,
    by: SignedIn,
    *,
    consultation_id: ConsultationId,
    record_field: RecordField,
    text: str,
    after: int,
) -> Record:
    """The record with a line in the counsellor's own words, which rests on no quote.

    `after` is the version that was seen.  A new line takes nothing away from what was written since, so it
    follows that too; the very same line that another window has added since is not added again.
    Raises EmptyText, ChangedMeanwhile for a version that there never was.
    """
    words = _check_line(text)
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
    line = RecordLine(
        StatementId(store.new_id()),
        Statement(record_field, words, "", Span(0, 0)),
        consultation.source.id,
        consultation_id,
        store.clock(),
    )

    with store.write(by) as tx:
        check_may_change(tx, consultation.patient_id)
        record, seen = _get_seen(tx, consultation.patient_id, after)
        known = {each.id for each in seen.lines}
        if any(each.statement == line.statement and each.id not in known for each in record.lines):
            return record
        return _save_lines(tx, consultation.patient_id, record, (*record.lines, line))


def edit_statement(
    store: Store, by: SignedIn, *, patient_id: PatientId, statement_id: StatementId, text: str, after: int
) -> Record:
    """The record with the line in other words; its quote stays.

    `after` is the version that was seen.  Raises EmptyText, NotFound, ChangedMeanwhile where the line was
    changed since.
    """
    words = _check_line(text)

    def reword(lines: tuple[RecordLine, ...]) -> tuple[RecordLine, ...]:
        line = _get_line(lines, statement_id)
        changed = replace(line, statement=replace(line.statement, text=words))
        return tuple(changed if each.id == statement_id else each for each in lines)

    return _change_lines(store, by, patient_id, reword, after=after, touching=statement_id)


def remove_statement(
    store: Store, by: SignedIn, *, patient_id: PatientId, statement_id: StatementId, after: int
) -> Record:
    """The record without the line; earlier versions keep it, organising again does not bring it back.

    `after` is the version that was seen.  Raises NotFound, ChangedMeanwhile where the line was changed since.
    """

    def remove(lines: tuple[RecordLine, ...]) -> tuple[RecordLine, ...]:
        line = _get_line(lines, statement_id)
        gone = replace(line, standing=Standing.LEFT, differs_from=None)
        return tuple(gone if each.id == statement_id else each for each in lines)

    return _change_lines(store, by, patient_id, remove, after=after, touching=statement_id)


@again
def _change_lines(
    store: Store,
    by: SignedIn,
    patient_id: PatientId,
    change: Callable[[tuple[RecordLine, ...]], tuple[RecordLine, ...]],
    *,
    after: int,
    touching: StatementId,
) -> Record:
    """The record changed, where the line that is touched still reads as it was seen.

    Organise adds lines while the counsellor works on others: those are no reason to refuse.
    """
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        record, seen = _get_seen(tx, patient_id, after)
        if _about(record.lines, touching) != _about(seen.lines, touching):
            raise _changed(patient_id)
        return _save_lines(tx, patient_id, record, change(record.lines))


def _get_seen(tx: Tx, patient_id: PatientId, after: int) -> tuple[Record, Record]:
    """The record as it stands, and as the page saw it."""
    record = tx.records.get(patient_id)
    if after == record.version:
        return record, record
    if not 0 <= after < record.version:
        raise _changed(patient_id)
    return record, tx.records.get_version(patient_id, after) if after else Record()


def _about(lines: Sequence[RecordLine], statement_id: StatementId) -> tuple[RecordLine, ...]:
    """The line, and the one that it differs from; the marks `same` and `new` come and go by themselves."""
    found = {line.id: line for line in lines}
    line = found.get(statement_id)
    if line is None:
        return ()
    differs = line.standing == Standing.DIFFERS and line.differs_from is not None
    both = (line, found[line.differs_from]) if differs and line.differs_from in found else (line,)
    calm = (Standing.NEW, Standing.SAME)
    return tuple(replace(each, standing=Standing.KNOWN) if each.standing in calm else each for each in both)


def _save_lines(tx: Tx, patient_id: PatientId, record: Record, lines: tuple[RecordLine, ...]) -> Record:
    saved = tx.records.save(patient_id, lines, after=record.version)
    tx.audit.write(Act.CHANGED, Kind.RECORD, patient_id)
    return saved


def _changed(patient_id: PatientId) -> ChangedMeanwhile:
    return ChangedMeanwhile(
        f"the record of {patient_id} has been changed elsewhere since",
        hint="look at it as it is now, then do it again",
    )


def _get_line(lines: Sequence[RecordLine], statement_id: StatementId) -> RecordLine:
    for line in lines:
        if line.id == statement_id:
            return line
    raise NotFound(f"statement {statement_id} is not in the record", hint="load the page again")


def _check_line(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise EmptyText("a line of the record cannot be empty", hint="type its words", reason="no-words")
    return words
