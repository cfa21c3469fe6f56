"""The assistant: what it learnt and learns, training it, and which version of it answers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.domain.adapters import MERGE_WAYS, AdapterId, AdapterKind
from phyassist.domain.learning import ExampleId, RunPlan, list_used
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import (
    BadInput,
    ConsentMissing,
    ModelError,
    NotAllowed,
    NotFound,
    ReadOnly,
    TrainingFailed,
    UnknownName,
)
from phyassist.lm.memory import has_memory_files
from phyassist.services.adapter_merging import Merge, MergeHindrance, start_merging
from phyassist.services.adapters import (
    cancel_run,
    delete_adapter,
    list_shelf,
    use_adapter,
    want_adapter,
    withdraw_adapter,
)
from phyassist.services.learning import Scope, leave_out, list_examples, plan_run
from phyassist.services.learning_runs import Base, Run, get_run, list_runs, start_training
from phyassist.services.looking import get_consultation
from phyassist.services.patients import list_patients, load_patient, may_write
from phyassist.services.workers import list_workers
from phyassist.web.desk import AtDesk, AtUnattendedDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.entrance import describe
from phyassist.web.render import render
from phyassist.web.views.adapters import view_rows
from phyassist.web.views.assistant import (
    AssistantPage,
    RunFragment,
    find_base,
    find_going,
    say_choice,
    say_ended,
    view_mergeable,
    view_plan,
    view_run,
)
from phyassist.web.views.consultation import view_head
from phyassist.web.views.examples import ExampleFragment, ExampleRow, view_example
from phyassist.web.views.frame import make_frame

router = APIRouter(route_class=PageRoute)
AT = "/patients/{patient_id}/assistant"
SAID = ("started", "taken", "used", "withdrawn", "deleted", "cancelled", "over")


@router.get(AT)
def show_assistant(desk: AtDesk, patient_id: PatientId, said: str = "") -> Response:
    words = desk.w(f"assistant.said_{said}") if said in SAID else ""
    return render(make_page(desk, patient_id, said=words))


@router.post(AT + "/train")
def train(desk: AtDesk, patient_id: PatientId, on: Annotated[str, Form()] = "") -> Response:
    scope = Scope(AdapterKind.PATIENT, (patient_id,))
    try:
        start_run(desk, scope, on)
    except (BadInput, NotAllowed, TrainingFailed, ModelError) as error:
        return render(make_page(desk, patient_id, problem=describe(desk.w, error)), status=409)
    return back(patient_id, "started")


@router.post(AT + "/merge")
def merge_own(
    desk: AtDesk,
    patient_id: PatientId,
    of: Annotated[tuple[AdapterId, ...], Form()] = (),
    way: Annotated[str, Form()] = MERGE_WAYS[0],
) -> Response:
    problem = start_merge(desk, Merge(of, way, patient_id))
    if problem:
        return render(make_page(desk, patient_id, problem=problem), status=409)
    return back(patient_id, "started")


@router.get(AT + "/runs/{run_id}")
def show_run(desk: AtUnattendedDesk, patient_id: PatientId, run_id: AdapterId) -> Response:
    """How far it is; a page that asks when it is over is loaded again."""
    return tell_run(desk, f"/patients/{patient_id}/assistant", run_id, patient_id)


@router.post(AT + "/runs/{run_id}/cancel")
def cancel(desk: AtDesk, patient_id: PatientId, run_id: AdapterId) -> Response:
    is_off = cancel_run(desk.house.store, desk.by, adapter_id=run_id)
    return back(patient_id, "cancelled" if is_off else "over")


@router.post(AT + "/adapters/{adapter_id}/use")
def use(desk: AtDesk, patient_id: PatientId, adapter_id: AdapterId) -> Response:
    use_adapter(desk.house.store, desk.by, adapter_id=adapter_id)
    return back(patient_id, "used")


@router.post(AT + "/adapters/{adapter_id}/withdraw")
def withdraw(desk: AtDesk, patient_id: PatientId, adapter_id: AdapterId) -> Response:
    withdraw_adapter(desk.house.store, desk.by, adapter_id=adapter_id)
    return back(patient_id, "withdrawn")


@router.post(AT + "/adapters/{adapter_id}/delete")
def delete(desk: AtDesk, patient_id: PatientId, adapter_id: AdapterId) -> Response:
    delete_adapter(desk.house.store, desk.by, adapter_id=adapter_id)
    return back(patient_id, "deleted")


@router.post(AT + "/examples/{example_id}")
def choose_example(
    desk: AtDesk, patient_id: PatientId, example_id: ExampleId, left_out: Annotated[str, Form()] = ""
) -> Response:
    store, by = desk.house.store, desk.by
    leave_out(store, by, patient_id=patient_id, example_id=example_id, is_left_out=bool(left_out))
    row = next((each for each in view_examples(desk, patient_id) if each.example_id == example_id), None)
    if row is None:
        raise NotFound(f"no example {example_id}", hint="load the page again")
    return render(ExampleFragment(desk.w, row))


@router.post("/consultations/{consultation_id}/assistant")
def choose(desk: AtDesk, consultation_id: ConsultationId, wanted: Annotated[str, Form()] = "") -> Response:
    store, by = desk.house.store, desk.by
    want_adapter(store, by, consultation_id=consultation_id, wanted=wanted, base_sha256=find_base(desk))
    consultation = get_consultation(desk.house.store, desk.by, consultation_id=consultation_id)
    desk.house.warming.warm(desk.house, desk.by, consultation.patient_id, consultation_id)
    return RedirectResponse(f"/patients/{consultation.patient_id}/consultations/{consultation_id}", 303)


def back(patient_id: PatientId, said: str) -> Response:
    return RedirectResponse(f"/patients/{patient_id}/assistant?said={said}", 303)


def tell_run(desk: Desk, place: str, run_id: AdapterId, patient_id: PatientId | None = None) -> Response:
    run = get_run(desk.house.store, desk.by, run_id=run_id)
    if run.job.is_over:
        return Response(status_code=204, headers={"HX-Redirect": place})
    writes = may_write(desk.house.store, desk.by, patient_id=patient_id)
    return render(RunFragment(desk.w, view_run(run, place, desk.w), writes))


def start_run(desk: Desk, scope: Scope, on: str) -> None:
    """`on` is what to go on from.  Raises what `start_training` does, and ModelMissing without a model."""
    model = desk.house.model()
    base = Base(model.name, model.base_sha256)
    house = desk.house
    start_training(
        house.store, desk.by, scope=scope, limits=house.limits, base=base, on=on, here=house.worker
    )


def start_merge(desk: Desk, merge: Merge) -> str:
    """What keeps it from beginning, in a sentence; empty where it has begun."""
    try:
        found = _begin_merge(desk, merge)
    except (BadInput, NotAllowed, TrainingFailed, ModelError) as error:
        return describe(desk.w, error)
    if isinstance(found, MergeHindrance):
        return desk.w(f"assistant.merge_need_{found.value.replace(' ', '-')}")
    return ""


def _begin_merge(desk: Desk, merge: Merge) -> Run | MergeHindrance:
    model, house = desk.house.model(), desk.house
    base = Base(model.name, model.base_sha256)
    return start_merging(house.store, desk.by, merge=merge, limits=house.limits, base=base, here=house.worker)


def find_missing(desk: Desk) -> tuple[str, ...]:
    """What keeps this practice from training at all, in sentences."""
    try:
        model = desk.house.model()
    except (ModelError, UnknownName):
        return (desk.w("assistant.need_no-model"),)
    if not model.base_sha256:
        return (desk.w("assistant.need_no-base"),)
    if not has_memory_files():
        return (desk.w("assistant.need_no-memory-files"),)
    workers = list_workers(desk.house.store, desk.by)
    others = any(worker.is_there(desk.house.clock()) for worker in workers)
    if not others and find_spec("torch") is None:
        return (desk.w("assistant.need_no-library"),)
    return ()


def make_page(desk: Desk, patient_id: PatientId, *, said: str = "", problem: str = "") -> AssistantPage:
    store, by, w = desk.house.store, desk.by, desk.w
    file, base = load_patient(store, by, patient_id), find_base(desk)
    place = f"/patients/{patient_id}/assistant"
    shelf = list_shelf(store, by, patient_id=patient_id, base_sha256=base)
    runs = list_runs(store, by, patient_id=patient_id)
    going = find_going(runs)
    plan, missing = make_plan(desk, patient_id, base)
    return AssistantPage(
        w=w,
        frame=make_frame(desk, list_patients(store, by), patient_id, "assistant"),
        head=view_head(file, desk),
        place=place,
        uses=say_choice(shelf.choice, desk),
        plan=view_plan(plan, w, missing),
        rows=view_rows(shelf, desk, base),
        run=view_run(going, place, w) if going else None,
        examples=view_examples(desk, patient_id, plan),
        # The newest with words to answer: one that was opened a moment ago has none yet.
        consultation_id=next((each.id for each in file.consultations if each.source.text.strip()), ""),
        mergeable=view_mergeable(shelf, desk, base, patient_id),
        said=said,
        problem=problem or say_ended(runs, w),
    )


def make_plan(desk: Desk, patient_id: PatientId, base: str) -> tuple[RunPlan, tuple[str, ...]]:
    """The next run, and why it cannot begin for other reasons than its examples."""
    scope = Scope(AdapterKind.PATIENT, (patient_id,))
    try:
        plan = plan_run(desk.house.store, desk.by, scope=scope, limits=desk.house.limits, base_sha256=base)
    except ReadOnly:
        nothing = RunPlan(AdapterKind.PATIENT, (patient_id,), (), 0, 0.0)
        return nothing, (desk.w("assistant.need_read-only"),)
    return plan, find_missing(desk)


def view_examples(desk: Desk, patient_id: PatientId, plan: RunPlan | None = None) -> tuple[ExampleRow, ...]:
    plan = plan or make_plan(desk, patient_id, "")[0]
    held_out = {example.id for example in plan.held_out}
    planned = {example.id for example in plan.examples}
    try:
        examples = list_examples(desk.house.store, desk.by, patient_id=patient_id)
    except ConsentMissing:
        return ()
    # Where there is no plan, as without consent to this kind of training, no limit was met.
    used = {example.id for example in list_used(examples)} if planned else set[ExampleId]()
    return tuple(
        view_example(each, desk, is_held_out=each.id in held_out, is_beyond=each.id in used - planned)
        for each in examples
    )
