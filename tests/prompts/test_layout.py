"""The one prefix."""

from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.prompts.layout import join_task, make_messages, make_prefix

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
