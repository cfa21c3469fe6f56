"""A draft as a whole: writing, regenerating, versions, discarding, and the note that it becomes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.domain.drafts import DraftId, ItemId, Section
from phyassist.errors import ChangedMeanwhile
from phyassist.services.drafting import discard_draft, list_versions, restore_version
from phyassist.services.looking import get_draft, get_draft_to_change
from phyassist.services.patients import load_patient, may_write
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import FaultAlert, PageRoute, make_fault
from phyassist.web.render import render
from phyassist.web.runs import Wanted, address_of, stream_draft, view_writing
from phyassist.web.views.consultation import ActionsFragment, DraftRunFragment, RunView, name_notes
from phyassist.web.views.drafting import (
    DraftFragment,
    DraftView,
    OldVersionFragment,
    VersionsFragment,
    view_draft,
    view_versions,
)

router = APIRouter(route_class=PageRoute)
Version = Annotated[int, Form()]


@router.get("/drafts/{draft_id}")
def open_draft(desk: AtDesk, draft_id: DraftId) -> Response:
    draft = get_draft(desk.house.store, desk.by, draft_id=draft_id)
    where = f"/patients/{draft.patient_id}/consultations/{draft.consultation_id}?draft={draft_id}"
    return RedirectResponse(where, 303)


@router.get("/drafts/{draft_id}/stream")
def run_draft(
    desk: AtDesk,
    draft_id: DraftId,
    *,
    after: int,
    redo: str = "",
    items: Annotated[tuple[ItemId, ...], Query()] = (),
    section: Section | None = None,
) -> Response:
    draft = get_draft_to_change(desk.house.store, desk.by, draft_id=draft_id)
    return stream_draft(desk, draft, Wanted(after, bool(redo), items or None, section))


@router.post("/drafts/{draft_id}/stop")
def stop_draft(desk: AtDesk, draft_id: DraftId) -> Response:
    desk.house.runs.stop(get_draft_to_change(desk.house.store, desk.by, draft_id=draft_id).id)
    return Response(status_code=204)


@router.post("/drafts/{draft_id}/redo")
def begin_redo(
    desk: AtDesk,
    draft_id: DraftId,
    after: Version,
    items: Annotated[tuple[ItemId, ...], Form()] = (),
    section: Annotated[Section | None, Form()] = None,
) -> Response:
    draft = get_draft_to_change(desk.house.store, desk.by, draft_id=draft_id)
    wanted = Wanted(after, redo=True, item_ids=items or None, section=section)
    chosen = [item.id for item in draft.items if item.id in items or (not items and not item.edited)]
    shown = [item.id for item in draft.items if item.id in chosen and section in (None, item.section)]
    run = RunView(address_of(draft, wanted), f"/drafts/{draft_id}/stop", " ".join(shown))
    return render(DraftRunFragment(desk.w, draft_id, run))


@router.post("/drafts/{draft_id}/again")
def begin_again(desk: AtDesk, draft_id: DraftId, section: Annotated[str, Form()] = "") -> Response:
    """After a reply that could not be read: what is still missing, else the section that it was about."""
    draft = get_draft_to_change(desk.house.store, desk.by, draft_id=draft_id)
    wanted = Wanted(draft.version)
    if not draft.missing:
        wanted = Wanted(draft.version, redo=True, section=Section(section) if section else None)
    return render(ActionsFragment(desk.w, view_writing(desk, draft, wanted)))


@router.get("/drafts/{draft_id}/versions")
def show_versions(desk: AtDesk, draft_id: DraftId) -> Response:
    draft = get_draft(desk.house.store, desk.by, draft_id=draft_id)
    history = list_versions(desk.house.store, desk.by, draft_id=draft_id)
    return render(VersionsFragment(desk.w, draft_id, view_versions(draft, history, desk.when)))


@router.get("/drafts/{draft_id}/versions/{version}")
def show_version(desk: AtDesk, draft_id: DraftId, version: int) -> Response:
    draft = get_draft(desk.house.store, desk.by, draft_id=draft_id, version=version)
    history = list_versions(desk.house.store, desk.by, draft_id=draft_id)
    row = next(each for each in view_versions(draft, history, desk.when) if each.version == version)
    writes = may_write(desk.house.store, desk.by, patient_id=draft.patient_id)
    return render(OldVersionFragment(desk.w, view_draft(draft), row.at, row.change, writes))


@router.post("/drafts/{draft_id}/versions/{version}/restore")
def bring_back_version(desk: AtDesk, draft_id: DraftId, version: int, after: Version) -> Response:
    restore_version(desk.house.store, desk.by, draft_id=draft_id, version=version, after=after)
    return render(DraftFragment(desk.w, show_draft(desk, draft_id)))


@router.post("/drafts/{draft_id}/discard")
def leave_draft(desk: AtDesk, draft_id: DraftId, after: Version) -> Response:
    try:
        discard_draft(desk.house.store, desk.by, draft_id=draft_id, after=after)
    except ChangedMeanwhile as error:
        alert = FaultAlert(desk.w, make_fault(desk.w, error), oob=True)
        return render(DraftFragment(desk.w, show_draft(desk, draft_id)), alert, status=409)
    return render(DraftFragment(desk.w, show_draft(desk, draft_id)))


def show_draft(desk: Desk, draft_id: DraftId) -> DraftView:
    draft = get_draft(desk.house.store, desk.by, draft_id=draft_id)
    file = load_patient(desk.house.store, desk.by, draft.patient_id)
    return view_draft(draft, "", name_notes(file, desk))
