"""Reading the letters off a page that is a picture, where Tesseract and Poppler are installed.

Both are programs of their own: a page of the PDF goes through pipes, and no file is written.
"""

from __future__ import annotations

import subprocess
from shutil import which

from phyassist.knowledge.files import Recognise

_PAGE_S_MAX = 60
_DOTS_PER_INCH = "200"
_WANTED = ("chi_sim", "eng")


def find_recogniser() -> Recognise | None:
    """What reads a page; None where the two programs, or a language of theirs, are not there."""
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
        return _run([tesseract, "stdin", "stdout", "-l", languages], picture).decode("utf-8", "replace")

    return recognise


def _run(command: list[str], data: bytes) -> bytes:
    """What a program says; nothing where it fails or takes too long: the page is named as unread then."""
    try:
        done = subprocess.run(  # noqa: S603 - found on the path; the document is on its input alone
            command, input=data, capture_output=True, timeout=_PAGE_S_MAX, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return b""
    return done.stdout if done.returncode == 0 else b""
