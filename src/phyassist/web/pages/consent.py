"""A patient's consent: the answers, recording one, the form to print, and that something was printed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.consents import Answer, Purpose, Signer
from phyassist.domain.people import Language, PatientId
from phyassist.errors import BadInput, ModelError, UnknownName
from phyassist.services.auditing import note_print
from phyassist.services.consent import load_consents, record_answers
from phyassist.services.patients import list_patients, load_patient
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.auditing import name_people
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.views.consent import ConsentPage, make_consent_page, make_form
from phyassist.web.views.frame import make_frame
from phyassist.web.wording import make_words

router = APIRouter(route_class=PageRoute)
Given = Answer | Literal[""]


class ConsentAnswers(BaseModel):
    drafting: Given = ""
    own_training: Given = ""
    shared_training: Given = ""
    similar_cases: Given = ""
    on: date | Literal[""] = ""
    signed_by: Signer = Signer.PATIENT
    remark: str = Field(default="", repr=False)

    def answers(self) -> dict[Purpose, Answer]:
        """The uses that an answer was given for."""
        given = {purpose: getattr(self, purpose.value) for purpose in Purpose}
        return {purpose: Answer(answer) for purpose, answer in given.items() if answer}


@router.get("/patients/{patient_id}/consent")
def show_consent(desk: AtDesk, patient_id: PatientId, said: str = "") -> Response:
    return render(make_page(desk, patient_id, said=desk.w("consent.saved") if said == "recorded" else ""))


@router.post("/patients/{patient_id}/consent")
def record_consent(desk: AtDesk, patient_id: PatientId, form: Annotated[ConsentAnswers, Form()]) -> Response:
    try:
        record_answers(
            desk.house.store,
            desk.by,
            patient_id=patient_id,
            answers=form.answers(),
            on=form.on or None,
            signed_by=form.signed_by,
            remark=form.remark,
        )
        if form.drafting == Answer.NO:
            desk.house.forget(patient_id)
    except BadInput as error:
        page = make_page(desk, patient_id, problem=describe(desk.w, error), remark=form.remark)
        return render(page, status=422)
    return RedirectResponse(f"/patients/{patient_id}/consent?said=recorded", 303)


@router.get("/patients/{patient_id}/consent/form")
def show_form(desk: AtDesk, patient_id: PatientId, language: Language = "zh") -> Response:
    file = load_patient(desk.house.store, desk.by, patient_id)
    model, local = describe_place(desk)
    w = make_words(language, desk.practice.client_word)
    return render(make_form(desk, w, file, model, local=local))


@router.post("/patients/{patient_id}/printed")
def note_printed(desk: AtDesk, patient_id: PatientId) -> Response:
    """The browser says that a page about this patient goes to a printer."""
    note_print(desk.house.store, desk.by, patient_id=patient_id)
    return Response(status_code=204)


def make_page(
    desk: Desk, patient_id: PatientId, *, said: str = "", problem: str = "", remark: str = ""
) -> ConsentPage:
    store, by = desk.house.store, desk.by
    file = load_patient(store, by, patient_id)
    consents = load_consents(store, by, patient_id=patient_id)
    names = name_people(desk)
    frame = make_frame(desk, list_patients(store, by), patient_id, "consent")
    return make_consent_page(desk, frame, file, consents, names, said=said, problem=problem, remark=remark)


def describe_place(desk: Desk) -> tuple[str, bool]:
    """The model's name, and whether it is a file that runs here."""
    try:
        model = desk.house.model()
    except (ModelError, UnknownName):
        return "", False
    return model.name, desk.house.is_model_here
