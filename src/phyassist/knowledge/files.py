"""A file of the library as documents: what each is called, and its parts with their pages."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from phyassist.domain.library import Reference
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import guess_language
from phyassist.errors import EmptyText, UnreadableFile
from phyassist.knowledge.documents import LIBRARY, Form, Part, Read, read_document
from phyassist.knowledge.plain_text import clean_text, decode_text, join_lines

FORMS: Mapping[str, str] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".epub": "epub",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "md",
    ".markdown": "md",
    ".txt": "txt",
    ".text": "txt",
    ".csv": "csv",
}
_IN_CHILD: Mapping[str, Form] = {"pdf": "pdf", "docx": "docx", "epub": "epub", "html": "html"}
# The columns of a table of questions and answers, by the names that such tables give them.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "question": ("questiontitle", "question", "问题", "title", "query"),
    "details": ("questiontext", "details", "description", "描述", "补充"),
    "answer": ("answertext", "answer", "response", "回答", "答案"),
    "topic": ("topic", "category", "label", "主题", "类别"),
}
_MD_HEADING = re.compile(r"^#{1,3}\s+(.+?)\s*#*$", re.MULTILINE)
# What a word processor puts where a title belongs.
_NO_TITLE = re.compile(
    r"^(?:microsoft word|untitled|无标题|slide 1|powerpoint)|\.(?:docx?|pdf|indd|tex|dvi)$", re.I
)
_YEAR = re.compile(r"^(?:1[89]|20)\d\d$")
_PAGE_CHARS_LEAST = 12
# Reads the letters off a page that is a picture: the bytes of a PDF and the page's number in, text out.
Recognise = Callable[[bytes, int], str]


@dataclass(frozen=True, slots=True)
class Readable:
    """A document as it was read.  `scanned` are pages without text, `recognised` those read off a picture."""

    reference: Reference
    form: str
    digest: str
    parts: tuple[Part, ...] = field(repr=False)
    pages: int = 0
    scanned: tuple[int, ...] = ()
    recognised: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts)


def is_readable(name: str) -> bool:
    """Whether a file of this name is one that the library takes."""
    return PurePath(name).suffix.lower() in FORMS


def read_documents(name: str, data: bytes, *, recognise: Recognise | None = None) -> tuple[Readable, ...]:
    """The documents of a file: one, or one for each topic of a table of questions and answers.

    Raises UnreadableFile, EmptyText where there are no words and no pages to recognise.
    """
    name = PurePath(name.replace("\\", "/")).name or "file"
    form = "pdf" if data.startswith(b"%PDF") else FORMS.get(PurePath(name).suffix.lower())
    if form is None:
        raise UnreadableFile(
            f"{name} is not a kind of file that the library reads",
            hint="use pdf, docx, epub, html, md, txt or csv",
            reason="kind",
        )
    digest = hashlib.sha256(data).hexdigest()
    if form == "csv":
        return _read_table(name, decode_text(name, data), digest)
    if form in _IN_CHILD:
        read = read_document(name, _IN_CHILD[form], data, limits=LIBRARY)
    else:
        read = Read(_split_headings(clean_text(decode_text(name, data))))
    readable = _make_readable(name, form, digest, read)
    return (readable if form != "pdf" else _look_at_pages(readable, data, recognise),)


def _look_at_pages(read: Readable, data: bytes, recognise: Recognise | None) -> Readable:
    """The lines of each page put together; a page without text is recognised, or said to be scanned."""
    parts = list(read.parts)
    scanned: list[int] = []
    recognised: list[int] = []
    for at, part in enumerate(parts):
        if sum(char.isalnum() for char in part.text) >= _PAGE_CHARS_LEAST:
            parts[at] = replace(part, text=join_lines(part.text))
            continue
        seen = clean_text(recognise(data, part.page)) if recognise is not None else ""
        if sum(char.isalnum() for char in seen) >= _PAGE_CHARS_LEAST:
            parts[at] = replace(part, text=join_lines(seen))
            recognised.append(part.page)
        else:
            scanned.append(part.page)
    return replace(read, parts=tuple(parts), scanned=tuple(scanned), recognised=tuple(recognised))


def _make_readable(name: str, form: str, digest: str, read: Read) -> Readable:
    parts = [
        replace(part, text=clean_text(part.text), heading=clean_text(part.heading)) for part in read.parts
    ]
    if not any(char.isalnum() for part in parts for char in part.text) and form != "pdf":
        raise EmptyText(f"{name} holds no words", hint="choose another file", reason="empty")
    text = "\n".join(part.text for part in parts[:50])
    return Readable(
        Reference(
            title=_title(read, name, parts),
            authors=_authors(read.author),
            year=int(read.year) if _YEAR.match(read.year) else None,
            language=_language(read.language, text),
        ),
        form,
        digest,
        tuple(parts),
        max((part.page for part in parts), default=0),
    )


def _title(read: Read, name: str, parts: list[Part]) -> str:
    """What the document calls itself, else its first heading where it begins with one, else its file."""
    told = " ".join(clean_text(read.title).split())
    if told and not _NO_TITLE.search(told):
        return told[:300]
    first = parts[0].heading if parts else ""
    return first[:300] or PurePath(name).stem


def _authors(told: str) -> tuple[str, ...]:
    names = (" ".join(clean_text(each).split()) for each in re.split(r"[;；]| and |、", told))
    return tuple(each[:100] for each in names if each)[:20]


def _language(told: str, text: str) -> Language:
    if told[:2].lower() in {"zh", "en"}:
        return "zh" if told[:2].lower() == "zh" else "en"
    return guess_language(text)


def _split_headings(text: str) -> tuple[Part, ...]:
    """A Markdown text by its headings of the first three levels; any other is one part."""
    parts, heading, at = [], "", 0
    for found in _MD_HEADING.finditer(text):
        parts.append(Part(0, heading, text[at : found.start()].strip()))
        heading, at = found.group(1), found.end()
    parts.append(Part(0, heading, text[at:].strip()))
    # The first heading of a text that goes on below it is the title of the whole.
    return tuple(part for no, part in enumerate(parts) if part.text or (part.heading and no == 1))


def _read_table(name: str, text: str, digest: str) -> tuple[Readable, ...]:
    csv.field_size_limit(10_000_000)
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
    except csv.Error:
        raise UnreadableFile(
            f"{name} is not a table in CSV", hint="save it as CSV in UTF-8", reason="table"
        ) from None
    names = {(key or "").strip().lower(): key for key in (rows[0] if rows else {})}
    columns = {
        what: next((names[each] for each in spelled if each in names), None)
        for what, spelled in _COLUMNS.items()
    }
    if columns["question"] is None or columns["answer"] is None:
        raise UnreadableFile(
            f"{name} has no columns for questions and answers",
            hint="name them question and answer",
            reason="table",
        )
    topics: dict[str, list[Part]] = {}
    for row in rows:
        cells = {what: clean_text(row.get(key) or "").strip() for what, key in columns.items() if key}
        if cells["answer"]:
            asked = "\n".join(each for each in (cells.get("details", ""), cells["answer"]) if each)
            heading = " ".join(cells["question"].split())
            topics.setdefault(cells.get("topic", ""), []).append(Part(0, heading, asked))
    if not topics:
        raise EmptyText(f"{name} holds no answers", hint="choose another file", reason="empty")
    stem = PurePath(name).stem.replace("_", " ")
    return tuple(
        Readable(
            Reference(f"{stem}: {topic}" if topic else stem, language=guess_language(parts[0].text)),
            "csv",
            f"{digest}/{topic}",
            tuple(parts),
        )
        for topic, parts in sorted(topics.items())
    )
