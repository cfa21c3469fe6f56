"""Word documents, PDFs, EPUB books and web pages as text, read in a process of its own.

What is read was made by somebody else, in formats that can ask for any amount of memory and time.  So the
reading is given little of both, can write no file, and takes nothing with it when it goes down.  The document
comes in and the text goes out through pipes; neither touches a disk.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from phyassist.errors import UnreadableFile
from phyassist.knowledge.markup import read_book, read_page

Form = Literal["docx", "pdf", "epub", "html"]

MEMORY_BYTES_MAX = 1_500_000_000
UNPACKED_BYTES_MAX = 60_000_000
ENTRIES_MAX = 5_000
_PIECE_BYTES = 65_536
# The entries of a package in which words stand.  Pictures, fonts and sounds cost nothing: they stay packed.
_WORDED = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".xht", ".html", ".htm")
_HEADING = re.compile(r"(?:Heading|Title|标题)\b", re.IGNORECASE)
# The reader is told nothing else: a setting may hold a key.
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")

_SENTENCES: dict[str, tuple[str, str]] = {
    "damaged docx": ("{name} cannot be opened as a Word document", "save it again as docx, or as txt"),
    "damaged pdf": ("{name} cannot be opened as a PDF", "save it again, or paste its words"),
    "damaged epub": ("{name} cannot be opened as an EPUB book", "convert it again, or save it as txt"),
    "damaged html": ("{name} cannot be opened as a web page", "save its words as txt"),
    "unpacks": ("{name} unpacks to far more than it is and is not opened", "save its words as txt"),
    "locked": ("{name} is protected by a password", "save it without one"),
    "pages": ("{name} has more than {pages_max:,} pages, and so many are read at once", "split it"),
    "pictures": (
        "{name} holds pictures of pages and no text",
        "run it through text recognition, or type what matters",
    ),
    "long": ("{name} holds more text than is taken at once", "split it or paste a part"),
    "heavy": ("{name} asks for more memory or time than is given to a file", "save its words as txt"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost.  `keeps_pictures`: one of pictures alone comes back as empty pages."""

    read_s: int
    pages_max: int
    chars_max: int
    keeps_pictures: bool = False


