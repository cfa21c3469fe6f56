"""The assistant, of invented people: a run that goes on, versions, examples, two sides."""

from __future__ import annotations

from collections.abc import Callable

from phyassist.domain.learning import CurvePoint
from phyassist.domain.people import Language
from phyassist.web.render import View
from phyassist.web.views import adapters, assistant, comparing, examples
from phyassist.web.views.curve import view_curve
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words, make_words

PLACE = "/patients/p1/assistant"
WORDS = {
    "zh": (
        "学业焦虑，伴睡眠不足",
        "再具体一些，写明时间",
        "周日晚上和她一起定下下周的起床时间，写在日历上。",
        "建议保持规律作息。",
    ),
    "en": (
        "Academic anxiety with too little sleep",
        "more concrete, with a time",
        "On Sunday evening set next week's time to get up with her, and write it into the calendar.",
        "Keep a regular rhythm.",
    ),
}
CURVE = tuple(
    CurvePoint(step, 2.6 - 0.16 * step + 0.008 * step * step, 2.4 - 0.09 * step if step % 4 == 0 else None)
    for step in range(1, 10)
)


def make_chip(language: Language) -> assistant.AssistantChip:
    w = make_words(language)
    name = w("assistant.name_patient", no=3)
    choices = (
        assistant.ChipChoice("", w("assistant.chip_usual", name=name), True),
        assistant.ChipChoice("a2", w("assistant.name_patient", no=2), False),
        assistant.ChipChoice("base", w("assistant.chip_alone"), False),
    )
    uses = w("assistant.uses_patient-adapter", no=3, date="4 March", notes=12)
    return assistant.AssistantChip("c1", name, uses, choices)


def make_mergeable(w: Words) -> tuple[assistant.MergeChoice, ...]:
    return (
        assistant.MergeChoice("a3", w("assistant.name_patient", no=3)),
        assistant.MergeChoice("a9", w("assistant.name_set", label="Evening group", no=1)),
    )


def make_rows(w: Words) -> tuple[adapters.AdapterRow, ...]:
    numbers = {"before": "2.31", "after": "1.98"}
    return (
        adapters.AdapterRow(
            "a3",
            w("assistant.name_patient", no=3),
            w("assistant.made", date="2026-10-04", notes=12),
            "",
            (
                w("assistant.loss", **numbers),
                w("assistant.similarity", before="41%", after="55%"),
                w("assistant.drafted_by_present", count=2),
            ),
            w("assistant.gate_better", loss_before="2.31", loss_after="1.98"),
            "in_use",
            w("assistant.in_use", date="2026-10-04"),
            (w("assistant.retrain"),),
            is_in_use=True,
            may_use=False,
            may_withdraw=True,
            may_compare=True,
        ),
        adapters.AdapterRow(
            "a2",
            w("assistant.name_patient", no=2),
            w("assistant.made", date="2026-09-20", notes=7),
            w("assistant.on_top", name=w("assistant.name_published", no=1)),
            (w("assistant.loss", **numbers),),
            w("assistant.gate_not-better", loss_before="2.20", loss_after="2.24"),
            "kept",
            w("assistant.kept"),
            (),
            is_in_use=False,
            may_use=True,
            may_withdraw=True,
            may_compare=True,
            ask_first=w("assistant.use_remembers"),
        ),
        adapters.AdapterRow(
            "a1",
            w("assistant.name_patient", no=1),
            w("assistant.made", date="2026-09-06", notes=5),
            "",
            (w("assistant.loss", **numbers),),
            w("assistant.gate_names-others"),
            "kept",
            w("assistant.kept"),
            (w("assistant.leaks"),),
            is_in_use=False,
            may_use=False,
            may_withdraw=True,
            may_compare=False,
        ),
    )


def make_run(language: Language) -> assistant.RunView:
    w = make_words(language)
    return assistant.RunView(
        "r1",
        f"{PLACE}/runs/r1",
        w("assistant.phase_training", step=9, steps=24),
        w("assistant.left_training", minutes=4),
        9,
        24,
        view_curve(CURVE, 24, w),
    )


