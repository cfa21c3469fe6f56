"""The record: its lines by hand, and the choices where a new line differs from a known one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from phyassist.domain.people import PatientId
from phyassist.domain.records import Record, RecordField, StatementId
from phyassist.errors import NotFound
from phyassist.services.intake import (
    add_statement,
    edit_statement,
    remove_statement,
    settle,
    start_consultation,
)
from phyassist.services.patients import list_patients, load_patient
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.consultations import plain_lines
from phyassist.web.render import render
from phyassist.web.views.consultation import view_head, view_source
from phyassist.web.views.frame import make_frame
from phyassist.web.views.recording import (
    LineFragment,
    LineView,
    RecordFragment,
    RecordPage,
    view_line,
    view_record,
)

router = APIRouter(route_class=PageRoute)
FormText = Annotated[str, Form()]
Choice = Annotated[Literal["keep_both", "replace", "leave"], Form()]


@router.get("/patients/{patient_id}/record")
def show_record(desk: AtDesk, patient_id: PatientId) -> Response:
    file = load_patient(desk.house.store, desk.by, patient_id)
    frame = make_frame(desk, list_patients(desk.house.store, desk.by), patient_id, "record")
    sources = tuple(view_source(each, desk.when) for each in file.consultations)
    page = RecordPage(
        desk.w, frame, view_head(file, desk), make_record(desk, patient_id, file.record), sources
    )
    return render(page)


@router.post("/patients/{patient_id}/record")
def write_line(
    desk: AtDesk, patient_id: PatientId, field: Annotated[RecordField, Form()], text: FormText
) -> Response:
    """A line by hand belongs to the last consultation."""
    store, by = desk.house.store, desk.by
    consultations = load_patient(store, by, patient_id).consultations
    last = consultations[0] if consultations else start_consultation(store, by, patient_id=patient_id)
    record = add_statement(store, by, consultation_id=last.id, record_field=field, text=text)
    return render(make_record(desk, patient_id, record))


@router.post("/patients/{patient_id}/record/{statement_id}")
def change_line(
    desk: AtDesk, patient_id: PatientId, statement_id: StatementId, text: FormText, was: FormText
) -> Response:
    store, by = desk.house.store, desk.by
    line = find_line(load_patient(store, by, patient_id).record, patient_id, statement_id)
    if line.text != plain_lines(was):
        return show_changed(desk, line, text)
    record = edit_statement(store, by, patient_id=patient_id, statement_id=statement_id, text=text)
    return render(make_record(desk, patient_id, record))


def find_line(record: Record, patient_id: PatientId, statement_id: StatementId) -> LineView:
    for line in record.lines:
        if line.id == statement_id:
            return view_line(line, patient_id)
    raise NotFound(f"statement {statement_id} is not in the record", hint="load the page again")


def show_changed(desk: Desk, line: LineView, kept: str) -> Response:
    """The line as another window left it, and the counsellor's words still in the box."""
    place = {"HX-Retarget": f"#line-{line.statement_id}", "HX-Reswap": "outerHTML"}
    return render(LineFragment(desk.w, line, 0, "record", kept, changed=True), status=409, headers=place)


@router.post("/patients/{patient_id}/record/{statement_id}/delete")
def remove_line(desk: AtDesk, patient_id: PatientId, statement_id: StatementId) -> Response:
    record = remove_statement(desk.house.store, desk.by, patient_id=patient_id, statement_id=statement_id)
    return render(make_record(desk, patient_id, record))


@router.post("/patients/{patient_id}/record/{statement_id}/settle")
def settle_line(
    desk: AtDesk,
    patient_id: PatientId,
    statement_id: StatementId,
    choice: Choice,
    place: FormText = "record",
) -> Response:
    record = settle(
        desk.house.store, desk.by, patient_id=patient_id, statement_id=statement_id, choice=choice
    )
    return render(make_record(desk, patient_id, record, place))


def make_record(desk: Desk, patient_id: PatientId, record: Record, place: str = "record") -> RecordFragment:
    fields = view_record(record, patient_id)
    return RecordFragment(desk.w, patient_id, record.version, fields, place)
