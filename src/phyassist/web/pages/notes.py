"""Signed notes: the timeline, amendments, export."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from starlette.responses import Response

from phyassist.domain.notes import NoteId
from phyassist.domain.people import PatientId
from phyassist.services.noting import amend_note, export_notes
from phyassist.services.patients import list_patients, load_patient
from phyassist.web.desk import AtDesk
from phyassist.web.faults import PageRoute
from phyassist.web.render import render
from phyassist.web.views.drafting import view_note
from phyassist.web.views.frame import make_frame
from phyassist.web.views.notes import NoteCard, make_notes_page

router = APIRouter(route_class=PageRoute)


@router.get("/patients/{patient_id}/notes")
def show_notes(desk: AtDesk, patient_id: PatientId, fresh: str = "", note: str = "") -> Response:
    file = load_patient(desk.house.store, desk.by, patient_id)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "notes")
    return render(make_notes_page(desk, frame, file, fresh, note))


@router.post("/notes/{note_id}/amendments")
def amend(
    desk: AtDesk, note_id: NoteId, text: Annotated[str, Form()], reason: Annotated[str, Form()]
) -> Response:
    note = amend_note(desk.house.store, desk.by, note_id=note_id, reason=reason, text=text)
    return render(NoteCard(desk.w, view_note(note, desk.when)))


@router.get("/patients/{patient_id}/notes/export")
def export(desk: AtDesk, patient_id: PatientId, form: Literal["txt", "md", "json"] = "txt") -> Response:
    exported = export_notes(desk.house.store, desk.by, patient_id=patient_id, form=form)
    name = f"attachment; filename*=UTF-8''{quote(exported.file_name)}"
    return Response(
        exported.data, media_type="application/octet-stream", headers={"Content-Disposition": name}
    )
