"""Splitting a text into turns and numbered sentences."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.domain.reading.sentences import guess_language, split_sentences
from phyassist.domain.reading.speakers import Speaker, split_turns

ZH_TALK = "来访者：医生好，我今年19岁。睡不好！\n\n咨询师：多久了？\n来访者：三个月了。"
EN_TALK = "Therapist: What brings you?\nClient: I feel sad. It's been 3 wks. I see Dr. Lee at 5 p.m. daily."


def test_a_sentence_stands_verbatim_at_its_span():
    for text in (ZH_TALK, EN_TALK):
        for sentence in split_sentences(text):
            assert text[sentence.span.start : sentence.span.end] == sentence.text


@given(st.text(alphabet='我你好。！？，\n a.B!?;：:来访者医生"”', max_size=200))
def test_no_word_is_lost_and_none_stands_twice(text):
    sentences = split_sentences(text)

    spans = [sentence.span for sentence in sentences]

    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))
    assert all(text[span.start : span.end] == s.text for span, s in zip(spans, sentences, strict=True))
    assert [sentence.no for sentence in sentences] == list(range(1, len(sentences) + 1))


def test_labels_name_the_speaker_and_are_not_part_of_the_words():
    sentences = split_sentences(ZH_TALK)

    told = [(sentence.speaker, sentence.text) for sentence in sentences]

    assert told == [
        (Speaker.CLIENT, "医生好，我今年19岁。"),
        (Speaker.CLIENT, "睡不好！"),
        (Speaker.COUNSELLOR, "多久了？"),
        (Speaker.CLIENT, "三个月了。"),
    ]


def test_english_short_forms_do_not_end_a_sentence():
    sentences = split_sentences(EN_TALK)

    words = [sentence.text for sentence in sentences]

    assert words == ["What brings you?", "I feel sad.", "It's been 3 wks. I see Dr. Lee at 5 p.m. daily."]


def test_short_labels_and_one_long_line_are_read_as_turns():
    short = split_turns("T: How are you?\nC: Not well.\nT: Since when?\nC: May.")
    long = split_turns("来访者：我很累。咨询师：多久了？来访者：一年。")

    assert [turn.speaker for turn in short] == [Speaker.COUNSELLOR, Speaker.CLIENT] * 2
    assert [turn.speaker for turn in long] == [Speaker.CLIENT, Speaker.COUNSELLOR, Speaker.CLIENT]


def test_a_lone_label_in_jottings_is_no_dialogue():
    turns = split_turns("Patient: Mrs B, 54, widow. Poor sleep since March.")

    assert [turn.speaker for turn in turns] == [Speaker.NARRATOR]


def test_the_language_is_the_one_most_letters_are_of():
    assert guess_language("我最近在吃 sertraline 50mg") == "zh"
    assert guess_language("She said 你好 to me and went home.") == "en"


@pytest.mark.parametrize(
    ("text", "most"),
    [
        (" ".join(f"and on day {number} I stayed in bed again" for number in range(200)), 600),
        ("我又一个人待着谁也不想见" * 60, 240),
        ("x" * 1500, 600),
    ],
)
def test_what_nobody_put_a_full_stop_into_is_cut_where_it_pauses(text: str, most: int):
    sentences = split_sentences(text)

    assert all(most / 2 < len(each.text) <= most for each in sentences)
    assert "".join("".join(each.text for each in sentences).split()) == "".join(text.split())
    if " " in text:
        assert all(each.text.split()[0] in text.split() for each in sentences), "no word is cut"


def test_a_long_sentence_is_left_as_it_is():
    text = "I went, " + "and then I waited, " * 25 + "and came home."

    assert [each.text for each in split_sentences(text)] == [text]
