"""Bringing everything of a patient under a new key: which columns hold sealed values, and at which places.

A table that gains a sealed column is added here; a test compares this list with the tables, and an old key
is given up only when no value in these columns was sealed under it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, and_, func, not_, select, update

from phyassist.domain.people import PatientId
from phyassist.store.chat_tables import chat_messages, chat_threads
from phyassist.store.tables import (
    adapters,
    amendments,
    consents,
    consultations,
    draft_versions,
    drafts,
    notes,
    patients,
    record_versions,
    withdrawn_notes,
)
from phyassist.vault.sealing import DataKeys, Place, head_of_term


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values, the place of each, and how its rows are a patient's.

    `parent` is the table that says whose rows they are, where they do not say so themselves.
    """

    table: Table
    column: str
    place: Callable[[RowMapping], Place]
    parent: Table | None = None
    link: str = ""


PATIENT_COLUMNS = (
    SealedColumn(patients, "card_sealed", lambda row: Place("patients", row["id"], "card", row["version"])),
    SealedColumn(
        consultations,
        "question_sealed",
        lambda row: Place("consultations", row["id"], "question", row["version"]),
    ),
    SealedColumn(
        consultations,
        "source_sealed",
        lambda row: Place("sources", row["source_id"], "text", row["source_version"]),
    ),
    SealedColumn(
        record_versions,
        "lines_sealed",
        lambda row: Place("record_versions", row["patient_id"], "lines", row["version"]),
    ),
    SealedColumn(drafts, "partial_sealed", lambda row: Place("drafts", row["id"], "partial")),
    SealedColumn(
        draft_versions,
        "draft_sealed",
        lambda row: Place("draft_versions", row["draft_id"], "draft", row["version"]),
        drafts,
        "draft_id",
    ),
    SealedColumn(notes, "note_sealed", lambda row: Place("notes", row["id"], "note")),
    SealedColumn(withdrawn_notes, "note_sealed", lambda row: Place("notes", row["id"], "note")),
    SealedColumn(
        withdrawn_notes,
        "withdrawal_sealed",
        lambda row: Place("withdrawn_notes", row["id"], "withdrawal"),
    ),
    SealedColumn(
        amendments,
        "amendment_sealed",
        lambda row: Place("amendments", row["note_id"], "amendment", row["number"]),
        notes,
        "note_id",
    ),
    SealedColumn(withdrawn_notes, "note_sealed", lambda row: Place("notes", row["id"], "note")),
    SealedColumn(
        withdrawn_notes,
        "withdrawal_sealed",
        lambda row: Place("withdrawn_notes", row["id"], "withdrawal"),
    ),
    SealedColumn(
        consents, "consent_sealed", lambda row: Place("consents", row["id"], "consent", row["number"])
    ),
    SealedColumn(adapters, "key_sealed", lambda row: Place("adapters", row["id"], "key")),
    SealedColumn(
        chat_messages,
        "message_sealed",
        lambda row: Place("chat_messages", row["id"], "message", row["version"]),
        chat_threads,
        "thread_id",
    ),
)


def reseal_some(conn: Connection, patient_id: PatientId, keys: DataKeys, rows_max: int) -> int:
    """How many values were brought under the newest key, at most `rows_max`.

    A value that somebody changes at the same moment is left to them: they seal it under the newest key.
    Raises CannotOpen for a value that none of the keys opens; nothing of it is lost.
    """
    done = 0
    for column in PATIENT_COLUMNS:
        if done >= rows_max:
            break
        query = _old_values(column, patient_id, keys.newest.term).limit(rows_max - done)
        for row in conn.execute(query).mappings().all():
            done += 1
            _reseal(conn, column, row, keys)
    return done


def is_sealed_anew(conn: Connection, patient_id: PatientId, term: int) -> bool:
    """Whether no value of the patient is sealed under an older key."""
    return all(
        conn.execute(_old_values(column, patient_id, term).limit(1)).first() is None
        for column in PATIENT_COLUMNS
    )


def _old_values(column: SealedColumn, patient_id: PatientId, term: int) -> Select[tuple[object, ...]]:
    sealed = column.table.c[column.column]
    head = head_of_term(term)
    # The first bytes say under which key it was sealed, and both databases compare them without opening.
    is_old = not_(func.substr(sealed, 1, len(head)) == head)
    return select(column.table).where(_is_of(column, patient_id), sealed.is_not(None), is_old)


def _is_of(column: SealedColumn, patient_id: PatientId) -> ColumnElement[bool]:
    table = column.table
    if column.parent is not None:
        rows = select(column.parent.c.id).where(column.parent.c.patient_id == patient_id)
        return table.c[column.link].in_(rows)
    return (table.c.id if table is patients else table.c.patient_id) == patient_id


def _reseal(conn: Connection, column: SealedColumn, row: RowMapping, keys: DataKeys) -> None:
    before, place = bytes(row[column.column]), column.place(row)
    sealed = keys.newest.seal(keys.open_sealed(before, place), place)
    same = [key == row[key.name] for key in column.table.primary_key.columns]
    conn.execute(
        update(column.table)
        .where(and_(*same, column.table.c[column.column] == before))
        .values({column.column: sealed})
    )
