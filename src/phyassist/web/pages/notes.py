"""Notes: the timeline, signing, locking, withdrawing, amendments, export, and what the practice settles."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.drafts import DraftId
from phyassist.domain.notes import ByHand, Note, NoteId
from phyassist.domain.people import PatientId
from phyassist.errors import BadInput, ChangedMeanwhile
from phyassist.services.looking import get_draft
from phyassist.services.noting import (
    amend_note,
    export_notes,
    lock_note,
    preview_note,
    save_note,
    save_note_settings,
    withdraw_note,
)
from phyassist.services.patients import list_patients, load_patient, may_write
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute, make_fault
from phyassist.web.render import render
from phyassist.web.views.frame import make_frame
from phyassist.web.views.notes import (
    NoteCard,
    NotePreview,
    NoteSettingsPage,
    make_notes_page,
    view_forms,
    view_note,
)

router = APIRouter(route_class=PageRoute)
FormText = Annotated[str, Form()]
Version = Annotated[int, Form()]
PREVIEW = {"HX-Retarget": "#dialog-body", "HX-Reswap": "innerHTML"}


class NoteForm(BaseModel):
    """The form that a note is to have, and what was written by hand: each heading with its text."""

    template: str = ""
    heading: tuple[str, ...] = ()
    text: tuple[str, ...] = Field(default=(), repr=False)

    @property
    def by_hand(self) -> tuple[ByHand, ...]:
        return tuple(ByHand(heading, text) for heading, text in zip(self.heading, self.text, strict=False))


@router.get("/patients/{patient_id}/notes")
def show_notes(
    desk: AtDesk, patient_id: PatientId, fresh: str = "", note: str = "", template: str = ""
) -> Response:
    file = load_patient(desk.house.store, desk.by, patient_id)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "notes")
    return render(make_notes_page(desk, frame, file, fresh=fresh, opened=note, form=template))


@router.get("/drafts/{draft_id}/note")
def show_preview(desk: AtDesk, draft_id: DraftId) -> Response:
    note = preview_note(desk.house.store, desk.by, draft_id=draft_id)
    return render(make_preview(desk, note, draft_id))


@router.post("/drafts/{draft_id}/note/preview")
def show_preview_in_form(desk: AtDesk, draft_id: DraftId, form: Annotated[NoteForm, Form()]) -> Response:
    """The same in another form; what was written under its empty headings comes along."""
    by_hand = form.by_hand if form.heading else None
    note = preview_note(desk.house.store, desk.by, draft_id=draft_id, template=form.template, by_hand=by_hand)
    return render(make_preview(desk, note, draft_id))


@router.post("/drafts/{draft_id}/note")
def sign(
    request: Request, desk: AtDesk, draft_id: DraftId, after: Version, form: Annotated[NoteForm, Form()]
) -> Response:
    in_dialog = request.headers.get("hx-request") == "true"
    store, label, by_hand = desk.house.store, form.template, form.by_hand
    try:
        note = save_note(store, desk.by, draft_id=draft_id, after=after, template=label, by_hand=by_hand)
    except (ChangedMeanwhile, BadInput) as error:
        if not in_dialog:
            raise
        return show_problem(desk, draft_id, form, error)
    place = f"/patients/{note.patient_id}/notes?fresh={note.id}#note-{note.id}"
    if in_dialog:
        return Response(status_code=204, headers={"HX-Redirect": place})
    return RedirectResponse(place, 303)


def show_problem(
    desk: Desk, draft_id: DraftId, form: NoteForm, error: ChangedMeanwhile | BadInput
) -> Response:
    """The note as it would stand by now, with what was written by hand, and why it was not signed."""
    store = desk.house.store
    note = preview_note(store, desk.by, draft_id=draft_id, template=form.template, by_hand=form.by_hand)
    fault = make_fault(desk.w, error)
    problem = f"{fault.what} {desk.w('forms.look_again')}"
    return render(make_preview(desk, note, draft_id, problem), status=fault.status, headers=PREVIEW)


def make_preview(desk: Desk, note: Note, draft_id: DraftId, problem: str = "") -> NotePreview:
    draft = get_draft(desk.house.store, desk.by, draft_id=draft_id)
    return NotePreview(
        desk.w,
        view_note(note, desk.when),
        draft_id,
        draft.version,
        view_forms(desk.w, note.template),
        desk.practice.lock_after_days,
        problem,
        may_write(desk.house.store, desk.by, patient_id=draft.patient_id),
    )


@router.post("/notes/{note_id}/amendments")
def amend(desk: AtDesk, note_id: NoteId, text: FormText, reason: FormText) -> Response:
    note = amend_note(desk.house.store, desk.by, note_id=note_id, reason=reason, text=text)
    return render(NoteCard(desk.w, view_note(note, desk.when, me=desk.by.id)))


@router.post("/notes/{note_id}/lock")
def lock(desk: AtDesk, note_id: NoteId) -> Response:
    note = lock_note(desk.house.store, desk.by, note_id=note_id)
    return render(NoteCard(desk.w, view_note(note, desk.when, me=desk.by.id)))


@router.post("/notes/{note_id}/withdraw")
def withdraw(desk: AtDesk, note_id: NoteId, reason: FormText) -> Response:
    draft = withdraw_note(desk.house.store, desk.by, note_id=note_id, reason=reason)
    place = f"/patients/{draft.patient_id}/consultations/{draft.consultation_id}?draft={draft.id}"
    return RedirectResponse(place, 303)


@router.get("/patients/{patient_id}/notes/export")
def export(
    desk: AtDesk, patient_id: PatientId, form: Literal["txt", "md", "json"] = "txt", template: str = ""
) -> Response:
    exported = export_notes(desk.house.store, desk.by, patient_id=patient_id, form=form, template=template)
    name = f"attachment; filename*=UTF-8''{quote(exported.file_name)}"
    return Response(
        exported.data, media_type="application/octet-stream", headers={"Content-Disposition": name}
    )


@router.get("/practice/templates")
def show_note_settings(desk: AtDesk, said: str = "") -> Response:
    return render(make_note_settings(desk, desk.w("practice.saved") if said == "saved" else ""))


@router.post("/practice/templates")
def keep_note_settings(desk: AtDesk, template: FormText, lock_after_days: Annotated[int, Form()]) -> Response:
    try:
        save_note_settings(desk.house.store, desk.by, template=template, lock_after_days=lock_after_days)
    except BadInput as error:
        fault = make_fault(desk.w, error)
        return render(make_note_settings(desk, problem=f"{fault.what} {fault.next}"), status=422)
    return RedirectResponse("/practice/templates?said=saved", 303)


def make_note_settings(desk: Desk, said: str = "", problem: str = "") -> NoteSettingsPage:
    return NoteSettingsPage(
        desk.w,
        make_frame(desk, list_patients(desk.house.store, desk.by), tab="practice"),
        view_forms(desk.w, desk.practice.note_template),
        desk.practice.lock_after_days,
        said,
        problem,
    )
