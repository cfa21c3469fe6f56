"""Assistants that learn from several files: one counsellor's, everybody's, or those of a chosen set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from phyassist.domain.adapters import MERGE_WAYS, AdapterId, AdapterKind
from phyassist.domain.learning import RunPlan
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import BadInput, ModelError, NotAllowed, PhyAssistError, TrainingFailed
from phyassist.services.adapter_merging import Merge
from phyassist.services.adapters import cancel_run, delete_adapter, list_shelf, use_adapter, withdraw_adapter
from phyassist.services.comparing import list_questions
from phyassist.services.learning import LABEL_CHARACTERS_MAX, Scope, plan_run
from phyassist.services.learning_runs import list_runs
from phyassist.services.patients import PatientRow, list_patients
from phyassist.services.published_adapters import list_offers, take_shipped
from phyassist.web.desk import AtDesk, AtUnattendedDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.assistant import SAID, find_missing, start_merge, start_run, tell_run
from phyassist.web.pages.comparing import show_compare
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.sought import open_words, seal_words
from phyassist.web.views.adapters import view_rows
from phyassist.web.views.assistant import (
    FileChoice,
    LearntFile,
    OfferRow,
    QuestionChoice,
    SharedAssistantPage,
    find_base,
    find_going,
    say_ended,
    view_mergeable,
    view_plan,
    view_run,
)
from phyassist.web.views.frame import make_frame, show_name

router = APIRouter(route_class=PageRoute)
AT = "/practice/assistant"
Kind = Literal["counsellor", "practice", "set"]


class ScopeForm(BaseModel):
    """From whom to learn, and `on` top of what; without a `kind` nobody has asked yet."""

    kind: Kind | Literal[""] = ""
    label: str = Field(default="", repr=False)
    of: tuple[PatientId, ...] = ()
    on: str = ""
    said: str = ""

    def to_scope(self) -> Scope:
        kind = AdapterKind(self.kind or "counsellor")
        is_set = kind == AdapterKind.SET
        return Scope(kind, self.of if is_set else (), self.label.strip() if is_set else "")


@router.get(AT)
def show_shared(desk: AtDesk, form: Annotated[ScopeForm, Query()]) -> Response:
    """In the address a chosen set's name is sealed."""
    return render(make_page(desk, form.model_copy(update={"label": open_words(desk.by, form.label)})))


@router.post(AT)
def choose_shared(desk: AtDesk, form: Annotated[ScopeForm, Form()]) -> Response:
    """To the plan for these files; a name that no address should hold is refused here."""
    label = form.label.strip()
    if len(label) > LABEL_CHARACTERS_MAX:
        return render(make_page(desk, form), status=422)
    sealed = seal_words(desk.by, label) if label else ""
    asked = {"kind": form.kind, "label": sealed, "of": form.of, "on": form.on}
    chosen = urlencode({name: value for name, value in asked.items() if value}, doseq=True)
    return RedirectResponse(f"{AT}?{chosen}", 303)


@router.post(AT + "/train")
def train_shared(desk: AtDesk, form: Annotated[ScopeForm, Form()]) -> Response:
    try:
        start_run(desk, form.to_scope(), form.on)
    except (NotAllowed, TrainingFailed, ModelError, BadInput) as error:
        return render(make_page(desk, form, error), status=409)
    return back("started")


@router.post(AT + "/merge")
def merge_shared(
    desk: AtDesk,
    of: Annotated[tuple[AdapterId, ...], Form()] = (),
    way: Annotated[str, Form()] = MERGE_WAYS[0],
    label: Annotated[str, Form()] = "",
) -> Response:
    problem = start_merge(desk, Merge(of, way, label=label.strip()))
    if problem:
        return render(make_page(desk, ScopeForm(), problem=problem), status=409)
    return back("started")


@router.get(AT + "/runs/{run_id}")
def show_shared_run(desk: AtUnattendedDesk, run_id: AdapterId) -> Response:
    return tell_run(desk, AT, run_id)


@router.post(AT + "/runs/{run_id}/cancel")
def cancel_shared(desk: AtDesk, run_id: AdapterId) -> Response:
    is_off = cancel_run(desk.house.store, desk.by, adapter_id=run_id)
    return back("cancelled" if is_off else "over")


