"""What the plan of a run leaves out, and which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from phyassist.domain.adapters import AdapterKind, NoteRef
from phyassist.domain.learning import (
    ExampleId,
    ExampleKind,
    LearningExample,
    Limit,
    Limits,
    Origin,
    Pace,
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
    limits = Limits(minutes_per_run=int(whole.expected_min * 0.9))

    plan = make_plan(AdapterKind.PATIENT, [WHO], examples, limits=limits, pace=Pace())

    assert 0.7 * limits.minutes_per_run < plan.expected_min <= limits.minutes_per_run
    (bite,) = plan.bites
    assert (bite.limit, bite.allowed, bite.forbids) == (Limit.MINUTES, limits.minutes_per_run, False)
    assert bite.found > limits.minutes_per_run
    assert bite.left_out == notes - len(plan.examples) > 0
    assert {each.id for each in plan.examples} == {each.id for each in examples[bite.left_out :]}
