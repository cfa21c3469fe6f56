"""The record: its lines by hand, and the choices where a new line differs from a known one."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from phyassist.domain.people import PatientId
from phyassist.domain.records import Record, RecordField, StatementId
from phyassist.errors import ChangedMeanwhile, NotFound
from phyassist.services.intake import start_consultation
from phyassist.services.patients import list_patients, load_patient
from phyassist.services.recording import add_statement, edit_statement, remove_statement, settle
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import FaultAlert, PageRoute, make_fault
from phyassist.web.pages.consultations import plain_lines
from phyassist.web.render import render
from phyassist.web.views.consultation import view_head, view_source
from phyassist.web.views.frame import make_frame
from phyassist.web.views.recording import (
    LineFragment,
    LineView,
    RecordFragment,
    RecordPage,
    VersionOfRecord,
    view_line,
    view_record,
)

router = APIRouter(route_class=PageRoute)
FormText = Annotated[str, Form()]
Version = Annotated[int, Form()]
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
    desk: AtDesk, patient_id: PatientId, field: Annotated[RecordField, Form()], text: FormText, after: Version
) -> Response:
    """A line by hand belongs to the last consultation."""
    store, by = desk.house.store, desk.by
    consultations = load_patient(store, by, patient_id).consultations
    last = consultations[0] if consultations else start_consultation(store, by, patient_id=patient_id)
    record = add_statement(
        store, by, consultation_id=last.id, record_field=field, text=plain_lines(text), after=after
    )
    return render(make_record(desk, patient_id, record))


@router.post("/patients/{patient_id}/record/{statement_id}")
def change_line(
    desk: AtDesk, patient_id: PatientId, statement_id: StatementId, text: FormText, after: Version
) -> Response:
    store, by = desk.house.store, desk.by
    try:
        record = edit_statement(
            store, by, patient_id=patient_id, statement_id=statement_id, text=text, after=after
        )
    except ChangedMeanwhile:
        return show_changed(desk, patient_id, statement_id, plain_lines(text))
    return render(make_record(desk, patient_id, record))


def show_changed(desk: Desk, patient_id: PatientId, statement_id: StatementId, kept: str) -> Response:
    """The line as another window left it, and the counsellor's words still in the box.

    A line that is gone has no place for them: they stand in the box for a new line of its field.
    """
    record = load_patient(desk.house.store, desk.by, patient_id).record
    line = find_line(record, patient_id, statement_id)
    if not any(each.id == statement_id for each in record.of(RecordField(line.field_name))):
        fragment = make_record(desk, patient_id, record)
        again = replace(fragment, kept_field=line.field_name, kept=kept)
        return render(again, status=409)
    place = {"HX-Retarget": f"#line-{line.statement_id}", "HX-Reswap": "outerHTML"}
    shown = LineFragment(desk.w, line, record.version, "record", kept, changed=True)
    return render(shown, VersionOfRecord(desk.w, record.version), status=409, headers=place)


def find_line(record: Record, patient_id: PatientId, statement_id: StatementId) -> LineView:
    for line in record.lines:
        if line.id == statement_id:
            return view_line(line, patient_id)
    raise NotFound(f"statement {statement_id} is not in the record", hint="load the page again")


@router.post("/patients/{patient_id}/record/{statement_id}/delete")
def remove_line(desk: AtDesk, patient_id: PatientId, statement_id: StatementId, after: Version) -> Response:
    try:
        record = remove_statement(
            desk.house.store, desk.by, patient_id=patient_id, statement_id=statement_id, after=after
        )
    except ChangedMeanwhile as error:
        return show_as_it_is(desk, patient_id, error)
    return render(make_record(desk, patient_id, record))


@router.post("/patients/{patient_id}/record/{statement_id}/settle")
def settle_line(
    desk: AtDesk,
    patient_id: PatientId,
    statement_id: StatementId,
    *,
    choice: Choice,
    after: Version,
    place: FormText = "record",
) -> Response:
    by = desk.by
    try:
        record = settle(
            desk.house.store, by, patient_id=patient_id, statement_id=statement_id, choice=choice, after=after
        )
    except ChangedMeanwhile as error:
        return show_as_it_is(desk, patient_id, error, place)
    return render(make_record(desk, patient_id, record, place))


def show_as_it_is(
    desk: Desk, patient_id: PatientId, error: ChangedMeanwhile, place: str = "record"
) -> Response:
    """The record as another window left it, and a sentence that says so."""
    record = load_patient(desk.house.store, desk.by, patient_id).record
    alert = FaultAlert(desk.w, make_fault(desk.w, error), oob=True)
    return render(make_record(desk, patient_id, record, place), alert, status=409)


def make_record(desk: Desk, patient_id: PatientId, record: Record, place: str = "record") -> RecordFragment:
    fields = view_record(record, patient_id)
    return RecordFragment(desk.w, patient_id, record.version, fields, place)
