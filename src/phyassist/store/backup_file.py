"""The file of a backup: blocks, each bound to all before it, and a done-marker that is written last.

    magic "PhyAssist backup 1\\n"
    block, block, ...

A block is `kind (1 byte) | length (4 bytes) | content | SHA-256 (32 bytes)`.  The digest is taken over the
digest before it (of the magic, for the first), the kind, the length and the content: a block that is changed,
moved, left out or put in does not fit.  The kinds, in this order: one `H` (the head, JSON), any number of `R`
(rows of one table), one `E` (the end, JSON: rows and digest by table, and a seal where a key was at hand),
after which nothing comes.  `tests/vectors/backup.json` freezes it; docs/decisions/0016 says why.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Literal, get_args

from phyassist.errors import BackupUnusable

MAGIC = b"PhyAssist backup 1\n"
_FAMILY = b"PhyAssist backup "
BLOCK_BYTES = 1 << 20
# One value is at most a file that was poured in; SQLite itself takes no more than this.
_BLOCK_BYTES_MAX = 1 << 30
_DIGEST_BYTES = 32
_HEAD, _ROWS, _END = b"H", b"R", b"E"

ColumnKind = Literal["text", "int", "bool", "bytes", "moment", "json", "float"]
_KIND_OF: Mapping[str, ColumnKind] = {kind: kind for kind in get_args(ColumnKind)}
Value = str | int | bool | bytes | datetime | float | dict[str, Any] | list[Any] | None
_COUNT, _WHOLE, _REAL = struct.Struct(">I"), struct.Struct(">q"), struct.Struct(">d")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST_SPACE = 1 << 256


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as it was backed up: its columns in the order of the rows."""

    table: str
    columns: tuple[tuple[str, ColumnKind], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What a backup says of itself before its rows; `practice` tells one practice's from another's."""

    id: str
    practice: str
    schema: str
    made_at: datetime
    expires_at: datetime | None
    written_by: str
    tables: tuple[TableShape, ...]


@dataclass(frozen=True, slots=True)
class TableSum:
    """How many rows a table has, and the sum of their SHA-256: the same in whatever order they come."""

    rows: int = 0
    digest: int = 0

    def add(self, row: bytes) -> TableSum:
        one = int.from_bytes(hashlib.sha256(row).digest(), "big")
        return TableSum(self.rows + 1, (self.digest + one) % _DIGEST_SPACE)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of one table, packed."""

    table: str
    packed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class End:
    """What the last block says; `seal` is the digest of all before it, sealed under the practice's key."""

    sums: Mapping[str, TableSum]
    digest: bytes
    seal: bytes | None


class BackupWriter:
    """Writes the blocks; what it has written is a backup only after `finish`."""

    def __init__(self, out: BinaryIO, head: Head) -> None:
        self._out = out
        self._sums = {each.table: TableSum() for each in head.tables}
        self._table = ""
        self._rows: list[bytes] = []
        self._bytes = 0
        out.write(MAGIC)
        self.digest = hashlib.sha256(MAGIC).digest()
        self._block(_HEAD, _dump(_head_as_json(head)))

    def add(self, table: str, row: bytes) -> None:
        """Another packed row; rows of one table come together, in the order of the head."""
        if table != self._table:
            self._flush()
            self._table = table
        self._rows.append(row)
        self._bytes += len(row)
        self._sums[table] = self._sums[table].add(row)
        if self._bytes >= BLOCK_BYTES:
            self._flush()

    def close_rows(self) -> bytes:
        """The digest of all that was written; no row may follow."""
        self._flush()
        return self.digest

    def finish(self, seal: bytes | None) -> None:
        """The done-marker, and all of it on the disk."""
        self._flush()
        end = {
            "tables": {
                name: {"rows": each.rows, "digest": f"{each.digest:064x}"}
                for name, each in self._sums.items()
            },
            "seal": None if seal is None else seal.hex(),
        }
        self._block(_END, _dump(end))
        self._out.flush()
        os.fsync(self._out.fileno())

    def _flush(self) -> None:
        if not self._rows:
            return
        name = self._table.encode()
        parts = [bytes([len(name)]), name, _COUNT.pack(len(self._rows))]
        for row in self._rows:
            parts += [_COUNT.pack(len(row)), row]
        self._block(_ROWS, b"".join(parts))
        self._rows, self._bytes = [], 0

    def _block(self, kind: bytes, content: bytes) -> None:
        head = kind + _COUNT.pack(len(content))
        self.digest = hashlib.sha256(self.digest + head + content).digest()
        self._out.write(head)
        self._out.write(content)
        self._out.write(self.digest)


class BackupReader:
    """Reads and checks: the head at once, then `blocks`, which ends with the end.

    Raises BackupUnusable for what is no backup, is damaged, is cut off, or a newer PhyAssist wrote.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._left = os.fstat(source.fileno()).st_size
        magic = self._take(len(MAGIC)) if self._left >= len(MAGIC) else b""
        if magic != MAGIC:
            raise _foreign(magic)
        self._digest = hashlib.sha256(MAGIC).digest()
        kind, content = self._block()
        if kind != _HEAD:
            raise damaged()
        self.head = _read_head(_load(content))

    def blocks(self) -> Iterator[Rows | End]:
        """Rows as they come, their sums checked by the end.  Raises BackupUnusable."""
        sums = {each.table: TableSum() for each in self.head.tables}
        while True:
            before = self._digest
            kind, content = self._block()
            if kind == _END:
                end = _read_end(_load(content), before)
                if dict(end.sums) != sums or self._left:
                    raise damaged()
                yield end
                return
            if kind != _ROWS:
                raise damaged()
            rows = _split_rows(content)
            if rows.table not in sums:
                raise damaged()
            for row in rows.packed:
                sums[rows.table] = sums[rows.table].add(row)
            yield rows

    def _block(self) -> tuple[bytes, bytes]:
        head = self._take(1 + _COUNT.size)
        size = _COUNT.unpack(head[1:])[0]
        if size > _BLOCK_BYTES_MAX:
            raise damaged()
        content, digest = self._take(size), self._take(_DIGEST_BYTES)
        self._digest = hashlib.sha256(self._digest + head + content).digest()
        if digest != self._digest:
            raise damaged()
        return head[:1], content

    def _take(self, size: int) -> bytes:
        # What the file cannot hold is not asked for, so a damaged length takes no memory.
        if size > self._left:
            raise BackupUnusable(
                "the backup ends in the middle: it was cut off",
                hint="nothing was restored from it; use an older backup",
            )
        taken = self._source.read(size)
        self._left -= len(taken)
        if len(taken) != size:
            raise damaged()
        return taken


def pack_row(kinds: Sequence[ColumnKind], values: Sequence[Value]) -> bytes:
    """A row's values one after the other, each with a byte that says what it is."""
    return b"".join(
        _with_size(b"j", _dump(value)) if kind == "json" and value is not None else _pack(value)
        for kind, value in zip(kinds, values, strict=True)
    )


def unpack_row(packed: bytes) -> list[Value]:
    """Raises BackupUnusable where it is no packed row."""
    values: list[Value] = []
    at = 0
    try:
        while at < len(packed):
            value, at = _unpack(packed, at)
            values.append(value)
    except (struct.error, ValueError, KeyError, OverflowError):
        raise damaged() from None
    return values


def _pack(value: Value) -> bytes:
    if value is None:
        return b"0"
    if isinstance(value, bool):
        return b"y" if value else b"n"
    if isinstance(value, int):
        return b"i" + _WHOLE.pack(value)
    if isinstance(value, float):
        return b"f" + _REAL.pack(value)
    if isinstance(value, datetime):
        return b"m" + _WHOLE.pack((value - _EPOCH) // timedelta(microseconds=1))
    if isinstance(value, str):
        return _with_size(b"t", value.encode())
    if isinstance(value, bytes):
        return _with_size(b"b", value)
    raise TypeError("a backup holds no such value")


def _with_size(tag: bytes, raw: bytes) -> bytes:
    return tag + _COUNT.pack(len(raw)) + raw


def _unpack(packed: bytes, at: int) -> tuple[Value, int]:
    tag, at = packed[at : at + 1], at + 1
    if tag in b"0yn":
        return {b"0": None, b"y": True, b"n": False}[tag], at
    if tag in b"imf":
        end = at + _WHOLE.size
        if tag == b"f":
            return float(_REAL.unpack(packed[at:end])[0]), end
        whole = int(_WHOLE.unpack(packed[at:end])[0])
        return (whole if tag == b"i" else _EPOCH + timedelta(microseconds=whole)), end
    start = at + _COUNT.size
    end = start + _COUNT.unpack(packed[at:start])[0]
    raw = packed[start:end]
    if len(raw) != end - start:
        raise ValueError
    if tag == b"t":
        return raw.decode(), end
    if tag == b"b":
        return raw, end
    if tag == b"j":
        found: dict[str, Any] | list[Any] = json.loads(raw)
        return found, end
    raise ValueError


def _split_rows(content: bytes) -> Rows:
    try:
        start = 1 + content[0]
        name = content[1:start].decode()
        count = _COUNT.unpack(content[start : start + _COUNT.size])[0]
        at, rows = start + _COUNT.size, []
        for _ in range(count):
            size = _COUNT.unpack(content[at : at + _COUNT.size])[0]
            at += _COUNT.size
            rows.append(content[at : at + size])
            at += size
    except (struct.error, IndexError, UnicodeDecodeError):
        raise damaged() from None
    if at != len(content):
        raise damaged()
    return Rows(name, tuple(rows))


def _head_as_json(head: Head) -> dict[str, Any]:
    return {
        "id": head.id,
        "practice": head.practice,
        "schema": head.schema,
        "made_at": head.made_at.astimezone(UTC).isoformat(),
        "expires_at": None if head.expires_at is None else head.expires_at.astimezone(UTC).isoformat(),
        "written_by": head.written_by,
        "tables": [[each.table, [list(one) for one in each.columns]] for each in head.tables],
    }


def _read_head(found: dict[str, Any]) -> Head:
    try:
        expires = found["expires_at"]
        return Head(
            id=found["id"],
            practice=found["practice"],
            schema=found["schema"],
            made_at=datetime.fromisoformat(found["made_at"]),
            expires_at=None if expires is None else datetime.fromisoformat(expires),
            written_by=found["written_by"],
            tables=tuple(
                TableShape(name, tuple((column, _KIND_OF[kind]) for column, kind in columns))
                for name, columns in found["tables"]
            ),
        )
    except (KeyError, TypeError, ValueError):
        raise damaged() from None


def _read_end(found: dict[str, Any], digest: bytes) -> End:
    try:
        sums = {
            name: TableSum(int(each["rows"]), int(each["digest"], 16))
            for name, each in found["tables"].items()
        }
        return End(sums, digest, None if found["seal"] is None else bytes.fromhex(found["seal"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged() from None


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _load(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        raise damaged() from None
    if not isinstance(found, dict):
        raise damaged()
    return found


def damaged() -> BackupUnusable:
    """One sentence for every reason: what exactly was changed helps nobody."""
    return BackupUnusable(
        "the backup is damaged: its checksums do not fit",
        hint="nothing was restored from it; use another backup",
    )


def _foreign(magic: bytes) -> BackupUnusable:
    if magic.startswith(_FAMILY):
        return BackupUnusable("a newer PhyAssist wrote this backup", hint="update PhyAssist")
    return BackupUnusable("the file is no PhyAssist backup", hint="name a file that phyassist backup wrote")
