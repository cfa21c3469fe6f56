"""The people of the practice: inviting, ending and resuming accounts, confirming keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.domain.people import CounsellorId, Role
from phyassist.errors import BadInput, KeysChanged, NotAllowed
from phyassist.services.patients import list_patients
from phyassist.services.people import (
    end_account,
    end_invitation,
    invite,
    list_colleagues,
    resume_account,
)
from phyassist.services.sharing import confirm_keys
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.views.frame import make_frame
from phyassist.web.views.members import PeoplePage, view_invitations, view_people, view_roles

router = APIRouter(route_class=PageRoute)
SAID = ("ended", "resumed", "withdrawn", "confirmed")


@router.get("/practice/people")
def show_people(desk: AtDesk, said: str = "") -> Response:
    return render(make_people_page(desk, said=desk.w(f"people.said_{said}") if said in SAID else ""))


@router.post("/practice/people")
def do_invite(desk: AtDesk, name: Annotated[str, Form()], role: Annotated[Role, Form()]) -> Response:
    try:
        made = invite(desk.house.store, desk.by, name=name, role=role)
    except BadInput as error:
        taken = desk.w("people.name_taken") if name.strip() else describe(desk.w, error)
        return render(make_people_page(desk, invited=name, problem=taken), status=422)
    page = make_people_page(desk, code=made.code.reveal_text(), invited=" ".join(name.split()))
    return render(page)


@router.post("/practice/people/{counsellor_id}/withdraw")
def do_withdraw(desk: AtDesk, counsellor_id: CounsellorId) -> Response:
    end_invitation(desk.house.store, desk.by, counsellor_id=counsellor_id)
    return RedirectResponse("/practice/people?said=withdrawn", 303)


@router.post("/practice/people/{counsellor_id}/end")
def do_end(desk: AtDesk, counsellor_id: CounsellorId) -> Response:
    end_account(desk.house.store, desk.by, counsellor_id=counsellor_id)
    return RedirectResponse("/practice/people?said=ended", 303)


@router.post("/practice/people/{counsellor_id}/resume")
def do_resume(desk: AtDesk, counsellor_id: CounsellorId) -> Response:
    try:
        resume_account(desk.house.store, desk.by, counsellor_id=counsellor_id)
    except NotAllowed:
        if not desk.by.runs_practice:
            raise
        return render(make_people_page(desk, problem=desk.w("people.invite_anew")), status=409)
    return RedirectResponse("/practice/people?said=resumed", 303)


@router.post("/practice/people/{counsellor_id}/confirm")
def do_confirm(desk: AtDesk, counsellor_id: CounsellorId, fingerprint: Annotated[str, Form()]) -> Response:
    try:
        confirm_keys(desk.house.store, desk.by, counsellor_id=counsellor_id, fingerprint=fingerprint)
    except KeysChanged:
        return render(make_people_page(desk, problem=desk.w("people.other_fingerprint")), status=422)
    return RedirectResponse("/practice/people?said=confirmed", 303)


def make_people_page(
    desk: Desk, *, code: str = "", invited: str = "", said: str = "", problem: str = ""
) -> PeoplePage:
    store, by = desk.house.store, desk.by
    frame = make_frame(desk, list_patients(store, by), tab="practice")
    people, waiting = view_people(desk, list_colleagues(store, by)), view_invitations(desk)
    return PeoplePage(desk.w, frame, people, waiting, view_roles(desk.w), code, invited, said, problem)
