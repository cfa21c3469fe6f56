"""A reference manager's export (BibTeX, RIS, CSL-JSON): which document is called what."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from phyassist.domain.folding import fold
from phyassist.domain.library import Reference
from phyassist.domain.people import Language
from phyassist.errors import UnreadableFile
from phyassist.knowledge.plain_text import decode_text

SUFFIXES = (".bib", ".ris", ".json")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_FILE = re.compile(r"[^/\\:;{}]+\.(?:pdf|docx|epub|html?|md|txt)", re.IGNORECASE)
_TITLE_LEAST = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One reference, and the names of the files that the manager keeps for it."""

    reference: Reference
    files: tuple[str, ...] = ()


def read_references(name: str, data: bytes) -> tuple[Entry, ...]:
    """Every reference of an export that has a title.  Raises UnreadableFile."""
    text, suffix = decode_text(name, data), PurePath(name).suffix.lower()
    readers = {".bib": _read_bibtex, ".ris": _read_ris, ".json": _read_csl}
    if suffix not in readers:
        raise UnreadableFile(
            f"{name} is no list of references", hint="export it as bib, ris or CSL JSON", reason="list"
        )
    try:
        found = tuple(entry for entry in readers[suffix](text) if entry.reference.title)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise UnreadableFile(
            f"{name} is damaged and cannot be read", hint="export it again", reason="list"
        ) from None
    return found


def find_entry(entries: Sequence[Entry], file_name: str, title: str, text: str) -> Entry | None:
    """The reference of a document: by its file, else by its title, which its text begins with."""
    own = PurePath(file_name.replace("\\", "/")).name.casefold()
    for entry in entries:
        if own in (each.casefold() for each in entry.files):
            return entry
    names = {_plain(title), _plain(PurePath(own).stem)}
    beginning = _plain(text[:3000])
    best: Entry | None = None
    for entry in entries:
        wanted = _plain(entry.reference.title)
        fits = wanted in names or (len(wanted) >= _TITLE_LEAST and wanted in beginning)
        if fits and (best is None or len(wanted) > len(_plain(best.reference.title))):
            best = entry
    return best


def _plain(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


def _read_bibtex(text: str) -> Iterable[Entry]:
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware, SeparateCoAuthors

    # The parser tells its own log of every entry that it cannot read; what it can is kept.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    library = parse_string(text, append_middleware=[LatexDecodingMiddleware(), SeparateCoAuthors()])
    for entry in library.entries:
        told = {field.key.lower(): field.value for field in entry.fields}
        authors = told.get("author") or told.get("editor") or ()
        yield _entry(
            {key: str(value) for key, value in told.items() if isinstance(value, str)},
            authors=[authors] if isinstance(authors, str) else list(authors),
        )


def _read_ris(text: str) -> Iterable[Entry]:
    import rispy

    for told in rispy.loads(text):
        files = " ".join(
            str(each) for key in ("file_attachments1", "file_attachments2") for each in _many(told.get(key))
        )
        yield _entry(
            {
                "title": str(told.get("title") or told.get("primary_title") or ""),
                "year": str(told.get("year") or told.get("publication_year") or told.get("date") or ""),
                "doi": str(told.get("doi") or ""),
                "url": " ".join(str(each) for each in _many(told.get("urls"))),
                "language": str(told.get("language") or ""),
                "file": files,
            },
            authors=_many(told.get("authors") or told.get("first_authors")),
        )


def _read_csl(text: str) -> Iterable[Entry]:
    told = json.loads(text)
    for item in told if isinstance(told, list) else told.get("items", []):
        issued = item.get("issued") or {}
        parts = issued.get("date-parts") or [[issued.get("raw", "")]]
        yield _entry(
            {
                "title": str(item.get("title", "")),
                "year": str(parts[0][0]) if parts and parts[0] else "",
                "doi": str(item.get("DOI", "")),
                "url": str(item.get("URL", "")),
                "language": str(item.get("language", "")),
                "licence": str(item.get("license", "")),
            },
            authors=[
                str(each.get("literal") or " ".join(filter(None, (each.get("given"), each.get("family")))))
                for each in item.get("author", ())
            ],
        )


def _entry(told: Mapping[str, str], *, authors: Sequence[Any]) -> Entry:
    year = _YEAR.search(told.get("year") or told.get("date") or "")
    doi = told.get("doi", "").removeprefix("https://doi.org/")
    return Entry(
        Reference(
            title=" ".join(re.sub(r"[{}]", "", told.get("title", "")).split()),
            authors=tuple(" ".join(str(each).split()) for each in authors if str(each).strip()),
            year=int(year.group()) if year else None,
            language=_language(told.get("language") or told.get("langid") or ""),
            licence=told.get("licence") or told.get("license") or told.get("copyright") or "",
            source=f"https://doi.org/{doi}" if doi else told.get("url", ""),
        ),
        tuple(name.strip() for name in _FILE.findall(told.get("file", ""))),
    )


def _language(told: str) -> Language | None:
    lowered = told.lower()
    if lowered.startswith(("zh", "chi", "中")):
        return "zh"
    return "en" if lowered.startswith(("en", "am")) else None


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