# A file that is dropped beside a consultation, and a book for the library.
INTAKE = Limits(60, 600, 5_000_000)
LIBRARY = Limits(600, 5_000, 20_000_000, keeps_pictures=True)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document: its page (0 where the format has none), its heading, its words."""

    page: int
    heading: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Read:
    """What stands in a document, and what it says of itself."""

    parts: tuple[Part, ...] = field(repr=False)
    title: str = field(default="", repr=False)
    author: str = field(default="", repr=False)
    year: str = ""
    language: str = ""


class _Refused(Exception):
    """Why a document is not read: a key of the sentences."""


def read_document(
    name: str, form: Form, data: bytes, *, limits: Limits = INTAKE, wait_s: float | None = None
) -> Read:
    """The words of a document.  Raises UnreadableFile, which names what is wrong and nothing of the words."""
    module = __spec__.name if __spec__ else __name__
    command = [sys.executable, "-P", "-m", module, form, json.dumps(asdict(limits))]
    variables = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    variables["PYTHONIOENCODING"] = "utf-8"
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module; the document is on its input alone
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables
    ) as reader:
        try:
            answer, _ = reader.communicate(data, timeout=limits.read_s if wait_s is None else wait_s)
        except subprocess.TimeoutExpired:
            reader.kill()
            raise _say("heavy", name, limits) from None
    # A reader that was stopped by its limits, or went down in foreign code, has not said anything.
    said = _parse(answer) if reader.returncode == 0 else {}
    read = _take(said)
    if read is None:
        raise _say(str(said.get("refused", "heavy")), name, limits)
    return read


def _parse(answer: bytes) -> dict[str, Any]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _take(said: dict[str, Any]) -> Read | None:
    """What the reader read, where it has the form that ours answers in."""
    try:
        parts = tuple(Part(int(page), str(heading), str(text)) for page, heading, text in said["parts"])
        return Read(parts, *(str(said[key]) for key in ("title", "author", "year", "language")))
    except (KeyError, TypeError, ValueError):
        return None


def _say(why: str, name: str, limits: Limits) -> UnreadableFile:
    what, hint = _SENTENCES.get(why, _SENTENCES["heavy"])
    # What is damaged is damaged in any form: the page has one sentence for all.
    reason = (why if why in _SENTENCES else "heavy").partition(" ")[0]
    return UnreadableFile(what.format(name=name, pages_max=limits.pages_max), hint=hint, reason=reason)


def read_docx(data: bytes) -> Read:
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    parts: list[tuple[str, list[str]]] = [("", [])]
    try:
        document = docx.Document(_repack(data, "damaged docx"))
        for block in document.iter_inner_content():
            if isinstance(block, docx.table.Table):
                parts[-1][1].extend(
                    "\t".join(dict.fromkeys(cell.text for cell in row.cells)) for row in block.rows
                )
            elif block.style is not None and _HEADING.match(block.style.name or "") and block.text.strip():
                parts.append((block.text.strip(), []))
            else:
                parts[-1][1].append(block.text)
        told = document.core_properties
        year = str(told.created.year) if told.created else ""
        title, author = told.title, told.author
    except (
        PackageNotFoundError,
        KeyError,
        ValueError,
        SyntaxError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        AttributeError,
        IndexError,
        NotImplementedError,
        RuntimeError,
    ):
        raise _Refused("damaged docx") from None
    kept = tuple(Part(0, heading, "\n".join(lines)) for heading, lines in parts if heading or lines)
    return Read(kept, title or "", author or "", year)


def read_epub(data: bytes) -> Read:
    try:
        with zipfile.ZipFile(_repack(data, "damaged epub")) as book:
            told, chapters = read_book({name: book.read(name) for name in book.namelist()})
    except (
        KeyError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ):
        raise _Refused("damaged epub") from None
    if not chapters:
        raise _Refused("damaged epub")
    return Read(tuple(Part(0, heading, text) for heading, text in chapters), *told)


def read_html(data: bytes) -> Read:
    told, parts = read_page(data)
    return Read(tuple(Part(0, heading, text) for heading, text in parts), *told)


def _repack(data: bytes, damaged: str) -> io.BytesIO:
    """The same package, unpacked in measured pieces: what an entry says of its own size is not believed.

    An entry without words keeps its place and loses its contents: others may name it.
    """
    packed, total = io.BytesIO(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(packed, "w") as taken:
        entries = given.infolist()
        claimed = sum(entry.file_size for entry in entries if _has_words(entry))
        if len(entries) > ENTRIES_MAX or claimed > UNPACKED_BYTES_MAX:
            raise _Refused("unpacks")
        for entry in entries:
            if not _has_words(entry):
                taken.writestr(entry.filename, b"")
                continue
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused(damaged)
            pieces: list[bytes] = []
            with given.open(entry) as file:
                while piece := file.read(_PIECE_BYTES):
                    total += len(piece)
                    if total > UNPACKED_BYTES_MAX:
                        raise _Refused("unpacks")
                    pieces.append(piece)
            taken.writestr(entry.filename, b"".join(pieces))
    packed.seek(0)
    return packed


def _has_words(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith(_WORDED)


def read_pdf(data: bytes, limits: Limits) -> Read:
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _Refused("locked")
        if len(reader.pages) > limits.pages_max:
            raise _Refused("pages")
        pages: list[str] = []
        chars = 0
        for page in reader.pages:
            pages.append(page.extract_text())
            chars += len(pages[-1])
            if chars > limits.chars_max:
                raise _Refused("long")
        told: Mapping[str, object] = reader.metadata or {}
        title, author = str(told.get("/Title") or ""), str(told.get("/Author") or "")
        year = str(told.get("/CreationDate") or "")[2:6]
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        NotImplementedError,
        OSError,
    ):
        raise _Refused("damaged pdf") from None
    if not limits.keeps_pictures and not any(char.isalnum() for page in pages for char in page):
        raise _Refused("pictures")
    return Read(tuple(Part(no, "", page) for no, page in enumerate(pages, 1)), title, author, year)


def limit_itself(read_s: int) -> None:
    """Memory, time and files of this process, where the system can hold a process to them."""
    try:
        import resource
    except ImportError:  # not on Windows: there the time alone is limited, by who waits
        return
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, read_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (lowest, lowest))


def main() -> None:
    """Read a document from the input; say its text, or why not, on the output."""
    limits = Limits(**json.loads(sys.argv[2]))
    limit_itself(limits.read_s)
    data = sys.stdin.buffer.read()
    try:
        if sys.argv[1] == "pdf":
            read = read_pdf(data, limits)
        else:
            read = {"docx": read_docx, "epub": read_epub, "html": read_html}[sys.argv[1]](data)
        said: dict[str, Any] = {**asdict(read), "parts": [[p.page, p.heading, p.text] for p in read.parts]}
        if sum(len(part.text) for part in read.parts) > limits.chars_max:
            said = {"refused": "long"}
    except _Refused as why:
        said = {"refused": str(why)}
    except UnreadableFile:
        # A page or a chapter whose bytes are no text, as those of a book under copy protection are.
        said = {"refused": f"damaged {sys.argv[1]}"}
    except MemoryError:
        said = {"refused": "heavy"}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
