"""The library on the page: documents, what a search found, and a document opened at a passage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.library import Document, Passage, Piece, Reference, Scope
from phyassist.services.library import may_change
from phyassist.web.desk import Desk
from phyassist.web.views.frame import Frame
from phyassist.web.wording import Words

_SHOWN_BEFORE, _SHOWN_AFTER = 6, 12


@dataclass(frozen=True, slots=True)
class DocumentRow:
    document_id: str
    title: str = field(repr=False)
    about: str = field(repr=False)
    scope: str
    scanned: str
    added: str
    may_change: bool


@dataclass(frozen=True, slots=True)
class PassageView:
    href: str
    title: str = field(repr=False)
    page: int
    heading: str = field(repr=False)
    text: str = field(repr=False)
    language: str


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """`waiting` counts passages that are searched by words alone; `meaning` says whether a model is there."""

    template: ClassVar[str] = "library.html"
    w: Words
    frame: Frame
    words: str = field(repr=False)
    found: tuple[PassageView, ...] = field(repr=False)
    documents: tuple[DocumentRow, ...] = field(repr=False)
    cards: tuple[DocumentRow, ...] = field(repr=False)
    meaning: bool
    waiting: int
    in_drafts: bool
    runs_practice: bool
    said: str
    problem: str


@dataclass(frozen=True, slots=True)
class PieceView:
    no: int
    page: int
    new_page: bool
    heading: str = field(repr=False)
    text: str = field(repr=False)
    here: bool


@dataclass(frozen=True, slots=True)
class DocumentPage:
    template: ClassVar[str] = "library_document.html"
    w: Words
    frame: Frame
    document: DocumentRow
    reference: Reference = field(repr=False)
    authors: str = field(repr=False)
    pieces: tuple[PieceView, ...] = field(repr=False)
    earlier: str
    later: str


def view_document(document: Document, desk: Desk) -> DocumentRow:
    told, w = document.reference, desk.w
    about = [w("risk.and").join(told.authors), str(told.year or ""), told.licence]
    if document.pages:
        about.append(w("library.pages", count=document.pages))
    about.append(w("library.passages", count=document.passages))
    scanned = ""
    if document.scanned:
        shown = w("risk.and").join(str(page) for page in document.scanned[:12])
        more = " …" if len(document.scanned) > 12 else ""
        scanned = w("library.scanned", pages=shown + more)
    return DocumentRow(
        document.id,
        document.title,
        " · ".join(each for each in about if each),
        document.scope.value,
        scanned,
        desk.when.day(document.added_at),
        may_change(desk.by, document),
    )


def view_passage(passage: Passage) -> PassageView:
    return PassageView(
        f"/library/{passage.document.id}?at={passage.no}#here",
        passage.document.title,
        passage.page,
        passage.heading,
        passage.text,
        "zh-Hans" if passage.document.reference.language == "zh" else "en",
    )


def make_library_page(
    desk: Desk,
    frame: Frame,
    documents: tuple[Document, ...],
    *,
    words: str = "",
    found: tuple[Passage, ...] = (),
    said: str = "",
    problem: str = "",
) -> LibraryPage:
    embedder = desk.house.embedder
    name = embedder.name if embedder is not None else ""
    kept = [each for each in documents if each.scope is not Scope.SHIPPED]
    cards = [
        each
        for each in documents
        if each.scope is Scope.SHIPPED and each.reference.language == desk.w.language
    ]
    return LibraryPage(
        w=desk.w,
        frame=frame,
        words=words,
        found=tuple(view_passage(each) for each in found),
        documents=tuple(view_document(each, desk) for each in kept),
        cards=tuple(view_document(each, desk) for each in cards),
        meaning=embedder is not None,
        waiting=sum(each.passages for each in kept if name and each.meaning != name),
        in_drafts=desk.practice.library_in_drafts,
        runs_practice=desk.by.runs_practice,
        said=said,
        problem=problem,
    )


def make_document_page(
    desk: Desk, frame: Frame, document: Document, pieces: tuple[Piece, ...], at: int
) -> DocumentPage:
    """A stretch of the document around passage `at`; `earlier` and `later` lead on."""
    first = max(0, at - _SHOWN_BEFORE)
    shown = pieces[first : at + _SHOWN_AFTER]
    views = tuple(
        PieceView(
            first + no,
            piece.page,
            piece.page > 0 and (no == 0 or shown[no - 1].page != piece.page),
            piece.heading if no == 0 or shown[no - 1].heading != piece.heading else "",
            piece.text,
            first + no == at,
        )
        for no, piece in enumerate(shown)
    )
    path = f"/library/{document.id}"
    last = first + len(shown)
    return DocumentPage(
        desk.w,
        frame,
        view_document(document, desk),
        document.reference,
        "; ".join(document.reference.authors),
        views,
        f"{path}?at={max(0, first - _SHOWN_AFTER)}" if first else "",
        f"{path}?at={last}" if last < len(pieces) else "",
    )