def make_example(language: Language, *, is_left_out: bool = False) -> examples.ExampleRow:
    _, asked, kept, wrote = WORDS[language]
    note = make_words(language)("assistant.example_note", date="2026-10-04")
    return examples.ExampleRow("e1", "p1", "comment", note, wrote, asked, (kept,), is_left_out, True)


def make_learning(
    language: Language, head: PatientHead, make_frame: Callable[[Language, str], Frame]
) -> dict[str, View]:
    """Every page of it by name."""
    w = make_words(language)
    plan = assistant.PlanView(
        w("assistant.plan_size", count=31, notes=10, held_out=6),
        w("assistant.plan_time", steps=12, minutes=6),
        (w("assistant.limit_characters-per-run", allowed="600,000", found="712,300", left_out=5),),
        (),
        True,
        (
            assistant.ChipChoice("base", w("assistant.model_alone"), True),
            assistant.ChipChoice("p1", w("assistant.name_published", no=1), False),
        ),
    )
    closed = assistant.PlanView(
        "", "", (), (w("assistant.need_one-note"), w("assistant.need_no-library")), False
    )
    note = examples.ExampleRow(
        "e2",
        "p1",
        "note",
        w("assistant.example_note", date="2026-10-04"),
        "",
        "",
        WORDS[language],
        False,
        False,
    )
    files = (assistant.FileChoice("p1", head.name, True), assistant.FileChoice("p2", "Lee", False))
    frame = make_frame(language, "assistant")
    return {
        "assistant": assistant.AssistantPage(
            w,
            frame,
            head,
            PLACE,
            make_chip(language).uses,
            plan,
            make_rows(w),
            None,
            (make_example(language), note),
            "c1",
            w("assistant.said_used"),
            w("assistant.run_failed", code="PA-TRAINING"),
            make_mergeable(w),
        ),
        "assistant_training": assistant.AssistantPage(
            w, frame, head, PLACE, w("assistant.uses_no-adapter"), plan, (), make_run(language), (), ""
        ),
        "assistant_missing": assistant.AssistantPage(
            w, frame, head, PLACE, w("assistant.uses_no-adapter"), closed, (), None, (), ""
        ),
        "assistant_shared": assistant.SharedAssistantPage(
            w,
            make_frame(language, "practice"),
            "/practice/assistant",
            (
                assistant.OfferRow(
                    "drafts-zh", w("assistant.shipped_drafts-zh"), w("assistant.shipped_drafts-zh_lead")
                ),
            ),
            make_rows(w),
            None,
            "set",
            "Evening group",
            files,
            w("assistant.agreed", count=2),
            plan,
            (assistant.QuestionChoice("c1", "Sofia Reyes · 2026-11-02"),),
            mergeable=make_mergeable(w),
            learnt=(
                assistant.LearntFile("p4", "Daniel Okafor", w("assistant.learnt_of", count=5, held_out=1)),
                assistant.LearntFile("p6", "Sofia Reyes", w("assistant.learnt_of", count=4, held_out=1)),
            ),
        ),
    }


def make_learning_fragments(language: Language) -> dict[str, View]:
    w = make_words(language)
    names: tuple[tuple[comparing.SideName, str, str], ...] = (
        ("new", w("assistant.compare_new"), w("assistant.name_patient", no=3)),
        ("now", w("assistant.compare_now"), w("assistant.model_alone")),
    )
    return {
        "learning_run": assistant.RunFragment(w, make_run(language)),
        "example": examples.ExampleFragment(w, make_example(language, is_left_out=True)),
        "compare": comparing.CompareFragment(w, "/consultations/c1/compare/a3/stream", names),
        "side_item": comparing.SideItemFragment(w, "new", w("section.advice"), WORDS[language][2]),
        "side_end": comparing.SideEndFragment(w, "new", w("assistant.compare_done", seconds=12)),
    }
