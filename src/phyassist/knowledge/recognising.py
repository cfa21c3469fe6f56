"""Reading the letters off a page that is a picture, where Tesseract and Poppler are installed.

Both are programs of their own: a page of the PDF goes through pipes, and no file is written.

Tesseract comes with English alone, and reads a Chinese page as Latin letters all the same.  It says how sure
it is of them: on legible pages of English, clean and poor, 84 or more of a hundred on average; of Chinese 18
or less; of half and half 58 or less.  Its guess of the script was wrong on three of ten pages in Chinese.
"""

from __future__ import annotations

import subprocess
from itertools import groupby
from shutil import which
from statistics import fmean

from phyassist.knowledge.files import Recognise

_PAGE_S_MAX = 60
_DOTS_PER_INCH = "200"
_WANTED = ("chi_sim", "eng")
_SURE_LEAST = 70.0
# The columns of Tesseract's table: a word's block, paragraph and line, how sure it is, and its letters.
_WORD_LEVEL, _PARAGRAPH, _LINE, _SURE, _LETTERS = "5", slice(1, 4), slice(1, 5), 10, 11


def find_recogniser() -> Recognise | None:
    """What reads a page; None where the two programs, or a language of theirs, are not there.

    Without Chinese (Debian's tesseract-ocr-chi-sim) a page that is no English stays unread.
    """
    tesseract, painter = which("tesseract"), which("pdftoppm")
    if tesseract is None or painter is None:
        return None
    there = _run([tesseract, "--list-langs"], b"").decode("utf-8", "replace").split()
    languages = "+".join(each for each in _WANTED if each in there)
    if not languages:
        return None

    def recognise(data: bytes, page: int) -> str:
        number = str(page)
        paint = [
            painter,
            "-r",
            _DOTS_PER_INCH,
            "-gray",
            "-png",
            "-f",
            number,
            "-l",
            number,
            "-singlefile",
            "-",
        ]
        picture = _run(paint, data)
        if not picture:
            return ""
        ask = [tesseract, "stdin", "stdout", "-l", languages]
        if "chi_sim" in there:
            return _run(ask, picture).decode("utf-8", "replace")
        table = _run([*ask, "-c", "tessedit_create_tsv=1"], picture)
        return take_if_sure(table.decode("utf-8", "replace"))

    return recognise


def take_if_sure(table: str) -> str:
    """The text of Tesseract's table of words, line by line; nothing where it is unsure of the letters."""
    rows = [row.split("\t") for row in table.splitlines()]
    words = [row for row in rows if row[0] == _WORD_LEVEL and len(row) > _LETTERS and row[_LETTERS].strip()]
    if not words or fmean(float(row[_SURE]) for row in words) < _SURE_LEAST:
        return ""
    paragraphs = (
        "\n".join(
            " ".join(row[_LETTERS] for row in line) for _, line in groupby(some, lambda row: row[_LINE])
        )
        for _, some in groupby(words, lambda row: row[_PARAGRAPH])
    )
    return "\n\n".join(paragraphs)


def _run(command: list[str], data: bytes) -> bytes:
    """What a program says; nothing where it fails or takes too long: the page is named as unread then."""
    try:
        done = subprocess.run(  # noqa: S603 - found on the path; the document is on its input alone
            command, input=data, capture_output=True, timeout=_PAGE_S_MAX, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return b""
    return done.stdout if done.returncode == 0 else b""
