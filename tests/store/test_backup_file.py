"""The file of a backup: its frozen form, and that nothing damaged passes for a whole one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.errors import BackupUnusable
from phyassist.store.backup_file import (
    BackupReader,
    BackupWriter,
    End,
    Head,
    Rows,
    TableShape,
    pack_row,
    unpack_row,
)
from phyassist.store.snapshot import LEFT_OUT, kind_of, list_shapes
from phyassist.store.tables import metadata

VECTOR = Path(__file__).parent.parent / "vectors" / "backup.json"
KINDS = ("text", "int", "bool", "bytes", "moment", "json", "float")
SHAPE = TableShape("samples", tuple((kind, kind) for kind in KINDS))
ROWS = [
    [
        "夜里 a",
        -7,
        True,
        b"\x00\xff",
        datetime(2026, 3, 2, 9, 30, 0, 5, UTC),
        {"b": [1, None], "a": "ü"},
        0.5,
    ],
    [None] * 7,
]
HEAD = Head(
    id="00000000000000000000000000000002",
    practice="0123456789abcdef",
    schema="0001",
    made_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    expires_at=datetime(2026, 4, 1, 9, 30, tzinfo=UTC),
    written_by="0.1.0",
    tables=(SHAPE,),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
row_values = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | st.binary(),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.lists(json_values) | st.dictionaries(st.text(), json_values),
    st.none() | st.floats(allow_nan=False),
)


def frozen() -> bytes:
    return bytes.fromhex(json.loads(VECTOR.read_text(encoding="utf-8"))["file"])


def read_all(path: Path) -> tuple[Head, list[list[object]], End]:
    rows: list[list[object]] = []
    with path.open("rb") as source:
        reader = BackupReader(source)
        for block in reader.blocks():
            if isinstance(block, Rows):
                rows += [unpack_row(row) for row in block.packed]
            else:
                end = block
    return reader.head, rows, end


def test_the_frozen_backup_is_read_to_the_letter(tmp_path: Path) -> None:
    path = tmp_path / "backup"
    path.write_bytes(frozen())

    head, rows, end = read_all(path)

    assert (head, rows, end.seal) == (HEAD, ROWS, b"a seal")


def test_what_is_written_today_is_the_frozen_form(tmp_path: Path) -> None:
    path = tmp_path / "backup"

    with path.open("wb") as out:
        writer = BackupWriter(out, HEAD)
        for row in ROWS:
            writer.add("samples", pack_row(KINDS, row))
        writer.finish(b"a seal")

    assert path.read_bytes() == frozen()


def test_a_backup_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "backup", frozen()

    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(BackupUnusable):
            read_all(path)

    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupUnusable, match="cut off"):
        read_all(path)


def test_a_backup_with_any_byte_changed_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "backup", frozen()

    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(BackupUnusable):
            read_all(path)


def test_blocks_that_are_left_out_moved_or_added_are_refused(tmp_path: Path) -> None:
    path, blocks = tmp_path / "backup", split(frozen())
    magic, head, rows, end = blocks
    rearranged = [
        [magic, head, end],
        [magic, head, rows, rows, end],
        [magic, rows, head, end],
        [magic, head, rows, end, end],
        [magic, head, head, rows, end],
    ]

    for parts in rearranged:
        path.write_bytes(b"".join(parts))
        with pytest.raises(BackupUnusable):
            read_all(path)


def test_a_file_that_is_no_backup_and_one_of_a_newer_form_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "backup"

    path.write_bytes(b"Dear colleague, " * 40)
    with pytest.raises(BackupUnusable, match="no PhyAssist backup"):
        read_all(path)
    path.write_bytes(frozen().replace(b"backup 1", b"backup 2", 1))
    with pytest.raises(BackupUnusable, match="newer PhyAssist"):
        read_all(path)


@given(row_values)
def test_every_value_comes_out_as_it_went_in(values: tuple[object, ...]) -> None:
    packed = pack_row(KINDS, values)  # type: ignore[arg-type]

    assert unpack_row(packed) == list(values)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_row_raise_one_error_alone(packed: bytes) -> None:
    try:
        unpack_row(packed)
    except BackupUnusable as error:
        assert error.code == "PA-STORE-BACKUP"


def test_every_column_of_every_table_has_a_kind_that_backups_know() -> None:
    shapes = list_shapes()

    assert {shape.table for shape in shapes} | LEFT_OUT == set(metadata.tables)
    assert all(kind_of(column) in KINDS for table in metadata.sorted_tables for column in table.columns)


def split(whole: bytes) -> list[bytes]:
    at = whole.index(b"\n") + 1
    parts = [whole[:at]]
    while at < len(whole):
        size = 1 + 4 + int.from_bytes(whole[at + 1 : at + 5], "big") + 32
        parts.append(whole[at : at + size])
        at += size
    return parts