@router.get(AT + "/compare/{adapter_id}")
def compare_shared(desk: AtDesk, adapter_id: AdapterId, on: ConsultationId) -> Response:
    return show_compare(desk, on, adapter_id)


@router.post(AT + "/adapters/{adapter_id}/use")
def use_shared(desk: AtDesk, adapter_id: AdapterId) -> Response:
    use_adapter(desk.house.store, desk.by, adapter_id=adapter_id)
    return back("used")


@router.post(AT + "/adapters/{adapter_id}/withdraw")
def withdraw_shared(desk: AtDesk, adapter_id: AdapterId) -> Response:
    withdraw_adapter(desk.house.store, desk.by, adapter_id=adapter_id)
    return back("withdrawn")


@router.post(AT + "/adapters/{adapter_id}/delete")
def delete_shared(desk: AtDesk, adapter_id: AdapterId) -> Response:
    delete_adapter(desk.house.store, desk.by, adapter_id=adapter_id)
    return back("deleted")


@router.post(AT + "/shipped/{name}/take")
def take_shipped_one(desk: AtDesk, name: str) -> Response:
    take_shipped(desk.house.store, desk.by, name=name, limits=desk.house.limits)
    return back("taken")


def back(said: str) -> Response:
    return RedirectResponse(f"{AT}?said={said}", 303)


def make_page(
    desk: Desk, form: ScopeForm, error: PhyAssistError | None = None, problem: str = ""
) -> SharedAssistantPage:
    store, by, w = desk.house.store, desk.by, desk.w
    rows, base = list_patients(store, by), find_base(desk)
    runs = tuple(run for run in list_runs(store, by) if run.job.patient_id is None)
    going = find_going(runs)
    shelf = list_shelf(store, by, base_sha256=base)
    plan: RunPlan | None = None
    if form.kind and error is None:
        try:
            plan = plan_run(store, by, scope=form.to_scope(), limits=desk.house.limits, base_sha256=base)
        except BadInput as found:
            error = found
    return SharedAssistantPage(
        w=w,
        frame=make_frame(desk, rows, tab="practice"),
        place=AT,
        offers=tuple(
            OfferRow(name, w(f"assistant.shipped_{name}"), w(f"assistant.shipped_{name}_lead"))
            for name in list_offers(store, by, base_sha256=base)
        ),
        rows=view_rows(shelf, desk, base),
        run=view_run(going, AT, w) if going else None,
        kind=form.kind or "counsellor",
        label=form.label,
        files=tuple(
            FileChoice(
                row.patient.id,
                show_name(row.patient, desk.practice.hide_names),
                row.patient.id in form.of,
            )
            for row in rows
            if not row.damaged
        ),
        agreed=w("assistant.agreed", count=len(plan.patient_ids)) if plan else "",
        plan=view_plan(plan, w, find_missing(desk)) if plan else None,
        questions=tuple(
            QuestionChoice(
                consultation.id,
                f"{show_name(patient, desk.practice.hide_names)} · {desk.when.date(consultation.at)}",
            )
            for patient, consultation in list_questions(store, by)
        ),
        mergeable=view_mergeable(shelf, desk, base, None),
        said=w(f"assistant.said_{form.said}") if form.said in SAID else "",
        problem=problem or (describe(w, error) if error else say_ended(runs, w)),
        learnt=view_learnt(plan, desk, rows) if plan else (),
    )


def view_learnt(plan: RunPlan, desk: Desk, rows: Sequence[PatientRow]) -> tuple[LearntFile, ...]:
    """The files that are learnt from, with how much of each."""
    learnt, held = (Counter(each.patient_id for each in part) for part in (plan.learnt, plan.measured_by))
    return tuple(
        LearntFile(
            row.patient.id,
            show_name(row.patient, desk.practice.hide_names),
            desk.w("assistant.learnt_of", count=learnt[row.patient.id], held_out=held[row.patient.id]),
        )
        for row in rows
        if row.patient.id in plan.patient_ids
    )
