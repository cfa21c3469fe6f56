"""The rows of a whole store as they go into a backup: sealed as they lie, from one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    column,
    select,
    table,
)
from sqlalchemy.types import TypeEngine

from phyassist.store.backup_file import ColumnKind, TableShape, TableSum, pack_row
from phyassist.store.columns import UtcTime
from phyassist.store.practice import not_set_up
from phyassist.store.tables import metadata, practice

# A login that has ended must not come back to life: after a restore everyone signs in again.  What a process
# was writing, and that a store was moved elsewhere, is true of that store alone.  The keys of jobs, which are
# for a while, stay out of copies that are kept for years.
LEFT_OUT = frozenset({"logins", "marks", "runs", "job_keys"})
_ROWS_AT_ONCE = 200
_LARGE_ROWS_AT_ONCE = 4
_LARGE_ROWS = frozenset({"adapter_chunks"})
_KINDS: tuple[tuple[type[object], ColumnKind], ...] = (
    (UtcTime, "moment"),
    (Boolean, "bool"),
    (Integer, "int"),
    (Float, "float"),
    (LargeBinary, "bytes"),
    (JSON, "json"),
    (String, "text"),
)
_TYPES: dict[ColumnKind, TypeEngine[Any]] = {
    "moment": UtcTime(),
    "bool": Boolean(),
    "int": Integer(),
    "float": Float(),
    "bytes": LargeBinary(),
    "json": JSON(none_as_null=True),
    "text": String(),
}


class Snapshot:
    """One transaction's view of every table."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def practice(self) -> str:
        """What tells this practice from every other: a short hash of its recovery key's public half.

        Raises NotSetUp.
        """
        found = self._conn.execute(select(practice.c.recovery_public)).scalar_one_or_none()
        if found is None:
            raise not_set_up()
        return name_practice(bytes(found))

    def rows(self, shape: TableShape) -> Iterator[bytes]:
        """Every row of a table, packed, in the order of its first columns; a few hundred at a time."""
        return read_rows(self._conn, shape)


def list_shapes() -> tuple[TableShape, ...]:
    """Every table that a backup holds, those first that others refer to."""
    return tuple(
        TableShape(each.name, tuple((one.name, kind_of(one)) for one in each.columns))
        for each in metadata.sorted_tables
        if each.name not in LEFT_OUT
    )


def kind_of(of: Column[object]) -> ColumnKind:
    """Raises TypeError for a column of a kind that backups do not know."""
    for type_, kind in _KINDS:
        if isinstance(of.type, type_):
            return kind
    raise TypeError(f"backups do not know the type of {of.table}.{of.name}")


def light_table(shape: TableShape) -> Table:
    """The table as it was backed up: enough to read and write its rows, whatever the schema is today."""
    return table(shape.table, *(column(name, _TYPES[kind]) for name, kind in shape.columns))  # type: ignore[return-value]


def read_rows(conn: Connection, shape: TableShape) -> Iterator[bytes]:
    of, kinds = light_table(shape), [kind for _, kind in shape.columns]
    query = select(of).execution_options(stream_results=True, yield_per=count_at_once(shape))
    for row in conn.execute(query):
        yield pack_row(kinds, tuple(row))


def count_at_once(shape: TableShape) -> int:
    """How many rows of a table are held in memory together."""
    return _LARGE_ROWS_AT_ONCE if shape.table in _LARGE_ROWS else _ROWS_AT_ONCE


def sum_rows(conn: Connection, shape: TableShape) -> TableSum:
    """How many rows a table has and the sum of their digests."""
    total = TableSum()
    for row in read_rows(conn, shape):
        total = total.add(row)
    return total


def name_practice(recovery_public: bytes) -> str:
    return hashlib.sha256(b"phyassist/practice/1" + recovery_public).hexdigest()[:16]
