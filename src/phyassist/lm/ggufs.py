"""Reads the head of a GGUF file: enough to name the model and to see that the file is whole.

The form is described at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phyassist.errors import ModelDamaged, ModelMissing

# Values of a block and bytes of a block, by tensor type.  A type that is not here is taken to need nothing,
# so that a newer file is not called damaged.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
}  # fmt: skip
_PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_HINT = "remove the file and fetch it again"


@dataclass(frozen=True, slots=True)
class GgufHead:
    """What a GGUF file says of itself; `context_tokens` is 0 where it does not say."""

    kind: str
    architecture: str
    name: str
    context_tokens: int
    tensors: int


class _Cursor:
    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> Any:
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return value

    def take_text(self) -> str:
        size = self.take("Q")
        if size > len(self.data) - self.at:
            raise struct.error("a text reaches beyond the file")
        self.at += size
        return self.data[self.at - size : self.at].decode("utf-8", "replace")

    def take_value(self, kind: int) -> Any:
        """The value of a key; an array is passed over and comes out as None."""
        if kind == _STRING:
            return self.take_text()
        if kind != _ARRAY:
            return self.take(_PLAIN[kind])
        inner, count = self.take("I"), self.take("Q")
        if inner in _PLAIN:
            self.at += count * struct.calcsize("<" + _PLAIN[inner])
            return None
        for _ in range(count):
            if self.at > len(self.data):
                raise struct.error("an array reaches beyond the file")
            if inner == _STRING:
                self.at += 8 + struct.unpack_from("<Q", self.data, self.at)[0]
            else:
                self.take_value(inner)
        return None


def read_head(path: Path) -> GgufHead:
    """The head of the GGUF file at `path`, after a look whether all its tensors fit into it.

    Raises ModelMissing where there is no such file, ModelDamaged where it is none, or is cut short.
    """
    if not path.is_file():
        raise ModelMissing(
            f"there is no model file at {path}", hint="run phyassist models list to see what is there"
        )
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:4] != b"GGUF":
                raise ModelDamaged(
                    f"{path} is not a GGUF model file", hint="choose a file that ends in .gguf"
                )
            head, end = _read(data)
            size = len(data)
    except (struct.error, KeyError, ValueError, OverflowError) as error:
        raise ModelDamaged(f"the model file {path} breaks off in its head", hint=_HINT) from error
    if size < end:
        raise ModelDamaged(
            f"the model file {path} is cut short: {size:,} of {end:,} bytes are there", hint=_HINT
        )
    return head


def _read(data: mmap.mmap) -> tuple[GgufHead, int]:
    cursor = _Cursor(data)
    cursor.at = 4
    if cursor.take("I") < 2:
        raise ValueError("an old version")
    tensors, keys = cursor.take("Q"), cursor.take("Q")
    said: dict[str, Any] = {}
    for _ in range(keys):
        key = cursor.take_text()
        said[key] = cursor.take_value(cursor.take("I"))
    ends = [_tensor_end(cursor) for _ in range(tensors)]
    align = int(said.get("general.alignment") or 32)
    start = -(-cursor.at // align) * align
    architecture = str(said.get("general.architecture", ""))
    head = GgufHead(
        kind=str(said.get("general.type", "model")),
        architecture=architecture,
        name=str(said.get("general.name", "")),
        context_tokens=int(said.get(f"{architecture}.context_length") or 0),
        tensors=tensors,
    )
    return head, start + max(ends, default=0)


def _tensor_end(cursor: _Cursor) -> int:
    """The byte after the tensor that the cursor stands at, counted from the first tensor's first byte."""
    cursor.take_text()
    values = 1
    for _ in range(cursor.take("I")):
        values *= cursor.take("Q")
    per_block, block_bytes = _BLOCKS.get(cursor.take("I"), (1, 0))
    return int(cursor.take("Q")) + values // per_block * block_bytes
