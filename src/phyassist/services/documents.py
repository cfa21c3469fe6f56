"""Word documents and PDFs as text, read in a process of its own.

What is read was made by somebody else, in formats that can ask for any amount of memory and time.  So the
reading is given little of both, can write no file, and takes nothing with it when it goes down.  The document
comes in and the text goes out through pipes; neither touches a disk.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from contextlib import suppress
from typing import Literal

from phyassist.errors import UnreadableFile

Form = Literal["docx", "pdf"]

READ_S_MAX = 60
MEMORY_BYTES_MAX = 1_500_000_000
TEXT_CHARS_MAX = 5_000_000
UNPACKED_BYTES_MAX = 60_000_000
ENTRIES_MAX = 5_000
PDF_PAGES_MAX = 600
_PIECE_BYTES = 65_536
# The reader is told nothing else: a setting may hold a key.
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")

_SENTENCES: dict[str, tuple[str, str]] = {
    "damaged docx": ("{name} cannot be opened as a Word document", "save it again as docx, or as txt"),
    "damaged pdf": ("{name} cannot be opened as a PDF", "save it again, or paste its words"),
    "unpacks": ("{name} unpacks to far more than it is and is not opened", "save its words as txt"),
    "locked": ("{name} is protected by a password", "save it without one"),
    "pages": (f"{{name}} has more than {PDF_PAGES_MAX} pages, and so many are read at once", "split it"),
    "pictures": (
        "{name} holds pictures of pages and no text",
        "run it through text recognition, or type what matters",
    ),
    "long": ("{name} holds more text than is taken at once", "split it or paste a part"),
    "heavy": ("{name} asks for more memory or time than is given to a file", "save its words as txt"),
}


class _Refused(Exception):
    """Why a document is not read: a key of the sentences."""


def read_document(name: str, form: Form, data: bytes, *, wait_s: float = READ_S_MAX) -> str:
    """The words of a document.  Raises UnreadableFile, which names what is wrong and nothing of the words."""
    command = [sys.executable, "-P", "-m", __spec__.name if __spec__ else __name__, form]
    variables = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    variables["PYTHONIOENCODING"] = "utf-8"
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module; the document is on its input alone
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables
    ) as reader:
        try:
            answer, _ = reader.communicate(data, timeout=wait_s)
        except subprocess.TimeoutExpired:
            reader.kill()
            raise _say("heavy", name) from None
    # A reader that was stopped by its limits, or went down in foreign code, has not said anything.
    said = _parse(answer) if reader.returncode == 0 else {"refused": "heavy"}
    if "text" in said:
        return said["text"]
    raise _say(said.get("refused", "heavy"), name)


def _parse(answer: bytes) -> dict[str, str]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


def _say(why: str, name: str) -> UnreadableFile:
    what, hint = _SENTENCES.get(why, _SENTENCES["heavy"])
    return UnreadableFile(what.format(name=name), hint=hint)


def read_docx(data: bytes) -> str:
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        document = docx.Document(_repack(data))
        blocks: list[str] = []
        for block in document.iter_inner_content():
            if isinstance(block, docx.table.Table):
                blocks += ["\t".join(dict.fromkeys(cell.text for cell in row.cells)) for row in block.rows]
            else:
                blocks.append(block.text)
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
    return "\n".join(blocks)


def _repack(data: bytes) -> io.BytesIO:
    """The same package, unpacked in measured pieces: what an entry says of its own size is not believed."""
    packed, total = io.BytesIO(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(packed, "w") as taken:
        entries = given.infolist()
        if len(entries) > ENTRIES_MAX or sum(entry.file_size for entry in entries) > UNPACKED_BYTES_MAX:
            raise _Refused("unpacks")
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused("damaged docx")
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


def read_pdf(data: bytes) -> str:
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _Refused("locked")
        if len(reader.pages) > PDF_PAGES_MAX:
            raise _Refused("pages")
        pages: list[str] = []
        for page in reader.pages:
            pages.append(page.extract_text())
            if sum(len(each) for each in pages) > TEXT_CHARS_MAX:
                raise _Refused("long")
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
    if not any(char.isalnum() for page in pages for char in page):
        raise _Refused("pictures")
    return "\f".join(pages)


def limit_itself() -> None:
    """Memory, time and files of this process, where the system can hold a process to them."""
    try:
        import resource
    except ImportError:  # not on Windows: there the time alone is limited, by who waits
        return
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, READ_S_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (lowest, lowest))


def main() -> None:
    """Read a document from the input; say its text, or why not, on the output."""
    limit_itself()
    data = sys.stdin.buffer.read()
    try:
        text = read_docx(data) if sys.argv[1] == "docx" else read_pdf(data)
        said = {"text": text} if len(text) <= TEXT_CHARS_MAX else {"refused": "long"}
    except _Refused as why:
        said = {"refused": str(why)}
    except MemoryError:
        said = {"refused": "heavy"}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
