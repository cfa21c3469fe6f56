"""The library: its documents, adding to them, and the search."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.responses import Response

from phyassist.domain.library import DocumentId, Passage, Reference, Scope
from phyassist.errors import BadInput, TextTooLong
from phyassist.services.library import (
    add_file,
    apply_references,
    find_recogniser,
    is_reference_list,
    list_documents,
    load_known,
    read_references,
    read_text,
    remove_document,
    save_reference,
    search_passages,
)
from phyassist.services.patients import list_patients
from phyassist.services.practice import save_practice_settings
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute, make_fault
from phyassist.web.render import render
from phyassist.web.sought import Looked, open_words, show_sought
from phyassist.web.views.frame import Frame, make_frame
from phyassist.web.views.library import LibraryPage, make_document_page, make_library_page

router = APIRouter(route_class=PageRoute)
_SAID = ("added", "added_some", "known", "all_known", "references", "unchanged", "removed", "saved")


@router.get("/library")
def show_library(desk: AtDesk, sought: str = "", said: str = "") -> Response:
    found: tuple[Passage, ...] = ()
    words = open_words(desk.by, sought)
    if words:
        found = search_passages(desk.house.store, desk.by, words, embedder=desk.house.embedder)
    return render(
        _make_page(desk, words=words, found=found, said=desk.w(f"library.{said}") if said in _SAID else "")
    )


@router.post("/library/search")
def search_library(desk: AtDesk, words: Looked = "") -> Response:
    return show_sought(desk.by, "/library", words)


@router.post("/library")
def add_to_library(
    request: Request, desk: AtDesk, file: UploadFile, scope: Annotated[Scope, Form()] = Scope.OWN
) -> Response:
    """A document, or a reference manager's list; scripts send one file after the other and want JSON."""
    wants_json = "application/json" in request.headers.get("accept", "")
    try:
        became = _take(desk, file, Scope.PRACTICE if scope is Scope.PRACTICE else Scope.OWN)
    except BadInput as error:
        if wants_json:
            raise
        fault = make_fault(desk.w, error)
        return render(_make_page(desk, problem=f"{fault.what} {fault.next}"), status=422)
    if wants_json:
        return JSONResponse({"became": became, "said": desk.w(f"library.{became}")})
    return RedirectResponse(f"/library?said={became}", 303)


@router.post("/library/in-drafts")
def settle_in_drafts(desk: AtDesk, wanted: Annotated[str, Form()] = "") -> Response:
    """Whether an analysis is given passages: for the whole practice."""
    settings = replace(desk.practice, library_in_drafts=bool(wanted))
    save_practice_settings(desk.house.store, desk.by, settings)
    return RedirectResponse("/library?said=saved", 303)


@router.get("/library/{document_id}")
def show_document(desk: AtDesk, document_id: DocumentId, at: Annotated[int, Query(ge=0)] = 0) -> Response:
    document, pieces = read_text(desk.house.store, desk.by, document_id)
    at = min(at, max(0, len(pieces) - 1))
    return render(make_document_page(desk, _frame(desk), document, pieces, at))


@router.post("/library/{document_id}")
def change_document(
    desk: AtDesk,
    document_id: DocumentId,
    *,
    title: Annotated[str, Form()],
    authors: Annotated[str, Form()] = "",
    year: Annotated[str, Form()] = "",
    licence: Annotated[str, Form()] = "",
    source: Annotated[str, Form()] = "",
) -> Response:
    before, _ = read_text(desk.house.store, desk.by, document_id)
    names = tuple(name.strip() for name in authors.replace("；", ";").split(";") if name.strip())
    told = Reference(
        title.strip() or before.title,
        names,
        read_year(year),
        before.reference.language,
        licence.strip(),
        source.strip(),
    )
    save_reference(desk.house.store, desk.by, document_id=document_id, reference=told)
    return RedirectResponse(f"/library/{document_id}", 303)


@router.post("/library/{document_id}/remove")
def remove_from_library(desk: AtDesk, document_id: DocumentId) -> Response:
    remove_document(desk.house.store, desk.by, document_id=document_id)
    return RedirectResponse("/library?said=removed", 303)


def read_year(typed: str) -> int | None:
    """The year in "2019" or "2019年", None where none is given.  Raises BadInput for anything else."""
    if not typed.strip():
        return None
    found = re.fullmatch(r"\D*(\d{4})\D*", typed)
    if found is None:
        raise BadInput("this is no year", hint="give its four digits", reason="no-year")
    return int(found[1])


def _take(desk: Desk, file: UploadFile, scope: Scope) -> str:
    """What became of a file, as the page's words name it.  Raises BadInput."""
    house = desk.house
    data = file.file.read(house.upload_bytes_max + 1)
    if len(data) > house.upload_bytes_max:
        raise TextTooLong(
            "the file is larger than an upload may be", hint="phyassist library add takes it", reason="large"
        )
    name = file.filename or ""
    if is_reference_list(name):
        changed = apply_references(house.store, desk.by, read_references(name, data))
        return "references" if changed else "unchanged"
    known = load_known(house.store, desk.by)
    added = add_file(
        house.store, desk.by, file=(name, data), scope=scope, known=known, recognise=find_recogniser()
    )
    if house.shelver is not None:
        house.shelver.embed_soon(desk.by)
    return "added" if any(each.state == "added" for each in added) else "known"


def _make_page(desk: Desk, **shown: object) -> LibraryPage:
    documents = list_documents(desk.house.store, desk.by)
    return make_library_page(desk, _frame(desk), documents, **shown)  # type: ignore[arg-type]


def _frame(desk: Desk) -> Frame:
    return make_frame(desk, list_patients(desk.house.store, desk.by), tab="library")
