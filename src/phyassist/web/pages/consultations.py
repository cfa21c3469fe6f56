"""A consultation: its text, its question, and organising it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.responses import Response

from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import Draft
from phyassist.domain.people import PatientId
from phyassist.domain.records import Consultation, ConsultationId
from phyassist.errors import NotFound, TextTooLong
from phyassist.services.consent import check_consent, load_consents
from phyassist.services.drafting import start_draft
from phyassist.services.intake import (
    check_text,
    read_upload,
    save_question,
    save_source,
    take_up_consultation,
)
from phyassist.services.looking import get_consultation, get_consultation_to_change
from phyassist.services.patients import list_patients, load_patient
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.render import render
from phyassist.web.runs import address_of, stream_organise, view_actions, view_writing
from phyassist.web.views.consultation import (
    ActionsFragment,
    ActionsView,
    choose_draft,
    make_consultation_page,
    name_notes,
    view_head,
)
from phyassist.web.views.drafting import DraftFragment, view_draft
from phyassist.web.views.frame import make_frame
from phyassist.web.views.people import BeginPage

router = APIRouter(route_class=PageRoute)
FormText = Annotated[str, Form()]
Version = Annotated[int, Form()]


@router.get("/patients/{patient_id}/consultation")
def show_last_consultation(desk: AtDesk, patient_id: PatientId) -> Response:
    file = load_patient(desk.house.store, desk.by, patient_id)
    if file.consultations:
        return RedirectResponse(f"/patients/{patient_id}/consultations/{file.consultations[0].id}", 303)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "consultation")
    return render(BeginPage(desk.w, frame, view_head(file, desk)))


@router.post("/patients/{patient_id}/consultations")
def create_consultation(desk: AtDesk, patient_id: PatientId) -> Response:
    consultation = take_up_consultation(desk.house.store, desk.by, patient_id=patient_id)
    return RedirectResponse(f"/patients/{patient_id}/consultations/{consultation.id}", 303)


@router.get("/patients/{patient_id}/consultations/{consultation_id}")
def show_consultation(
    desk: AtDesk, patient_id: PatientId, consultation_id: ConsultationId, draft: str = ""
) -> Response:
    file = load_patient(desk.house.store, desk.by, patient_id)
    consultation = next((each for each in file.consultations if each.id == consultation_id), None)
    if consultation is None:
        get_consultation(desk.house.store, desk.by, consultation_id=consultation_id)
        raise NotFound(f"consultation {consultation_id} is not of patient {patient_id}")
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "consultation")
    desk.house.warming.warm(desk.house, desk.by, patient_id, consultation_id)
    drafting = load_consents(desk.house.store, desk.by, patient_id=patient_id).of(Purpose.DRAFTING)
    page = make_consultation_page(desk, frame, file, consultation, drafting=drafting, draft_id=draft)
    return render(
        replace(page, actions=view_actions(desk, consultation, page.draft.draft_id if page.draft else ""))
    )


@router.get("/consultations/{consultation_id}/source")
def show_source(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    """What stands in the store, for a window whose own text is older."""
    source = get_consultation(desk.house.store, desk.by, consultation_id=consultation_id).source
    body = {"version": source.version, "text": source.text, "time": desk.when.clock(source.saved_at)}
    return JSONResponse(body)


@router.post("/consultations/{consultation_id}/source")
def keep_source(
    desk: AtDesk, consultation_id: ConsultationId, after: Version, text: FormText = ""
) -> Response:
    text = plain_lines(text)
    saved = save_source(desk.house.store, desk.by, consultation_id=consultation_id, text=text, after=after)
    consultation = get_consultation(desk.house.store, desk.by, consultation_id=consultation_id)
    desk.house.warming.warm(desk.house, desk.by, consultation.patient_id, consultation_id)
    return JSONResponse({"version": saved.version, "time": desk.when.clock(saved.saved_at)})


@router.get("/consultations/{consultation_id}/question")
def show_question(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    consultation = get_consultation(desk.house.store, desk.by, consultation_id=consultation_id)
    now = desk.when.clock(desk.house.clock())
    return JSONResponse({"version": consultation.version, "text": consultation.question, "time": now})


@router.post("/consultations/{consultation_id}/question")
def keep_question(
    desk: AtDesk, consultation_id: ConsultationId, after: Version, question: FormText = ""
) -> Response:
    question = plain_lines(question)
    saved = save_question(
        desk.house.store, desk.by, consultation_id=consultation_id, question=question, after=after
    )
    return JSONResponse({"version": saved.version, "time": desk.when.clock(desk.house.clock())})


@router.post("/consultations/{consultation_id}/upload")
def read_file(desk: AtDesk, consultation_id: ConsultationId, file: UploadFile) -> Response:
    """The text of a file; the page puts it into the box, from where it is saved like typed words."""
    get_consultation_to_change(desk.house.store, desk.by, consultation_id=consultation_id)
    data = file.file.read(desk.house.upload_bytes_max + 1)
    if len(data) > desk.house.upload_bytes_max:
        raise TextTooLong("the file is larger than an upload may be", reason="large")
    return JSONResponse({"text": plain_lines(read_upload(file.filename or "", data))})


@router.post("/consultations/{consultation_id}/organise")
def begin_organise(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    consultation = get_consultation_to_change(desk.house.store, desk.by, consultation_id=consultation_id)
    check_text(consultation.source.text)
    at = f"/consultations/{consultation_id}"
    actions = ActionsView(
        consultation_id, f"{at}/organise/stream", f"{at}/organise/stop", desk.w("actions.starting")
    )
    return render(ActionsFragment(desk.w, actions))


@router.get("/consultations/{consultation_id}/organise/stream")
def run_organise(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    consultation = get_consultation_to_change(desk.house.store, desk.by, consultation_id=consultation_id)
    return stream_organise(desk, consultation)


@router.post("/consultations/{consultation_id}/organise/stop")
def stop_organise(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    desk.house.runs.stop(
        get_consultation_to_change(desk.house.store, desk.by, consultation_id=consultation_id).id
    )
    return Response(status_code=204)


@router.post("/consultations/{consultation_id}/drafts")
def begin_draft(desk: AtDesk, consultation_id: ConsultationId, sure: FormText = "") -> Response:
    """A new draft; one that was stopped in the middle, about the same question, is written to its end.

    One that was worked over is laid aside only where the counsellor is `sure`.
    """
    store, by, w = desk.house.store, desk.by, desk.w
    consultation = get_consultation_to_change(store, by, consultation_id=consultation_id)
    check_text(consultation.source.text)
    check_consent(store, by, consultation.patient_id, Purpose.DRAFTING)
    file = load_patient(store, by, consultation.patient_id)
    present = choose_draft(file, consultation)
    draft = present if is_unfinished(present, consultation) else None
    if draft is None:
        if present is not None and present.is_worked_over and not sure:
            return ask_first(desk, consultation_id, "drafts")
        draft = start_draft(store, by, consultation_id=consultation_id, question=consultation.question)
    view = view_draft(draft, address_of(draft), name_notes(file, desk))
    view = replace(view, laid_aside=find_laid_aside(present, draft))
    return render(DraftFragment(w, view), ActionsFragment(w, view_writing(desk, draft, oob=True)))


@router.post("/consultations/{consultation_id}/drafts/by-hand")
def begin_by_hand(desk: AtDesk, consultation_id: ConsultationId, sure: FormText = "") -> Response:
    """An empty draft, to be written without a model; `sure` as in `begin_draft`."""
    store, by = desk.house.store, desk.by
    consultation = get_consultation_to_change(store, by, consultation_id=consultation_id)
    present = choose_draft(load_patient(store, by, consultation.patient_id), consultation)
    if present is not None and present.is_worked_over and not sure:
        return ask_first(desk, consultation_id, "drafts/by-hand")
    draft = start_draft(store, by, consultation_id=consultation_id, question=consultation.question)
    view = replace(view_draft(draft), laid_aside=find_laid_aside(present, draft))
    actions = ActionsView(consultation_id, oob=True)
    return render(DraftFragment(desk.w, view), ActionsFragment(desk.w, actions))


def ask_first(desk: Desk, consultation_id: ConsultationId, what: str) -> Response:
    """The draft stays on the page as it is, and below the buttons stands what they would do to it."""
    actions = ActionsView(consultation_id, oob=True, anew=what)
    return render(ActionsFragment(desk.w, actions), headers={"HX-Reswap": "none"})


def find_laid_aside(present: Draft | None, fresh: Draft) -> str:
    is_gone = present is not None and present.id != fresh.id and bool(present.items)
    return f"/drafts/{present.id}" if present is not None and is_gone else ""


def is_unfinished(draft: Draft | None, consultation: Consultation) -> bool:
    return draft is not None and draft.question == consultation.question and bool(draft.missing)


def plain_lines(text: str) -> str:
    """Forms send lines with both signs of a line's end; places in the text are counted with one."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
