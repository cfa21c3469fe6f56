"""One table of labels: every answer reads as its own label, and nothing else reads as any."""

from __future__ import annotations

import pytest

from phyassist.training.labels import get_table, load_tables


@pytest.mark.parametrize("task", list(load_tables()))
def test_an_evaluation_s_own_key_scores_one(task: str) -> None:
    table = get_table(task)

    read = [
        table.read(f"{sentence} Reasoning: because of this and that.") for sentence in table.answers.values()
    ]

    assert read == list(table.labels)


@pytest.mark.parametrize(
    "reply", ["", "I know that the poster suffers.", "No", "Maybe. Yes, the poster suffers from depression."]
)
def test_what_does_not_say_a_label_whole_is_unread(reply: str) -> None:
    table = get_table("dr")

    label = table.read(reply)

    assert label is None


def test_a_sentence_that_names_two_labels_is_no_answer() -> None:
    table = get_table("sad")

    label = table.read("This post shows the stress cause related to work and school. Reasoning: both.")

    assert label is None


def test_case_and_punctuation_do_not_matter() -> None:
    table = get_table("dr")

    label = table.read("yes the poster suffers from depression\nIt is plain.")

    assert label == "yes"
