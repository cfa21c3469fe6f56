"""A patient's card, and the way to the page that is open for them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from phyassist.domain.people import Language, Patient, PatientId
from phyassist.errors import BadInput, ChangedMeanwhile
from phyassist.services.access import check_counsels
from phyassist.services.erasing import TypedDiffers, erase_patient
from phyassist.services.intake import start_consultation
from phyassist.services.looking import find_current
from phyassist.services.patients import edit_patient, list_patients, load_patient, may_write, new_patient
from phyassist.services.sharing import load_sharing
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.views.frame import make_frame
from phyassist.web.views.people import PatientFormPage

router = APIRouter(route_class=PageRoute)


class PatientForm(BaseModel):
    name: str = Field(default="", repr=False)
    number: str = Field(default="", repr=False)
    language: Language = "zh"
    after: AwareDatetime | Literal[""] = ""
    # Of who is new: the page was given it, so that a form which is sent twice makes one client.
    new_id: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")


@router.get("/patients/new")
def show_new_patient(desk: AtDesk) -> Response:
    check_counsels(desk.by)
    return render(make_form(desk, PatientForm(language=desk.w.language)))


@router.post("/patients")
def create_patient(desk: AtDesk, form: Annotated[PatientForm, Form()]) -> Response:
    store, by = desk.house.store, desk.by
    try:
        patient = new_patient(
            store,
            by,
            name=form.name,
            number=form.number,
            language=form.language,
            patient_id=PatientId(form.new_id) if form.new_id else None,
        )
    except BadInput as error:
        return render(make_form(desk, form, problem=describe(desk.w, error)), status=422)
    current = find_current(store, by, patient_id=patient.id)
    if current is None:
        current = start_consultation(store, by, patient_id=patient.id).id
    return RedirectResponse(f"/patients/{patient.id}/consultations/{current}", 303)


@router.get("/patients/{patient_id}")
def open_patient(desk: AtDesk, patient_id: PatientId) -> Response:
    """Straight to the unfinished draft where there is one, else to the last consultation."""
    current = find_current(desk.house.store, desk.by, patient_id=patient_id)
    where = "consultation" if current is None else f"consultations/{current}"
    return RedirectResponse(f"/patients/{patient_id}/{where}", 303)


@router.get("/patients/{patient_id}/edit")
def show_patient(desk: AtDesk, patient_id: PatientId) -> Response:
    patient = load_patient(desk.house.store, desk.by, patient_id).patient
    form = fill_form(patient)
    return render(make_form(desk, form, patient_id))


@router.post("/patients/{patient_id}")
def save_patient(desk: AtDesk, patient_id: PatientId, form: Annotated[PatientForm, Form()]) -> Response:
    try:
        edit_patient(
            desk.house.store,
            desk.by,
            patient_id=patient_id,
            name=form.name,
            number=form.number,
            language=form.language,
            after=form.after or None,
        )
    except BadInput as error:
        return render(make_form(desk, form, patient_id, describe(desk.w, error)), status=422)
    except ChangedMeanwhile:
        now = load_patient(desk.house.store, desk.by, patient_id).patient
        problem = desk.w("patient.changed", name=now.name, number=now.number or "–")
        form = form.model_copy(update={"after": now.updated_at})
        return render(make_form(desk, form, patient_id, problem), status=409)
    return RedirectResponse(f"/patients/{patient_id}", 303)


@router.post("/patients/{patient_id}/delete")
def remove_patient(desk: AtDesk, patient_id: PatientId, confirm: Annotated[str, Form()]) -> Response:
    store, by = desk.house.store, desk.by
    try:
        receipt = erase_patient(store, by, patient_id=patient_id, typed=confirm, caches=(desk.house,))
    except TypedDiffers:
        patient = load_patient(store, by, patient_id).patient
        page = make_form(desk, fill_form(patient), patient_id, desk.w("erasure.typed_differs"))
        return render(page, status=422)
    return RedirectResponse(f"/practice/erasures/{receipt.erasure.id}?said=done", 303)


def fill_form(patient: Patient) -> PatientForm:
    return PatientForm(
        name=patient.name,
        number=patient.number,
        language=patient.language,
        after=patient.updated_at or "",
    )


def make_form(desk: Desk, form: PatientForm, patient_id: str = "", problem: str = "") -> PatientFormPage:
    store, by = desk.house.store, desk.by
    known = PatientId(patient_id) if patient_id else None
    return PatientFormPage(
        desk.w,
        make_frame(desk, list_patients(store, by), patient_id),
        patient_id,
        form.new_id or store.new_id(),
        form.name,
        form.number,
        form.language,
        form.after.isoformat() if form.after else "",
        problem,
        may_write(store, by, patient_id=known),
        known is None or load_sharing(store, by, known).mine,
    )
