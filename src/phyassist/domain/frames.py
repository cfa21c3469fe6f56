"""Messages between two processes of ours over a pipe: a line of JSON, and as many bytes as it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

HEAD_BYTES_MAX = 1_000_000
# How the names begin by which a trainer tells other adapters apart: of those that are to become one, and of
# those that drafted what is learnt.  What is gone on from has a name of its own; the rest are compared.
JOINED = "joined"
AUTHOR = "author"
PARENT = "parent"


class Reads(Protocol):
    def readline(self, limit: int = -1, /) -> bytes: ...
    def read(self, size: int = -1, /) -> bytes: ...


class Writes(Protocol):
    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """`head` says what it is; `data` may hold what a patient said, or weights."""

    head: Mapping[str, Any] = field(repr=False)
    data: bytes = field(default=b"", repr=False)

    @property
    def kind(self) -> str:
        return str(self.head["kind"])


def write_frame(to: Writes, head: Mapping[str, Any], data: bytes = b"") -> None:
    """Raises OSError where nobody reads any more."""
    to.write(json.dumps({**head, "bytes": len(data)}).encode() + b"\n")
    if data:
        to.write(data)
    to.flush()


def read_frame(source: Reads) -> Frame | None:
    """The next message; None where the other side has ended, also in the middle of one."""
    line = source.readline(HEAD_BYTES_MAX)
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    size = int(head["bytes"])
    data = source.read(size) if size else b""
    return Frame(head, data) if len(data) == size else None
