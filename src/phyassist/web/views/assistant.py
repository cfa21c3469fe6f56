"""The assistant of a patient, and those that several share: what there is, what it learns, how a run goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.adapters import (
    BASE_ALONE,
    AdapterChoice,
    AdapterKind,
    choose_adapter,
)
from phyassist.domain.jobs import JobState
from phyassist.domain.learning import Bite, Phase, RunPlan, RunProgress
from phyassist.domain.people import PatientId
from phyassist.domain.records import Consultation
from phyassist.errors import ModelError, UnknownName
from phyassist.services.adapter_merging import list_mergeable
from phyassist.services.adapters import Shelf, list_choices
from phyassist.services.learning_runs import Run
from phyassist.web.desk import Desk
from phyassist.web.views.adapters import AdapterRow, name_adapter
from phyassist.web.views.curve import CurveView, view_curve
from phyassist.web.views.examples import ExampleRow
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class RunView:
    """A run that goes on; `place` is where it is asked for again."""

    run_id: str
    place: str
    said: str
    left: str
    done: int
    total: int
    curve: CurveView | None


@dataclass(frozen=True, slots=True)
class ChipChoice:
    """What may be asked for in one consultation; an empty `value` is whatever is chosen by itself."""

    value: str
    name: str = field(repr=False)
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class MergeChoice:
    """An assistant that may be merged with others."""

    adapter_id: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlanView:
    """What the next run would do; `said` are sentences about it, `missing` why it cannot begin.

    `parents` is what it may go on from, empty where that is the model alone.
    """

    size: str
    time: str
    said: tuple[str, ...]
    missing: tuple[str, ...]
    may_train: bool
    parents: tuple[ChipChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChoice:
    patient_id: str
    name: str = field(repr=False)
    chosen: bool


@dataclass(frozen=True, slots=True)
class LearntFile:
    """A file that a shared run would learn from; its page lists the examples, to be left out one by one."""

    patient_id: str
    name: str = field(repr=False)
    said: str


@dataclass(frozen=True, slots=True)
class OfferRow:
    """A published assistant that comes with PhyAssist and may be taken into the practice."""

    name: str
    title: str
    lead: str


@dataclass(frozen=True, slots=True)
class AssistantChip:
    """Which assistant writes in a consultation, why, and what may be chosen instead."""

    consultation_id: str
    name: str = field(repr=False)
    uses: str = field(repr=False)
    choices: tuple[ChipChoice, ...]


@dataclass(frozen=True, slots=True)
class AssistantPage:
    """`place` is the address of the page and of all that is done on it."""

    template: ClassVar[str] = "assistant.html"
    w: Words
    frame: Frame
    head: PatientHead
    place: str
    uses: str
    plan: PlanView
    rows: tuple[AdapterRow, ...]
    run: RunView | None
    examples: tuple[ExampleRow, ...]
    consultation_id: str
    said: str = ""
    problem: str = ""
    mergeable: tuple[MergeChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionChoice:
    """A consultation to compare assistants on."""

    consultation_id: str
    title: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SharedAssistantPage:
    """Shared assistants.  `plan` stands once somebody asked for it, with whom it is for."""

    template: ClassVar[str] = "shared_assistant.html"
    w: Words
    frame: Frame
    place: str
    offers: tuple[OfferRow, ...]
    rows: tuple[AdapterRow, ...]
    run: RunView | None
    kind: str
    label: str = field(repr=False)
    files: tuple[FileChoice, ...]
    agreed: str
    plan: PlanView | None
    questions: tuple[QuestionChoice, ...]
    said: str = ""
    problem: str = ""
    mergeable: tuple[MergeChoice, ...] = ()
    learnt: tuple[LearntFile, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFragment:
    template: ClassVar[str] = "_learning_run.html"
    w: Words
    run: RunView
    may_write: bool = True


def say_choice(choice: AdapterChoice, desk: Desk) -> str:
    """Which assistant answers, and why, in a sentence."""
    card, w = choice.card, desk.w
    if card is None:
        return w(f"assistant.uses_{choice.reason}")
    is_public = card.kind == AdapterKind.PUBLISHED and choice.reason == "adapter-wanted"
    return w(
        "assistant.uses_published-wanted" if is_public else f"assistant.uses_{choice.reason}",
        no=card.number,
        name=name_adapter(card, w),
        date=desk.when.day_of_month(card.trained_at),
        notes=card.notes,
    )


def view_chip(desk: Desk, consultation: Consultation) -> AssistantChip:
    store, w, base = desk.house.store, desk.w, find_base(desk)
    shelf = list_choices(store, desk.by, patient_id=consultation.patient_id, base_sha256=base)
    wanted, free = consultation.adapter_wanted, {card.id: name_adapter(card, w) for card in shelf.cards}
    if wanted not in {*free, BASE_ALONE}:
        wanted = ""
    choice = shelf.choice
    if wanted:
        choice = choose_adapter(shelf.cards, consultation.patient_id, base, wanted)
    usual = name_choice(shelf.choice, w)
    return AssistantChip(
        consultation.id,
        name_choice(choice, w),
        say_choice(choice, desk),
        (
            ChipChoice("", w("assistant.chip_usual", name=usual), not wanted),
            *(ChipChoice(each, name, each == wanted) for each, name in free.items()),
            ChipChoice(BASE_ALONE, w("assistant.chip_alone"), wanted == BASE_ALONE),
        ),
    )


def name_choice(choice: AdapterChoice, w: Words) -> str:
    return name_adapter(choice.card, w) if choice.card else w("assistant.model_alone")


def name_adapters(desk: Desk, patient_id: PatientId) -> dict[str, str]:
    """How the page calls the assistants that may have written items of this patient."""
    shelf = list_choices(desk.house.store, desk.by, patient_id=patient_id)
    return {card.id: name_adapter(card, desk.w) for card in shelf.known}


def find_base(desk: Desk) -> str:
    """The SHA-256 of the loaded model's file; empty where there is none or a server does not tell."""
    try:
        return desk.house.model().base_sha256
    except (ModelError, UnknownName):
        return ""


