"""The audit: of the practice for who runs it, of one patient for whoever may open the file."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from phyassist.domain.people import PatientId
from phyassist.errors import BadInput
from phyassist.services.auditing import (
    AuditFilter,
    get_anchor,
    list_patient_audit,
    list_practice_audit,
    parse_anchor,
    verify_audit,
    write_anchor,
)
from phyassist.services.patients import list_patients, load_patient
from phyassist.services.people import list_people
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.render import render
from phyassist.web.views.auditing import Asked, PracticeAuditPage, make_patient_page, make_practice_page
from phyassist.web.views.frame import make_frame

router = APIRouter(route_class=PageRoute)
Day = date | Literal[""]


@router.get("/practice/audit")
def show_practice_audit(
    desk: AtDesk, *, person: str = "", act: str = "", day: Day = "", row: str = "", before: int | None = None
) -> Response:
    asked = Asked(person, act, day.isoformat() if day else "", row.strip())
    return render(make_page(desk, asked, before))


@router.post("/practice/audit/check")
def check_whole(desk: AtDesk, anchor: Annotated[str, Form()] = "") -> Response:
    list_practice_audit(desk.house.store, desk.by, limit=1)
    started = time.monotonic()
    try:
        check = verify_audit(desk.house.store, anchor=parse_anchor(anchor) if anchor.strip() else None)
    except BadInput:
        return render(make_page(desk, Asked(), problem=desk.w("audit.no_anchor")), status=422)
    seconds = f"{time.monotonic() - started:.1f}"
    if check.first_broken is not None:
        return render(make_page(desk, Asked(), problem=desk.w("audit.broken", row=check.first_broken)))
    if check.fits_anchor is False:
        return render(make_page(desk, Asked(), problem=desk.w("audit.other_chain")))
    key = "audit.whole" if check.fits_anchor is None else "audit.whole_anchor"
    return render(make_page(desk, Asked(), said=desk.w(key, rows=check.rows, seconds=seconds)))


@router.get("/patients/{patient_id}/audit")
def show_patient_audit(desk: AtDesk, patient_id: PatientId, before: int | None = None) -> Response:
    store, by = desk.house.store, desk.by
    page = list_patient_audit(store, by, patient_id=patient_id, before=before)
    file = load_patient(store, by, patient_id)
    frame = make_frame(desk, list_patients(store, by), patient_id, "audit")
    return render(make_patient_page(desk, frame, file, page, name_people(desk)))


def make_page(
    desk: Desk, asked: Asked, before: int | None = None, *, said: str = "", problem: str = ""
) -> PracticeAuditPage:
    store, by = desk.house.store, desk.by
    page = list_practice_audit(store, by, read_filter(desk, asked, before))
    frame = make_frame(desk, list_patients(store, by), tab="practice")
    anchor = write_anchor(get_anchor(store))
    return make_practice_page(
        desk, frame, page, asked, name_people(desk), anchor=anchor, said=said, problem=problem
    )


def read_filter(desk: Desk, asked: Asked, before: int | None) -> AuditFilter:
    """A day is the reader's own, from midnight to midnight."""
    since = None
    if asked.day:
        since = datetime.combine(date.fromisoformat(asked.day), time_of_day(), desk.when.zone)
    return AuditFilter(
        by_id=asked.person,
        act=asked.act,
        row_id=asked.row,
        since=since,
        until=since + timedelta(days=1) if since else None,
        before=before,
    )


def name_people(desk: Desk) -> dict[str, str]:
    """Names of the people of the practice by id."""
    people = list_people(desk.house.store, desk.by)
    return {str(member.id): member.counsellor.name for member in people}
