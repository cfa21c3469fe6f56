"""The assistant of a patient, and those that several share: what there is, what it learns, how a run goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.adapters import (
    BASE_ALONE,
    MINUTES_MAX,
    STEPS_PLANNED,
    AdapterCard,
    AdapterChoice,
    AdapterId,
    AdapterKind,
    AdapterState,
    Verdict,
    choose_adapter,
)
from phyassist.domain.jobs import JobState
from phyassist.domain.learning import Bite, Phase, RunPlan, RunProgress
from phyassist.domain.people import Language, PatientId
from phyassist.domain.records import Consultation
from phyassist.errors import ModelError, UnknownName
from phyassist.services.adapter_merging import list_mergeable
from phyassist.services.adapters import Shelf, list_choices
from phyassist.services.learning_runs import Run
from phyassist.web.desk import Desk
from phyassist.web.views.curve import CurveView, view_curve
from phyassist.web.views.examples import ExampleRow
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """`lines` say what was measured; `gate` is the verdict in a sentence.  `state` is a word of the page."""

    adapter_id: str
    name: str = field(repr=False)
    made: str
    under: str
    lines: tuple[str, ...]
    gate: str
    state: str
    state_said: str
    warning: str
    is_in_use: bool
    may_use: bool
    may_withdraw: bool


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


def name_adapter(card: AdapterCard, w: Words) -> str:
    return w(f"assistant.name_{card.kind.value}", no=card.number, label=card.label)


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
    wanted = consultation.adapter_wanted
    choice = choose_adapter(shelf.cards, consultation.patient_id, base, wanted, language=shelf.language)
    known = {card.id: name_adapter(card, w) for card in shelf.cards}
    usual = name_choice(shelf.choice, w)
    return AssistantChip(
        consultation.id,
        name_choice(choice, w),
        say_choice(choice, desk),
        (
            ChipChoice("", w("assistant.chip_usual", name=usual), not wanted),
            *(ChipChoice(each, name, each == wanted) for each, name in known.items()),
            ChipChoice(BASE_ALONE, w("assistant.chip_alone"), wanted == BASE_ALONE),
        ),
    )


def name_choice(choice: AdapterChoice, w: Words) -> str:
    return name_adapter(choice.card, w) if choice.card else w("assistant.model_alone")


def name_adapters(desk: Desk, patient_id: PatientId) -> dict[str, str]:
    """How the page calls the assistants that may have written items of this patient."""
    shelf = list_choices(desk.house.store, desk.by, patient_id=patient_id)
    return {card.id: name_adapter(card, desk.w) for card in shelf.cards}


def find_base(desk: Desk) -> str:
    """The SHA-256 of the loaded model's file; empty where there is none or a server does not tell."""
    try:
        return desk.house.model().base_sha256
    except (ModelError, UnknownName):
        return ""


def view_rows(shelf: Shelf, desk: Desk, base_sha256: str) -> tuple[AdapterRow, ...]:
    names = {card.id: name_adapter(card, desk.w) for card in shelf.known}
    in_use = _find_in_use(shelf)
    done = [card for card in shelf.cards if card.state != AdapterState.TRAINING]
    return tuple(
        view_row(
            card,
            desk,
            base_sha256,
            names,
            is_in_use=card.id in in_use,
            may_answer=shelf.language is None or card.answers_in(shelf.language),
        )
        for card in done
    )


def _find_in_use(shelf: Shelf) -> set[AdapterId]:
    """Of each kind and language the one that was accepted last; of a patient's, the one that answers."""
    if any(card.patient_id is not None for card in shelf.cards):
        return {shelf.choice.card.id} if shelf.choice.card else set()
    newest = {
        (card.kind, card.label, language): card.id
        for card in sorted(shelf.cards, key=lambda card: card.in_use_since or card.trained_at)
        for language in _list_answered(card)
        if card.state == AdapterState.ACCEPTED
    }
    return set(newest.values())


