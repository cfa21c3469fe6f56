"""Bytes as text, whatever the encoding, without what no one can see."""

from __future__ import annotations

import re
import unicodedata

from phyassist.errors import UnreadableFile

_BINARY_HEADS = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"MZ",
    b"\x7fELF",
    b"Rar!",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"\xd0\xcf\x11\xe0",
)
# Tabs and line ends stay; everything else that no one can see goes, direction marks included.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufff9-\ufffb]"
)
# PDFs often spell whole characters as the radicals that look the same, by which no search would find them.
# Unicode itself equates the Kangxi radicals with their characters, of the supplement only two.
_KANGXI = [chr(code) for code in (0x2E9F, 0x2EF3, *range(0x2F00, 0x2FD6))]
_RADICALS = str.maketrans(
    "".join([*_KANGXI, "⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰"]),
    unicodedata.normalize("NFKC", "".join(_KANGXI))
    + "民虎西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿龙",
)
_SENTENCE_END = "。！？!?；;：:.…”\"'」』）)"


def clean_text(text: str) -> str:
    """The text with line ends as newlines, characters for radicals, nothing invisible and no control code."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n").replace("\u2028", "\n")
    return _CONTROL.sub("", lines.translate(_RADICALS))


def decode_text(name: str, data: bytes) -> str:
    """Bytes as text: UTF-8, UTF-16, GB18030, Windows Latin, or lines of different ones.

    Raises UnreadableFile for what is no text.
    """
    marked = _decode_marked(data)
    if marked is not None:
        return marked
    if data.startswith(_BINARY_HEADS) or data.startswith(b"PK\x03\x04") or b"\x00" in data:
        raise UnreadableFile(f"{name} is not text", hint="save its words as txt in UTF-8", reason="text")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode_unmarked(data)
    strange = sum(
        1 for char in text if char == "\ufffd" or (ord(char) < 32 and char not in "\t\n\r\x0b\x0c\x1b")
    )
    if strange > max(2, len(text) // 50):
        raise UnreadableFile(
            f"{name} is not text in an encoding that is known here", hint="save it as UTF-8", reason="text"
        )
    return text


def _decode_marked(data: bytes) -> str | None:
    """Text that says its encoding by a mark, or by the zeros that UTF-16 puts between Latin letters."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    zeros_even, zeros_odd = data[0:400:2].count(0), data[1:400:2].count(0)
    half = max(1, min(len(data), 400) // 2)
    for zeros, others, encoding in (
        (zeros_odd, zeros_even, "utf-16-le"),
        (zeros_even, zeros_odd, "utf-16-be"),
    ):
        if zeros >= max(2, half // 20) and others == 0 and len(data) % 2 == 0:
            return data.decode(encoding, errors="replace")
    return None


def _decode_unmarked(data: bytes) -> str:
    """Text that is not UTF-8 as a whole: each line in the encoding it is valid in."""
    lines: list[str] = []
    for line in data.splitlines(keepends=True):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            lines.append(_decode_line(line))
    return "".join(lines)


def _decode_line(line: bytes) -> str:
    # Chinese in GB18030 comes in pairs of high bytes; in Windows Latin a high byte stands alone.
    alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", line))
    together = len(re.findall(rb"[\x80-\xff]{2}", line))
    if alone > together:
        return line.decode("cp1252", errors="replace")
    return line.decode("gb18030", errors="replace")


def join_lines(page: str) -> str:
    """A page's lines put together where a sentence runs on: a PDF breaks lines where the paper ends."""
    joined: list[str] = []
    longest = max((len(line) for line in page.splitlines()), default=0)
    runs_on = False
    for line in (line.rstrip() for line in page.splitlines()):
        if runs_on and line.strip() and joined:
            space = " " if joined[-1][-1:].isascii() and line[:1].isascii() else ""
            joined[-1] += space + line.strip()
        else:
            joined.append(line)
        runs_on = len(line) > longest * 0.75 and line[-1:] not in _SENTENCE_END
    return "\n".join(joined)
