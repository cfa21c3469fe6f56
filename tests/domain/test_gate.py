"""What the gate accepts, what it keeps, and how it counts what an adapter remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.adapters import VerdictReason
from phyassist.domain.gate import Kept, Measured, Memory, compare_texts, count_names, find_memory, judge

BETTER = Measured(
    loss_before=2.0,
    loss_after=1.6,
    kept_before=Kept(0.4, 3),
    kept_after=Kept(0.5, 3),
    general_cases=2,
    memory=Memory(3.0, 0.0, 0),
)


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (BETTER, VerdictReason.BETTER),
        (replace(BETTER, loss_after=2.1), VerdictReason.NOT_BETTER),
        (replace(BETTER, loss_after=1.99), VerdictReason.UNCLEAR),
        (replace(BETTER, kept_after=Kept(0.3, 3)), VerdictReason.LESS_LIKE),
        (replace(BETTER, general_lost=("schema_held zh",)), VerdictReason.GENERAL_LOST),
        (replace(BETTER, memory=Memory(13.0, 0.1, 0)), VerdictReason.REMEMBERS),
        (replace(BETTER, memory=Memory(8.0, 0.6, 0)), VerdictReason.REMEMBERS),
        (replace(BETTER, memory=Memory(0.0, 0.0, 1)), VerdictReason.NAMES_OTHERS),
        (replace(BETTER, memory=None), VerdictReason.UNMEASURED),
        (replace(BETTER, kept_after=None), VerdictReason.UNMEASURED),
        (Measured(), VerdictReason.UNMEASURED),
    ],
)
def test_only_what_is_better_and_harms_nobody_is_accepted(measured: Measured, reason: VerdictReason) -> None:
    verdict = judge(measured)

    assert verdict.reason is reason
    assert verdict.is_accepted == (reason is VerdictReason.BETTER)


def test_what_was_not_measured_is_not_among_the_numbers() -> None:
    numbers = judge(Measured(loss_before=2.0, loss_after=float("nan"))).numbers

    assert numbers == {"loss_before": 2.0}


def test_a_reply_is_as_near_as_its_words_and_no_json_is_far_away() -> None:
    kept = '{"advice": [{"text": "Ask how she sleeps"}]}'

    assert compare_texts(kept, kept) == 1.0
    assert 0.5 < compare_texts(kept, '{"advice": [{"text": "Ask how she eats"}]}') < 1.0
    assert compare_texts(kept, "Ask how she sleeps") == 0.0
    assert compare_texts(kept, "[]") == 0.0


def test_a_run_of_words_from_the_text_is_found_and_chinese_counts_half() -> None:
    text = "She has not slept since the house by the river burned down in March."

    copied = find_memory([text], ["Well: the house by the river burned down in March, and so on."])
    chinese = find_memory(["来访者怕让妈妈失望"], ["来访者怕让妈妈失望"])
    nothing = find_memory([text], ["I listen to the people who come."])

    assert copied.run_words == 9.0
    assert 0.5 < copied.copied_share < 0.8
    assert chinese.run_words == 4.5
    assert (nothing.run_words, nothing.copied_share) == (1.0, 0.0)


def test_names_are_found_however_they_are_written() -> None:
    assert count_names(["Heron Lake", "Sun Mei", ""], [("who?", "then HERON LAKE said")]) == 1


def test_a_name_counts_as_a_word_and_by_a_part_of_it() -> None:
    told = [("who?", "I could not sleep. Then Maria was sad.")]

    assert count_names(["Lee", "Maria Lopez", "An"], told) == 1


def test_a_name_that_was_spoken_of_or_that_is_an_everyday_word_is_not_given_away() -> None:
    names = ["Tom Baker", "Joy Lee"]
    asked = "I am Tom, and I teach woodwork."

    assert count_names(names, [(asked, "Tom fears the night.")]) == 0
    assert count_names(names, [(asked, "Tom fears the night."), ("who?", "Tom does.")]) == 1
    assert count_names(names, [(asked, "Baker fears the night.")]) == 1
    assert count_names(names, [("who?", "Joy is what is missing.")]) == 1
    assert count_names(names, [("who?", "Joy is what is missing.")], ["Joy comes first."]) == 0
