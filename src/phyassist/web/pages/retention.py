"""What is due under the practice's retention rule.  The page lists; a person decides."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.errors import BadInput
from phyassist.services.patients import list_patients
from phyassist.services.retention import list_due, save_retention
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute, make_fault
from phyassist.web.render import render
from phyassist.web.views.frame import make_frame
from phyassist.web.views.retention import RetentionPage, make_retention_page

router = APIRouter(route_class=PageRoute)
Days = Annotated[int, Query(ge=0, le=3660)]


@router.get("/practice/retention")
def show_retention(desk: AtDesk, within: Days = 0, said: str = "") -> Response:
    return render(make_page(desk, within, said=desk.w("practice.saved") if said == "saved" else ""))


@router.post("/practice/retention")
def keep_retention(
    desk: AtDesk, rule: Annotated[str, Form()], years: Annotated[int, Form()] = 10
) -> Response:
    try:
        save_retention(desk.house.store, desk.by, rule=rule, years=years)
    except BadInput as error:
        fault = make_fault(desk.w, error)
        return render(make_page(desk, 0, problem=f"{fault.what} {fault.next}"), status=422)
    return RedirectResponse("/practice/retention?said=saved", 303)


def make_page(desk: Desk, within: int, said: str = "", problem: str = "") -> RetentionPage:
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), tab="practice")
    found = list_due(desk.house.store, desk.by, within_days=within)
    return make_retention_page(desk, frame, found, within_days=within, said=said, problem=problem)
