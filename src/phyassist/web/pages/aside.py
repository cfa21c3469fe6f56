"""What stands beside a consultation, fetched when it is looked at."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import ModelError, UnknownName
from phyassist.services.looking import get_consultation
from phyassist.services.previewing import preview_leaving
from phyassist.services.risk import find_newest_guide, load_guide
from phyassist.services.similar import find_published, find_similar
from phyassist.web.desk import AtDesk
from phyassist.web.faults import PageRoute
from phyassist.web.render import render
from phyassist.web.views.aside import view_leaving, view_mark, view_risk, view_similar

router = APIRouter(route_class=PageRoute)


@router.get("/patients/{patient_id}/risk")
def show_mark(desk: AtDesk, patient_id: PatientId, consultation: str = "") -> Response:
    """The mark of the consultation on show; on the patient's other pages that of the last."""
    store, by, language = desk.house.store, desk.by, desk.w.language
    guide = (
        load_guide(store, by, consultation_id=ConsultationId(consultation), language=language)
        if consultation
        else find_newest_guide(store, by, patient_id=patient_id, language=language)
    )
    return render(view_mark(guide, patient_id, desk.w))


@router.get("/consultations/{consultation_id}/risk")
def show_risk(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    guide = load_guide(desk.house.store, desk.by, consultation_id=consultation_id, language=desk.w.language)
    return render(view_risk(guide, desk.w))


@router.get("/consultations/{consultation_id}/similar")
def show_similar(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    store, by = desk.house.store, desk.by
    cases = find_similar(store, by, consultation_id=consultation_id)
    published = find_published(store, by, consultation_id=consultation_id, embedder=desk.house.embedder)
    return render(view_similar(cases, published, desk.w))


@router.get("/consultations/{consultation_id}/leaving")
def show_leaving(desk: AtDesk, consultation_id: ConsultationId) -> Response:
    store, by = desk.house.store, desk.by
    get_consultation(store, by, consultation_id=consultation_id)
    try:
        model = desk.house.model()
    except (ModelError, UnknownName):
        return render(view_leaving(None, desk.w, allowed=False))
    leaving = preview_leaving(store, by, model, consultation_id=consultation_id, embedder=desk.house.embedder)
    return render(view_leaving(leaving, desk.w, allowed=desk.practice.outside_servers))
