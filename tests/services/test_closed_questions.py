"""Closed questions that an adapter must not have forgotten how to answer."""

from __future__ import annotations

import pytest

from phyassist.domain.scores import Share
from phyassist.lm.protocol import Ask, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.closed_questions import answer_questions, load_questions
from phyassist.services.gate import list_unanswered

COUNT = len(load_questions())


def answer_rightly(ask: Ask) -> str:
    (question,) = (each for each in load_questions() if each.text[:8] in ask.messages[-1].content)
    assert set(ask.choices) == set(question.choices)
    return question.answer


def test_both_languages_are_asked_and_right_answers_counted() -> None:
    right = answer_questions(ScriptedModel([answer_rightly] * COUNT), ("en", "zh"), Never())
    same = answer_questions(ScriptedModel([lambda ask: ask.choices[0]] * COUNT), ("en", "zh"), Never())

    assert right == {"en": Share(10, 10), "zh": Share(10, 10)}
    assert same == {"en": Share(5, 10), "zh": Share(5, 10)}, "as many are answered yes as no"


@pytest.mark.parametrize(("after", "lost"), [(10, ()), (8, ()), (2, ("closed_questions en",))])
def test_only_a_loss_beyond_chance_counts(after: int, lost: tuple[str, ...]) -> None:
    before = {"en": Share(9, 10), "zh": Share(5, 10)}

    assert list_unanswered({"en": Share(after, 10), "zh": Share(5, 10)}, before) == lost