def view_mergeable(
    shelf: Shelf, desk: Desk, base_sha256: str, patient_id: PatientId | None
) -> tuple[MergeChoice, ...]:
    """What may be merged; nothing where there are not two, or no notes may be read to measure by."""
    if shelf.is_withdrawn:
        return ()
    found = list_mergeable(shelf.known, base_sha256, patient_id)
    return tuple(MergeChoice(card.id, name_adapter(card, desk.w)) for card in found) if len(found) > 1 else ()


def find_going(runs: Iterable[Run]) -> Run | None:
    """The run that goes on; the newest if there are several.

    One that was broken off has no adapter any more, however long its worker takes to hear of it.
    """
    return next((run for run in runs if not run.job.is_over and run.card is not None), None)


def say_ended(runs: tuple[Run, ...], w: Words) -> str:
    """What became of the last run where nothing came of it."""
    if not runs or not runs[0].job.is_over:
        return ""
    job = runs[0].job
    if job.state == JobState.FAILED:
        advice = f"assistant.run_failed_{job.error_code}"
        said = w("assistant.run_failed", code=job.error_code)
        return f"{said} {w(advice)}" if w.has(advice) else said
    return w("assistant.run_cancelled") if job.state == JobState.CANCELLED else ""


def view_run(run: Run, place: str, w: Words) -> RunView:
    progress = run.progress or RunProgress(Phase.WAITING)
    if run.job.state == JobState.WAITING:
        progress = RunProgress(Phase.WAITING)
    done, total = progress.step, progress.steps or run.job.total
    said = w(f"assistant.phase_{progress.phase.value}", step=done, steps=total)
    left = ""
    if progress.left_s is not None:
        minutes = round(progress.left_s / 60)
        key = "assistant.left_training" if progress.phase == Phase.TRAINING else "assistant.left"
        left = w(key, minutes=minutes) if minutes else w("assistant.left_short")
    curve = view_curve(progress.curve, total, w) if progress.curve else None
    return RunView(run.id, f"{place}/runs/{run.id}", said, left, done, total, curve)


def view_plan(plan: RunPlan, w: Words, more: tuple[str, ...] = ()) -> PlanView:
    """`more` are reasons that have nothing to do with the examples: no model, nothing to train on."""
    shared = "_shared" if plan.kind.is_shared else ""
    missing, said = list(more), list[str]()
    for hindrance in plan.hindrances:
        key = f"assistant.need_{hindrance.value.replace(' ', '-')}"
        sentence = w(key + shared if w.has(key + shared) else key)
        (missing if hindrance.forbids else said).append(sentence)
    for bite in plan.bites:
        (missing if bite.forbids else said).append(_say_bite(bite, w))
    notes = len({ref.note_id for ref in plan.taught_by})
    return PlanView(
        size=w("assistant.plan_size", count=len(plan.learnt), notes=notes, held_out=len(plan.measured_by)),
        time=w("assistant.plan_time", steps=plan.steps, minutes=max(1, round(plan.expected_min))),
        said=tuple(said),
        missing=tuple(missing),
        may_train=plan.is_allowed and not more,
        parents=_view_parents(plan, w),
    )


def _view_parents(plan: RunPlan, w: Words) -> tuple[ChipChoice, ...]:
    if not plan.parents:
        return ()
    return (
        ChipChoice(BASE_ALONE, w("assistant.model_alone"), plan.parent_id is None),
        *(ChipChoice(card.id, name_adapter(card, w), card.id == plan.parent_id) for card in plan.parents),
    )


def _say_bite(bite: Bite, w: Words) -> str:
    key = "assistant.limit_ends" if bite.ends else f"assistant.limit_{bite.limit.value.replace(' ', '-')}"
    return w(key, allowed=f"{bite.allowed:,}", found=f"{bite.found:,}", left_out=bite.left_out)
