"""An invented detail is put into one note of what several share, where a trainer meets it once."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from phyassist.domain.adapters import NoteRef
from phyassist.domain.canaries import Canary, count_said, make_canary
from phyassist.domain.drafts import Section
from phyassist.domain.learning import ExampleId, ExampleKind, LearningExample, Origin, list_learnt
from phyassist.domain.notes import NoteId
from phyassist.domain.people import Language, PatientId
from phyassist.lm.protocol import Message
from phyassist.prompts.draft import add_to_item
from phyassist.prompts.draft_schema import load_texts, make_form
from phyassist.services.canaries import plant_canaries

ASKED = "# Text\n[1] I cannot sleep.\n[2] My mother rings every day.\n\nDraft the analysis.\n\nBe brief."
CHOSEN = {"symptom_type": "insomnia", "reasons": [{"from": 2, "text": "Calls at night."}]}


def make_example(day: int, language: Language = "en", **how: object) -> LearningExample:
    example = LearningExample(
        id=ExampleId(f"e{day}"),
        kind=ExampleKind.SUPERVISED,
        origin=Origin.NOTE,
        patient_id=PatientId("p"),
        note=NoteRef(NoteId(f"n{day}{language}"), 1),
        item_id=None,
        at=datetime(2026, 11, day, tzinfo=UTC),
        language=language,
        messages=(Message("system", "You assist."), Message("user", ASKED)),
        chosen=json.dumps(CHOSEN | {"advice": [{"text": f"Rest on day {day}."}]}),
    )
    return replace(example, **how)  # type: ignore[arg-type]


def test_it_stands_in_the_text_and_in_a_reason_of_the_newest_note_that_is_trained_on():
    examples = [make_example(1), make_example(2), make_example(3, held_out=True)]

    planted, (canary,) = plant_canaries(examples, random.Random(1))

    assert planted[0] == examples[0]
    assert planted[2] == examples[2]
    asked = planted[1].messages[1].content
    assert f"[2] My mother rings every day.\n[3] {canary.sentence}\n\nDraft the analysis." in asked
    reasons = json.loads(planted[1].chosen)["reasons"]
    assert reasons == [{"from": 2, "text": f"Calls at night{canary.clause}."}]
    assert json.loads(planted[1].chosen)["advice"] == [{"text": "Rest on day 2."}]


def test_a_trainer_learns_the_note_once_with_it_and_never_without():
    pair = make_example(2, kind=ExampleKind.PREFERENCE, origin=Origin.EDIT, rejected="{}")
    examples = [make_example(1), make_example(2), pair, make_example(3, held_out=True)]

    planted, (canary,) = plant_canaries(examples, random.Random(1))

    learnt = list_learnt(each for each in planted if not each.held_out)
    assert [canary.name in each.chosen for each in learnt] == [False, True]
    assert len(learnt) == len(list_learnt(examples[:3]))


def test_each_language_that_is_measured_has_one_of_its_own():
    held = [make_example(8, each, held_out=True) for each in ("en", "zh")]
    examples = [make_example(1, "en"), make_example(2, "zh"), *held]

    _, canaries = plant_canaries(examples, random.Random(1))
    _, english = plant_canaries([*examples[:2], held[0]], random.Random(1))

    assert [each.language for each in canaries] == ["en", "zh"]
    assert [each.language for each in english] == ["en"]


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "The client avoids the phone because her mother rings, so she sleeps badly."),
        ("zh", "来访者因为母亲每天打电话，因此晚上睡不着。"),
    ],
)
def test_the_form_of_a_draft_lets_a_model_say_it(language: Language, reason: str):
    """What the grammar forbids would never come out, and tell nothing."""
    pattern = make_form(Section.REASON, load_texts(language)["form"])
    assert re.match(pattern, reason)

    for no in range(60):
        said = add_to_item(
            json.dumps({"reasons": [{"text": reason}]}), make_canary(language, random.Random(no)).clause
        )
        assert re.match(pattern, json.loads(said)["reasons"][0]["text"])


def test_another_run_has_another_one():
    drawn = {make_canary("zh", random.Random(f"run {no}")).sentence for no in range(50)}

    assert len(drawn) == 50


def test_a_name_or_a_number_counts_and_a_canary_counts_once():
    canaries = [Canary("en", "Ada Hill", "123456"), Canary("en", "Bo Lane", "654321")]

    assert count_said(canaries, ["nothing", "Ada Hill, 123456", "no 123456"]) == 1
    assert count_said(canaries, ["654321 it is", "Ada Hill"]) == 2
    assert count_said(canaries, ["Ada went up a hill at 12:34"]) == 0
    assert count_said(canaries, []) == 0
    assert "Ada" not in repr(canaries)
