"""The one prefix."""

from dataclasses import replace

import pytest
from tests.prompts.test_budget import make_note

from phyassist.domain.drafts import DraftItem, ItemId, Section
from phyassist.domain.notes import ByHand
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.prompts.layout import join_task, make_messages, make_prefix, render_whole_notes

TEXT = "来访者：我睡不好。\n咨询师：多久了？\n来访者：三个月。"


def test_the_first_part_of_a_text_begins_as_the_whole_does():
    sentences = split_sentences(TEXT)

    first = make_prefix(language="zh", record=Record(), notes=(), sentences=sentences[:2])
    whole = make_prefix(language="zh", record=Record(), notes=(), sentences=sentences)

    assert whole.startswith(first)
    assert "[3] 来访者：三个月。" in whole


def test_the_task_comes_last_and_the_system_message_is_the_same_for_all():
    prefix = make_prefix(language="en", record=Record(), notes=(), sentences=split_sentences("I am sad."))

    one = make_messages(language="en", prefix=prefix, task="First task")
    other = make_messages(language="en", prefix=prefix, task="Other task")

    assert one[0] == other[0]
    assert one[1].content == join_task(prefix, "First task")
    assert one[1].content.startswith(prefix)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_by_hand_that_stand_in_the_prefix_are_not_said_again(language: Language) -> None:
    item = DraftItem(ItemId("i"), Section.ADVICE, "Call the sister.")
    first, second = (
        replace(make_note(no, 1), items=(item,), by_hand=(ByHand("soap.objective", f"Pale, {no}."),))
        for no in (1, 2)
    )

    shown = render_whole_notes((first, second), language, above=(first.id,))

    assert shown.count("Call the sister.") == 2
    assert "Pale, 1." not in shown and "Pale, 2." in shown
    assert "Pale, 1." in render_whole_notes((first, second), language)
