"""Private process notes: written and saved as they are typed, seen by their author alone."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.responses import Response

from phyassist.domain.people import PatientId
from phyassist.domain.process_notes import ProcessNoteId
from phyassist.services.patients import list_patients, load_patient
from phyassist.services.process_notes import (
    delete_process_note,
    export_process_notes,
    get_process_note,
    list_process_notes,
    list_process_versions,
    save_process_note,
)
from phyassist.web.desk import AtDesk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.consultations import plain_lines
from phyassist.web.render import render
from phyassist.web.views.consultation import view_head
from phyassist.web.views.frame import make_frame
from phyassist.web.views.process_notes import (
    ProcessNotesPage,
    ProcessNoteView,
    ProcessVersionsFragment,
    view_process_note,
    view_process_versions,
)

router = APIRouter(route_class=PageRoute)
AT = "/patients/{patient_id}/process-notes"


@router.get(AT)
def show_process_notes(desk: AtDesk, patient_id: PatientId) -> Response:
    """The box of a new note has its id already: a save that is repeated makes no second one."""
    file = load_patient(desk.house.store, desk.by, patient_id)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "notes")
    notes = list_process_notes(desk.house.store, desk.by, patient_id=patient_id)
    fresh = ProcessNoteView(desk.house.store.new_id(), "", 0, "", "", False)
    shown = tuple(view_process_note(note, desk.when) for note in notes)
    return render(ProcessNotesPage(desk.w, frame, view_head(file, desk), fresh, shown))


@router.get(AT + "/export")
def export(desk: AtDesk, patient_id: PatientId) -> Response:
    exported = export_process_notes(desk.house.store, desk.by, patient_id=patient_id)
    name = f"attachment; filename*=UTF-8''{quote(exported.file_name)}"
    return Response(
        exported.data, media_type="application/octet-stream", headers={"Content-Disposition": name}
    )


@router.get(AT + "/{note_id}")
def show_process_note(desk: AtDesk, patient_id: PatientId, note_id: ProcessNoteId) -> Response:
    """What stands in the store, for a window whose own text is older."""
    note = get_process_note(desk.house.store, desk.by, patient_id=patient_id, note_id=note_id)
    body = {"version": note.version, "text": note.text, "time": desk.when.clock(note.saved_at)}
    return JSONResponse(body)


@router.post(AT + "/{note_id}")
def keep_process_note(
    desk: AtDesk,
    patient_id: PatientId,
    note_id: ProcessNoteId,
    *,
    after: Annotated[int, Form()],
    text: Annotated[str, Form()] = "",
) -> Response:
    text = plain_lines(text)
    saved = save_process_note(
        desk.house.store, desk.by, patient_id=patient_id, note_id=note_id, text=text, after=after
    )
    return JSONResponse({"version": saved.version, "time": desk.when.clock(saved.saved_at)})


@router.get(AT + "/{note_id}/versions")
def show_versions(desk: AtDesk, patient_id: PatientId, note_id: ProcessNoteId) -> Response:
    versions = list_process_versions(desk.house.store, desk.by, patient_id=patient_id, note_id=note_id)
    return render(ProcessVersionsFragment(desk.w, view_process_versions(versions, desk.when)))


@router.post(AT + "/{note_id}/delete")
def remove_process_note(desk: AtDesk, patient_id: PatientId, note_id: ProcessNoteId) -> Response:
    delete_process_note(desk.house.store, desk.by, patient_id=patient_id, note_id=note_id)
    return RedirectResponse(f"/patients/{patient_id}/process-notes", 303)