def view_row(
    card: AdapterCard,
    desk: Desk,
    base_sha256: str,
    names: Mapping[AdapterId, str],
    *,
    is_in_use: bool,
    may_answer: bool,
) -> AdapterRow:
    w, when = desk.w, desk.when
    fits = not base_sha256 or card.base_sha256 == base_sha256
    state = card.state.value
    if card.state == AdapterState.ACCEPTED:
        state = "in_use" if is_in_use else "earlier" if may_answer else "other_language"
    return AdapterRow(
        adapter_id=card.id,
        name=name_adapter(card, w),
        made=w(
            "assistant.made_public" if card.kind == AdapterKind.PUBLISHED else "assistant.made",
            date=when.date(card.trained_at),
            notes=card.notes,
        ),
        under=_say_origin(card, names, w),
        lines=(
            *_say_languages(card, w),
            *_say_too_long(card, w),
            *_say_late(card, w),
            *_say_scores(card.verdict, w),
        ),
        gate=say_verdict(card.verdict, w),
        state=state,
        state_said=w(f"assistant.{state}", date=when.date(card.in_use_since)),
        warning=w("assistant.retrain") if card.retrain_since else "" if fits else w("assistant.other_base"),
        is_in_use=is_in_use,
        may_use=fits and not is_in_use,
        may_withdraw=card.state != AdapterState.WITHDRAWN,
    )


def _say_origin(card: AdapterCard, names: Mapping[AdapterId, str], w: Words) -> str:
    """What it went on from, or what was merged into it; one that is gone since has no name any more."""
    if card.merged_of:
        gone = w("assistant.gone")
        return w(
            "assistant.merged_of",
            names=w("assistant.between").join(names.get(each, gone) for each in card.merged_of),
        )
    parent = names.get(card.parent_id) if card.parent_id else None
    return w("assistant.on_top", name=parent) if parent else ""


def view_mergeable(
    shelf: Shelf, desk: Desk, base_sha256: str, patient_id: PatientId | None
) -> tuple[MergeChoice, ...]:
    """What may be merged; nothing where there are not two."""
    found = list_mergeable(shelf.known, base_sha256, patient_id)
    return tuple(MergeChoice(card.id, name_adapter(card, desk.w)) for card in found) if len(found) > 1 else ()


def say_verdict(verdict: Verdict | None, w: Words) -> str:
    """The gate's verdict in one sentence; empty where there is none."""
    if verdict is None:
        return ""
    numbers = defaultdict(
        lambda: NOTHING,
        {
            name: f"{value:.0%}" if name.startswith("similarity") else f"{value:.2f}"
            for name, value in verdict.numbers.items()
        },
    )
    shown = ("loss_before", "loss_after", "similarity_before", "similarity_after")
    key = f"assistant.gate_{verdict.reason.value.replace(' ', '-')}"
    return w(key, **{name: numbers[name] for name in shown})


def _say_languages(card: AdapterCard, w: Words) -> Iterable[str]:
    """For whom alone it answers, where it does not answer for everybody."""
    answered = _list_answered(card)
    if card.patient_id is None and len(answered) == 1:
        yield w(f"assistant.only_{answered[0]}")


def _say_too_long(card: AdapterCard, w: Words) -> Iterable[str]:
    """That examples were longer than what the trainer reads at once, where some were."""
    count = int(card.config.get("too_long", "0"))
    if count:
        yield w("assistant.too_long", count=count)


def _say_late(card: AdapterCard, w: Words) -> Iterable[str]:
    """That the run's minutes were over before its steps were, where it was so."""
    if STEPS_PLANNED in card.config:
        planned, most = card.config[STEPS_PLANNED], card.config[MINUTES_MAX]
        yield w("assistant.late", steps=card.config["steps"], planned=planned, minutes=most)


def _list_answered(card: AdapterCard) -> tuple[Language, ...]:
    languages: tuple[Language, ...] = ("zh", "en")
    return tuple(language for language in languages if card.answers_in(language))


def _say_scores(verdict: Verdict | None, w: Words) -> Iterable[str]:
    numbers = verdict.numbers if verdict else {}
    if {"loss_before", "loss_after"} <= numbers.keys():
        before, after = f"{numbers['loss_before']:.2f}", f"{numbers['loss_after']:.2f}"
        yield w("assistant.loss", before=before, after=after)
    if {"similarity_before", "similarity_after"} <= numbers.keys():
        before, after = f"{numbers['similarity_before']:.0%}", f"{numbers['similarity_after']:.0%}"
        yield w("assistant.similarity", before=before, after=after)
    if "languages" in numbers:
        yield w("assistant.each_language")
    if "drafted_by_present" in numbers:
        yield w("assistant.drafted_by_present", count=int(numbers["drafted_by_present"]))


def find_going(runs: Iterable[Run]) -> Run | None:
    """The run that goes on; the newest if there are several."""
    return next((run for run in runs if not run.job.is_over), None)


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
        left = w("assistant.left", minutes=minutes) if minutes else w("assistant.left_short")
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
    notes = len({ref.note_id for ref in plan.ledger})
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
