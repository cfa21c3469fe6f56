"""JSON read while it is being written: words of a string as they come, values as they are finished."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]

_SPACE = " \t\r\n"
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BARE_END = _SPACE + ",]}"


class BrokenJson(ValueError):
    """The text is not JSON; says at which character, never what stood there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """More words of the string at `path`."""

    path: Path
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Value:
    """The value at `path` is finished."""

    path: Path
    value: Any = field(repr=False)


@dataclass(slots=True)
class _Open:
    """An object or array that is being read."""

    path: Path
    value: dict[str, Any] | list[Any]
    # What may come next: "key" or "end" at the start of an object, then "colon", "value", "comma".
    waits_for: str
    key: str = ""


class JsonStream:
    """Feed it text in any pieces; it yields what became known.

    `done` is true once the outermost value is finished.  Raises BrokenJson as soon as the text cannot be
    JSON any more; everything yielded before holds.
    """

    def __init__(self) -> None:
        self.done = False
        self._open: list[_Open] = []
        self._mode = "between"
        self._text: list[str] = []
        self._fresh: list[str] = []
        self._escape = ""
        self._high = 0
        self._at = 0

    def feed(self, text: str) -> Iterator[Piece | Value]:
        """Pieces and values that these characters finish, in their order."""
        for char in text:
            self._at += 1
            if self._mode == "string":
                yield from self._in_string(char)
            elif self._mode == "bare" and char not in _BARE_END:
                self._text.append(char)
            else:
                if self._mode == "bare":
                    yield from self._end_bare()
                yield from self._between(char)
        if self._mode == "string":
            yield from self._pour()

    def close(self) -> Iterator[Piece | Value]:
        """What the end of the text finishes.  Raises BrokenJson if the value is not complete."""
        if self._mode == "bare" and not self._open:
            yield from self._end_bare()
        if not self.done:
            raise BrokenJson(f"ends unfinished at character {self._at}")

    @property
    def _path(self) -> Path:
        if not self._open:
            return ()
        top = self._open[-1]
        return (*top.path, top.key if isinstance(top.value, dict) else len(top.value))

    def _between(self, char: str) -> Iterator[Piece | Value]:
        if char in _SPACE:
            return
        if self.done:
            raise self._broken()
        top = self._open[-1] if self._open else None
        waits_for = top.waits_for if top else "value"
        if top and char in "]}" and waits_for in {"end", "comma"}:
            yield from self._close_container(top, char)
        elif top and char == "," and waits_for == "comma":
            top.waits_for = "key" if isinstance(top.value, dict) else "value"
        elif top and char == ":" and waits_for == "colon":
            top.waits_for = "value"
        elif char == '"' and waits_for in {"key", "value", "end"}:
            self._mode, self._text, self._fresh = "string", [], []
        elif waits_for == "value" or (waits_for == "end" and top and isinstance(top.value, list)):
            self._begin_value(char)
        else:
            raise self._broken()

    def _begin_value(self, char: str) -> None:
        if char == "{":
            self._open.append(_Open(self._path, {}, "end"))
        elif char == "[":
            self._open.append(_Open(self._path, [], "end"))
        elif char in "-0123456789tfn":
            self._mode, self._text = "bare", [char]
        else:
            raise self._broken()

    def _close_container(self, top: _Open, char: str) -> Iterator[Piece | Value]:
        if (char == "}") != isinstance(top.value, dict):
            raise self._broken()
        self._open.pop()
        yield from self._finish(top.value)

    def _is_key(self) -> bool:
        if not self._open:
            return False
        top = self._open[-1]
        return isinstance(top.value, dict) and top.waits_for in {"end", "key"}

    def _in_string(self, char: str) -> Iterator[Piece | Value]:
        if self._escape:
            self._in_escape(char)
        elif char == "\\":
            self._escape = char
        elif char == '"':
            if self._high:
                raise self._broken()
            yield from self._pour()
            self._mode = "between"
            yield from self._end_string("".join(self._text))
        elif char < " " or self._high:
            raise self._broken()
        else:
            self._add(char)

    def _in_escape(self, char: str) -> None:
        self._escape += char
        if self._escape[1] != "u":
            if char not in _ESCAPES or self._high:
                raise self._broken()
            self._add(_ESCAPES[char])
            self._escape = ""
        elif len(self._escape) == 6:
            try:
                unit = int(self._escape[2:], 16)
            except ValueError as error:
                raise self._broken() from error
            self._escape = ""
            self._add_unit(unit)

    def _add_unit(self, unit: int) -> None:
        # A character beyond the first 65,536 comes as two escapes, a high and a low half.
        if self._high:
            if not 0xDC00 <= unit <= 0xDFFF:
                raise self._broken()
            self._add(chr(0x10000 + (self._high - 0xD800) * 0x400 + unit - 0xDC00))
            self._high = 0
        elif 0xD800 <= unit <= 0xDBFF:
            self._high = unit
        elif 0xDC00 <= unit <= 0xDFFF:
            raise self._broken()
        else:
            self._add(chr(unit))

    def _add(self, char: str) -> None:
        self._text.append(char)
        self._fresh.append(char)

    def _pour(self) -> Iterator[Piece]:
        if self._fresh and not self._is_key():
            yield Piece(self._path, "".join(self._fresh))
        self._fresh = []

    def _end_string(self, text: str) -> Iterator[Piece | Value]:
        if not self._is_key():
            yield from self._finish(text)
            return
        top = self._open[-1]
        if text in top.value:
            raise self._broken()
        top.key, top.waits_for = text, "colon"

    def _end_bare(self) -> Iterator[Piece | Value]:
        self._mode = "between"
        try:
            value = json.loads("".join(self._text))
        except ValueError as error:
            raise self._broken() from error
        yield from self._finish(value)

    def _finish(self, value: Any) -> Iterator[Piece | Value]:
        path = self._path
        if self._open:
            top = self._open[-1]
            if isinstance(top.value, dict):
                top.value[top.key] = value
            else:
                top.value.append(value)
            top.waits_for = "comma"
        else:
            self.done = True
        yield Value(path, value)

    def _broken(self) -> BrokenJson:
        return BrokenJson(f"not JSON at character {self._at}")
