from __future__ import annotations

import pytest

from phyassist.domain.drafts import Section
from phyassist.prompts.replies import (
    ItemWords,
    RawItem,
    ReplyReader,
    UnreadableReply,
    clean_item_text,
    name_client,
    name_others,
)

ONE_REASON = {Section.REASON: (1, 1)}


def test_words_of_an_item_come_before_the_item():
    reader = ReplyReader(ONE_REASON)

    events = [
        event
        for words in ('{"reasons":[{"from": 3, "te', 'xt": "Not enough', ' sleep."}', "]}")
        for event in reader.feed(words)
    ]

    assert events == [
        ItemWords(Section.REASON, 1, "Not enough"),
        ItemWords(Section.REASON, 1, " sleep."),
        RawItem(Section.REASON, 1, "Not enough sleep.", 3),
    ]


def test_the_reader_says_which_section_is_being_written():
    reader = ReplyReader({Section.SYMPTOM_TYPE: (1, 1), Section.ADVICE: (1, 3)})

    list(reader.feed('{"symptom_type": "worry", "advice": [{"text": "Ask'))

    assert reader.section == Section.ADVICE


@pytest.mark.parametrize("number", ['"3"', "null", "true", "2.5"])
def test_a_number_that_is_none_points_at_no_sentence(number: str):
    reader = ReplyReader(ONE_REASON)

    events = list(reader.feed(f'{{"reasons":[{{"from": {number}, "text": "Tired."}}]}}'))

    assert events[-1] == RawItem(Section.REASON, 1, "Tired.", 0)


def test_an_item_without_words_is_not_an_item():
    reader = ReplyReader(ONE_REASON)

    with pytest.raises(UnreadableReply) as caught:
        list(reader.feed('{"reasons":[{"from": 0, "text": " "}]}'))

    assert (caught.value.why, caught.value.section) == ("other-shape", Section.REASON)


def test_fewer_items_than_asked_for_is_another_shape():
    reader = ReplyReader(ONE_REASON)
    list(reader.feed('{"reasons":[]}'))

    with pytest.raises(UnreadableReply) as caught:
        reader.close(cut_short=False)

    assert caught.value.why == "other-shape"


def test_a_number_or_bullet_of_its_own_is_taken_off_an_item():
    assert clean_item_text(" 1. Ask about\nsleep. ") == "Ask about sleep."
    assert clean_item_text("建议2：了解睡眠。") == "了解睡眠。"


def test_clauses_said_over_again_are_said_once():
    looping = "了解来访者的成长经历，以及她对压力的承受能力，以及她对压力的承受能力，以及她。"

    assert clean_item_text(looping) == "了解来访者的成长经历，以及她对压力的承受能力。"


def test_a_sentence_without_loops_stays_to_the_letter():
    text = "The client avoids friends, so the evenings are long, and sleep comes late."

    assert clean_item_text(text) == text


@pytest.mark.parametrize(
    ("said", "left"),
    [
        # The 1.5B wrote the first, the 0.5B the others.
        (
            "母亲也常常说父亲有很多事情瞒着 she，这使来访者感到不安。",
            "母亲也常常说父亲有很多事情瞒着对方，这使来访者感到不安。",
        ),
        ("来访者在努力经营，而 he无所谓的态度", "来访者在努力经营，而对方无所谓的态度"),
        ("来访者在努力经营，而he无所谓的态度。", "来访者在努力经营，而对方无所谓的态度。"),
        ("来访者总在看 the show，结婚kpi又很重。", None),
    ],
)
def test_an_english_he_or_she_in_chinese_is_the_other_one(said: str, left: str | None) -> None:
    assert name_others(said) == (said if left is None else left)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        # The 0.5B wrote both of one letter.
        (
            "The client does not trust their own parents and acts like she doesn't believe me either.",
            "The client does not trust their own parents and acts like she doesn't believe them either.",
        ),
        (
            "The client talks about a serious event in my life, so they keep it to myself.",
            "The client talks about a serious event in their life, so they keep it to themselves.",
        ),
        ("The client has enemies, and Amy has a mystery.", None),
    ],
)
def test_an_english_item_does_not_speak_as_the_client(said: str, left: str | None) -> None:
    assert name_client(said) == (said if left is None else left)
