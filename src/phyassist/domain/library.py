"""The library: documents, the passages that they are searched by, and whose they are.

Nothing of a patient is ever in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.people import Language

DocumentId = NewType("DocumentId", str)


class Scope(StrEnum):
    """Whose a document is: one counsellor's own, everybody's of the practice, or PhyAssist's own cards."""

    OWN = "own"
    PRACTICE = "practice"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a document is called and where it comes from; an empty field is not known."""

    title: str = field(default="", repr=False)
    authors: tuple[str, ...] = field(default=(), repr=False)
    year: int | None = None
    language: Language | None = None
    licence: str = ""
    source: str = field(default="", repr=False)

    def filled_from(self, other: Reference) -> Reference:
        """This reference, with what it does not know taken from another one."""
        return Reference(
            self.title or other.title,
            self.authors or other.authors,
            self.year or other.year,
            self.language or other.language,
            self.licence or other.licence,
            self.source or other.source,
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A card of the library.  `pages` is 0 where the file knows no pages; `scanned` are pages without text.

    `meaning` names the model whose vectors are kept for its passages, empty where none are.
    `digest` is that of the file's bytes, `file` its name, empty where none was kept.
    `sketch` tells texts that are nearly the same.
    """

    id: DocumentId
    scope: Scope
    reference: Reference
    form: str
    pages: int
    passages: int
    added_at: datetime | None = None
    scanned: tuple[int, ...] = ()
    recognised: tuple[int, ...] = ()
    meaning: str = ""
    added_by: str = ""
    digest: str = field(default="", repr=False)
    sketch: tuple[int, ...] = field(default=(), repr=False)
    file: str = field(default="", repr=False)

    @property
    def title(self) -> str:
        return self.reference.title


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document as it is kept: `page` is 0 where there are none."""

    page: int
    heading: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece that was found, with its document.  Scores of one search are compared, never those of two."""

    document: Document
    no: int
    page: int
    heading: str = field(repr=False)
    text: str = field(repr=False)
    score: float = 0.0

    @property
    def id(self) -> str:
        """What names it in an address and in a draft: the document and the number of the piece."""
        return f"{self.document.id}-{self.no}"


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that an item rests on or a prompt held, with the words that it is cited for, verbatim.

    Title and page stand here as they were: a document may be removed later.
    """

    passage_id: str
    title: str = field(repr=False)
    page: int
    quote: str = field(default="", repr=False)


def parse_passage_id(text: str) -> tuple[DocumentId, int]:
    """The document and the number of a piece.  A text that names none gives number -1."""
    document, _, number = text.rpartition("-")
    return DocumentId(document), int(number) if number.isdecimal() else -1


def with_score(passage: Passage, score: float) -> Passage:
    return replace(passage, score=score)
