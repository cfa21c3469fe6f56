"""What the assistant's pages say of values alone: a verdict, a plan, the time that is left."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from phyassist.domain.gate import Kept, Measured, Memory, judge
from phyassist.domain.jobs import Job, JobId, JobState
from phyassist.domain.learning import Phase, RunProgress
from phyassist.domain.people import CounsellorId, Language
from phyassist.domain.quality import MEASURES
from phyassist.services.learning_runs import Run
from phyassist.web.views.adapters import say_verdict
from phyassist.web.views.assistant import view_run
from phyassist.web.wording import make_words

BETTER = Measured(0.97, 0.59, Kept(0.41, 3), Kept(0.55, 3), general_cases=2, memory=Memory(3.0))


@pytest.mark.parametrize(
    ("measured", "shown"),
    [
        (BETTER, ["0.97", "0.59"]),
        (replace(BETTER, loss_after=1.2), ["0.97", "1.20"]),
        (replace(BETTER, kept_after=Kept(0.33, 3)), ["41%", "33%"]),
        (replace(BETTER, loss_after=0.969), ["0.97", "0.97"]),
        (replace(BETTER, general_lost=("facts_used en",)), []),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_gates_sentence_shows_the_numbers_that_decided(
    measured: Measured, shown: list[str], language: Language
) -> None:
    said = say_verdict(judge(measured), make_words(language))

    assert re.findall(r"\d+(?:\.\d+|%)", said) == shown


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "What got worse: fewer facts of the text are used; replies cannot be read whole."),
        ("zh", "变差的是：用到的原文事实变少；有的回答无法完整读出。"),
    ],
)
def test_the_gates_sentence_says_what_got_worse_elsewhere(language: Language, said: str) -> None:
    lost = ("facts_used en", "facts_used zh", "schema_held zh")

    assert say_verdict(judge(replace(BETTER, general_lost=lost)), make_words(language)).endswith(said)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_measure_that_can_get_worse_has_words(language: Language) -> None:
    w = make_words(language)

    assert all(w.has(f"assistant.lost_{name}") for name in (*MEASURES["analyse"], "closed_questions"))


def test_replies_that_come_less_near_are_not_called_worse_on_unseen_notes() -> None:
    said = say_verdict(judge(replace(BETTER, kept_after=Kept(0.33, 3))), make_words("en"))

    assert said == "Its replies were less like what you kept: 41% before, 33% now. Kept, not used."


@pytest.mark.parametrize(
    ("phase", "left_s", "said"),
    [
        (Phase.TRAINING, 540.0, "about 9 min left, the measuring included"),
        (Phase.MEASURING, 300.0, "about 5 min left"),
        (Phase.MEASURING, 20.0, "less than a minute left"),
        (Phase.MEASURING, None, ""),
    ],
)
def test_the_time_left_says_what_it_holds(phase: Phase, left_s: float | None, said: str) -> None:
    job = Job(JobId("r1"), "train", CounsellorId("anna"), None, state=JobState.RUNNING)

    view = view_run(Run(job, None, RunProgress(phase, 3, 24, left_s)), "/at", make_words("en"))

    assert view.left == said
