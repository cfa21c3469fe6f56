"""Files that a counsellor drops on the page, as text: txt, md, docx, pdf, in whatever encoding they come."""

from __future__ import annotations

from pathlib import PurePath

from phyassist.errors import UnreadableFile
from phyassist.knowledge.documents import read_document
from phyassist.knowledge.plain_text import clean_text, decode_text, join_lines

UPLOAD_BYTES_MAX = 20_000_000
_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".docx", ".pdf")


def read_file(file_name: str, data: bytes, *, bytes_max: int = UPLOAD_BYTES_MAX) -> str:
    """The text of a file, without control characters.

    Raises UnreadableFile, naming what is wrong and never what is written in it.
    """
    name = PurePath(file_name.replace("\\", "/")).name or "file"
    suffix = PurePath(name).suffix.lower()
    if len(data) > bytes_max:
        raise UnreadableFile(
            f"{name} has {len(data):,} bytes and {bytes_max:,} are taken at once",
            hint="split it or paste a part",
        )
    if data.startswith(b"%PDF") or suffix == ".pdf":
        parts = read_document(name, "pdf", data).parts
        return clean_text("\n".join(join_lines(part.text) for part in parts))
    if suffix == ".docx":
        parts = read_document(name, "docx", data).parts
        return clean_text("\n".join(line for part in parts for line in (part.heading, part.text) if line))
    if suffix and suffix not in _SUFFIXES:
        raise UnreadableFile(
            f"{name} is not a kind of file that can be read", hint="use txt, md, docx or pdf"
        )
    return clean_text(decode_text(name, data))
