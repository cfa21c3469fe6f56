"""What the plan of a run leaves out, and which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterKind, AdapterState, NoteRef
from phyassist.domain.learning import (
    Drafted,
    ExampleId,
    ExampleKind,
    Hindrance,
    LearningExample,
    Limit,
    Limits,
    Origin,
    Pace,
    list_authors,
    make_plan,
)
from phyassist.domain.messages import Message
from phyassist.domain.notes import NoteId
from phyassist.domain.people import PatientId

WHO = PatientId("p-1")
FIRST = datetime(2026, 1, 7, tzinfo=UTC)


def make_examples(notes: int, words: int) -> list[LearningExample]:
    return [
        LearningExample(
            ExampleId(f"e-{number}"),
            ExampleKind.SUPERVISED,
            Origin.NOTE,
            WHO,
            NoteRef(NoteId(f"n-{number}"), 1),
            None,
            FIRST + timedelta(weeks=number),
            "en",
            (Message("user", f"Week {number}: " + "she could not sleep " * (words // 4)),),
            "She lies awake and fears the next day.",
        )
        for number in range(notes)
    ]


@pytest.mark.parametrize("notes", [40, 100])
def test_a_run_keeps_to_its_minutes_by_leaving_out_the_oldest_notes(notes: int) -> None:
    examples = make_examples(notes, 400)
    whole = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=Limits(minutes_per_run=10**6), pace=Pace())
    limits = Limits(minutes_per_run=int(whole.steps_s / 60 * 0.9))

    plan = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=limits, pace=Pace())

    assert 0.7 * limits.minutes_per_run < plan.steps_s / 60 <= limits.minutes_per_run
    (bite,) = plan.bites
    assert (bite.limit, bite.allowed, bite.forbids) == (Limit.MINUTES, limits.minutes_per_run, False)
    assert bite.found > limits.minutes_per_run
    assert bite.left_out == notes - len(plan.examples) > 0
    assert {each.id for each in plan.examples} == {each.id for each in examples[bite.left_out :]}


def test_a_run_that_no_older_note_makes_shorter_says_that_its_minutes_end_it() -> None:
    # A run of few notes sees them often enough to take some steps.
    examples = make_examples(3, 1000)
    whole = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=Limits(), pace=Pace())
    limits = Limits(minutes_per_run=round(whole.steps_s / 60) - 2)

    plan = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=limits, pace=Pace())

    (bite,) = plan.bites
    assert (bite.limit, bite.allowed, bite.found) == (
        Limit.MINUTES,
        limits.minutes_per_run,
        round(whole.steps_s / 60),
    )
    assert (bite.left_out, bite.ends, plan.is_allowed) == (0, True, True)
    assert (plan.steps, len(plan.examples)) == (whole.steps, 3)
    assert not whole.bites


def test_few_notes_that_the_minutes_left_are_seen_so_often_that_the_clock_ends_them() -> None:
    examples = make_examples(40, 2000)
    pace = Pace(overhead_s=600)
    two = make_plan(AdapterKind.PATIENT, [WHO], examples[-2:], limits=Limits(), pace=pace)
    # Room for three notes that are seen as often as usual.
    limits = Limits(minutes_per_run=round(3.2 * examples[-1].tokens * pace.epochs / pace.tokens_per_s / 60))

    plan = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=limits, pace=pace)

    left_out, ends = plan.bites
    assert (left_out.limit, left_out.ends, left_out.left_out) == (Limit.MINUTES, False, 37)
    assert (ends.limit, ends.ends, ends.found) == (Limit.MINUTES, True, round(plan.steps_s / 60))
    assert plan.steps_s / 60 > limits.minutes_per_run
    # What goes by before and after the steps is no matter of the limit.
    assert (two.bites, two.expected_s - two.steps_s) == ((), 600)


@pytest.mark.parametrize("limit", [Limit.CHARACTERS, Limit.MINUTES])
def test_a_limit_that_leaves_one_note_is_what_is_named_and_not_the_notes(limit: Limit) -> None:
    examples = make_examples(10, 2000)
    tight = {Limit.CHARACTERS: {"characters_per_run": 1000}, Limit.MINUTES: {"minutes_per_run": 1}}[limit]

    plan = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=Limits(**tight), pace=Pace(overhead_s=0))

    assert [bite.limit for bite in plan.bites if bite.left_out == 9] == [limit]
    assert Hindrance.ONE_NOTE not in plan.hindrances
    assert Hindrance.NO_ROOM in plan.hindrances
    assert not plan.is_allowed


def make_card(name: str, **how: object) -> AdapterCard:
    learnt_from = tuple(NoteRef(NoteId(f"n-{number}"), 1) for number in range(2))
    card = AdapterCard(AdapterId(name), "ab", WHO, FIRST, AdapterState.ACCEPTED, ledger=learnt_from)
    return replace(card, **how)  # type: ignore[arg-type]


def make_drafted(notes: int, adapter: str) -> list[LearningExample]:
    return [replace(each, drafted=Drafted("small", each.chosen, adapter)) for each in make_examples(notes, 8)]


@pytest.mark.parametrize(
    ("how", "is_author"),
    [
        ({}, True),
        ({"state": AdapterState.WITHDRAWN}, True),
        ({"state": AdapterState.TRAINING}, False),
        ({"base_sha256": "cd"}, False),
        ({"retrain_since": FIRST}, False),
        ({"ledger": (NoteRef(NoteId("of another client"), 1),)}, False),
        ({"ledger": ()}, True),
    ],
)
def test_who_drafted_notes_may_say_anew_what_was_said_there(how: dict[str, object], is_author: bool) -> None:
    plan = make_plan(AdapterKind.PATIENT, [WHO], make_drafted(5, "earlier"), limits=Limits(), pace=Pace())
    cards = [make_card("earlier", **how), make_card("drafted nothing")]

    assert list_authors(plan, cards, "ab") == (("earlier",) if is_author else ())
    assert list_authors(replace(plan, parent_id=AdapterId("earlier")), cards, "ab") == ()


def test_what_was_left_out_is_not_heard_from_who_has_learnt_it() -> None:
    first, *others = make_drafted(5, "earlier")
    examples = [replace(first, left_out=True), *others]

    plan = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=Limits(), pace=Pace())

    assert list_authors(plan, [make_card("earlier")], "ab") == ()
    later = make_card("earlier", ledger=(NoteRef(NoteId("n-1"), 1),))
    assert list_authors(plan, [later], "ab") == ("earlier",)


def test_one_clients_own_assistant_is_not_heard_where_several_learn() -> None:
    plan = make_plan(AdapterKind.SET, [WHO], make_drafted(5, "earlier"), limits=Limits(), pace=Pace())

    assert list_authors(plan, [make_card("earlier")], "ab") == ()
    shared = make_card("earlier", kind=AdapterKind.SET, patient_id=None)
    assert list_authors(plan, [shared], "ab") == ("earlier",)
