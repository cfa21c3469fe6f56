"""Documents cut into passages: whole sentences, a page's or a heading's own, about as long as a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from phyassist.domain.library import Piece
from phyassist.knowledge.documents import Part

# A Chinese character says about as much as two and a half letters.
_HAN = re.compile(r"[\u3400-\u9fff]")
WIDTH_MAX = 900
_HAN_WIDTH = 2.5
_SENTENCE = re.compile(r"[^。！？!?.;；\n]*(?:[。！？!?；;]+[”’」』）)\"']*|\.+(?=\s|$)[”’)\"']*|\n+|\.|$)")
_BROKEN_WORD = re.compile(r"(?<=[a-z])-\n(?=[a-z])")


def cut_passages(parts: Iterable[Part]) -> tuple[Piece, ...]:
    """The passages of a document, in their order; what has no word in it is in none."""
    return tuple(piece for part in parts for piece in _cut_part(part))


def _cut_part(part: Part) -> Iterator[Piece]:
    kept: list[str] = []
    width = 0.0
    for sentence in _sentences(_BROKEN_WORD.sub("", part.text)):
        more = _width(sentence)
        if kept and width + more > WIDTH_MAX:
            yield Piece(part.page, part.heading, _join(kept))
            kept, width = [], 0.0
        kept.append(sentence)
        width += more
    text = _join(kept)
    if any(char.isalnum() for char in text):
        yield Piece(part.page, part.heading, text)


def _sentences(text: str) -> Iterator[str]:
    """Sentences with the space after them; one that is longer than a passage is cut where a word ends."""
    for found in _SENTENCE.finditer(text):
        sentence = found.group()
        while _width(sentence) > WIDTH_MAX:
            most = WIDTH_MAX if not _HAN.search(sentence) else int(WIDTH_MAX / _HAN_WIDTH)
            at = sentence.rfind(" ", most // 2, most)
            at = at if at > 0 else most
            yield sentence[:at]
            sentence = sentence[at:]
        if sentence:
            yield sentence


def _width(text: str) -> float:
    return len(text) + (_HAN_WIDTH - 1) * len(_HAN.findall(text))


def _join(sentences: list[str]) -> str:
    lines = (" ".join(line.split()) for line in "".join(sentences).split("\n"))
    return "\n".join(line for line in lines if line)
