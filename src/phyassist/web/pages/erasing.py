"""Receipts of erasures.  The erasure itself stands on the patient's card."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from phyassist.domain.erasures import ErasureId
from phyassist.services.erasing import get_receipt, list_receipts
from phyassist.services.patients import list_patients
from phyassist.web.desk import AtDesk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.auditing import name_people
from phyassist.web.render import render
from phyassist.web.views.erasing import ErasuresPage, ReceiptPage, view_receipt
from phyassist.web.views.frame import make_frame

router = APIRouter(route_class=PageRoute)


@router.get("/practice/erasures")
def show_receipts(desk: AtDesk) -> Response:
    store, by, names = desk.house.store, desk.by, name_people(desk)
    frame = make_frame(desk, list_patients(store, by), tab="practice")
    receipts = tuple(view_receipt(receipt, desk, names) for receipt in list_receipts(store, by))
    return render(ErasuresPage(desk.w, frame, receipts))


@router.get("/practice/erasures/{erasure_id}")
def show_receipt(desk: AtDesk, erasure_id: ErasureId, said: str = "") -> Response:
    store, by = desk.house.store, desk.by
    receipt = view_receipt(get_receipt(store, by, erasure_id=erasure_id), desk, name_people(desk))
    frame = make_frame(desk, list_patients(store, by), tab="practice")
    return render(ReceiptPage(desk.w, frame, receipt, desk.w("erasure.done") if said == "done" else ""))
