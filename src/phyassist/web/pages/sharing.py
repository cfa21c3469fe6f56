"""With whom a patient is shared: giving, ending, handing over."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.domain.people import CounsellorId, PatientId
from phyassist.errors import BadInput, KeysChanged
from phyassist.services.patients import list_patients, load_patient
from phyassist.services.sharing import hand_over, load_sharing, share, withdraw
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.views.consultation import view_head
from phyassist.web.views.frame import make_frame
from phyassist.web.views.members import Choice, SharingPage, read_last_day, say_tomorrow, view_sharing

router = APIRouter(route_class=PageRoute)
SAID = ("shared", "withdrawn")


@router.get("/patients/{patient_id}/sharing")
def show_sharing(desk: AtDesk, patient_id: PatientId, said: str = "") -> Response:
    words = desk.w(f"sharing.said_{said}") if said in SAID else ""
    return render(make_sharing_page(desk, patient_id, said=words))


@router.post("/patients/{patient_id}/sharing")
def do_share(
    desk: AtDesk,
    patient_id: PatientId,
    to: Annotated[CounsellorId, Form()],
    right: Annotated[Literal["read", "write"], Form()],
    until: Annotated[str, Form()] = "",
) -> Response:
    store, writes = desk.house.store, right == "write"
    try:
        moment = read_last_day(desk, until)
        share(store, desk.by, patient_id=patient_id, with_id=to, may_write=writes, until=moment)
    except ValueError:
        return render(make_sharing_page(desk, patient_id, problem=desk.w("sharing.no_day")), status=422)
    except (BadInput, KeysChanged) as error:
        return render(make_sharing_page(desk, patient_id, problem=describe(desk.w, error)), status=422)
    return RedirectResponse(f"/patients/{patient_id}/sharing?said=shared", 303)


@router.post("/patients/{patient_id}/sharing/{counsellor_id}/end")
def do_end_share(desk: AtDesk, patient_id: PatientId, counsellor_id: CounsellorId) -> Response:
    withdraw(desk.house.store, desk.by, patient_id=patient_id, counsellor_id=counsellor_id)
    return RedirectResponse(f"/patients/{patient_id}/sharing?said=withdrawn", 303)


@router.post("/patients/{patient_id}/hand-over")
def do_hand_over(
    desk: AtDesk,
    patient_id: PatientId,
    to: Annotated[CounsellorId, Form()],
    read_until: Annotated[str, Form()] = "",
) -> Response:
    try:
        moment = read_last_day(desk, read_until)
        hand_over(desk.house.store, desk.by, to_id=to, patient_ids=(patient_id,), read_until=moment)
    except ValueError:
        return render(make_sharing_page(desk, patient_id, problem=desk.w("sharing.no_day")), status=422)
    except (BadInput, KeysChanged) as error:
        return render(make_sharing_page(desk, patient_id, problem=describe(desk.w, error)), status=422)
    return RedirectResponse("/patients" if moment is None else f"/patients/{patient_id}/sharing", 303)


def make_sharing_page(desk: Desk, patient_id: PatientId, *, said: str = "", problem: str = "") -> SharingPage:
    store, by, w = desk.house.store, desk.by, desk.w
    file, sharing = load_patient(store, by, patient_id), load_sharing(store, by, patient_id)
    others = tuple(Choice(one.id, one.counsellor.name, w(f"role.{one.role.value}")) for one in sharing.others)
    return SharingPage(
        w,
        make_frame(desk, list_patients(store, by), patient_id, "sharing"),
        view_head(file, desk),
        sharing.in_charge.counsellor.name if sharing.in_charge else "",
        sharing.mine,
        view_sharing(desk, sharing),
        others if sharing.mine else (),
        say_tomorrow(desk),
        said,
        problem,
    )
