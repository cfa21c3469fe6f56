from __future__ import annotations

import pytest

from phyassist.domain.reading.sentences import split_sentences
from phyassist.prompts.grounding import find_ground, is_repetition

SAID = split_sentences(
    "来访者：我每天晚上都睡不着，脑子停不下来。\n咨询师：你睡不着的时候在想什么？\n来访者：我怕考不上大学。\n来访者：好的。"
)


def test_the_named_sentence_is_taken_where_reason_and_sentence_share_words():
    ground = find_ground("来访者害怕考不上大学，因此不敢休息。", 3, SAID)

    assert ground is not None
    assert ground.text == "我怕考不上大学。"


def test_a_wrong_number_gives_way_to_the_sentence_that_says_it():
    ground = find_ground("来访者晚上睡不着，脑子停不下来，于是白天很累。", 3, SAID)

    assert ground is not None
    assert ground.text == "我每天晚上都睡不着，脑子停不下来。"


def test_the_counsellors_words_are_never_the_ground():
    ground = find_ground("来访者睡不着的时候在想事情。", 2, SAID)

    assert ground is None or ground.no != 2


@pytest.mark.parametrize("number", [0, 3, 4, 99])
def test_a_reason_that_nobody_said_is_inferred(number: int):
    assert find_ground("来访者童年缺少父亲陪伴，所以渴望认可。", number, SAID) is None


def test_a_reply_in_another_language_than_the_text_keeps_the_models_number():
    ground = find_ground("The client fears failing the entrance exam.", 3, SAID)

    assert ground is not None
    assert ground.no == 3


def test_english_words_are_compared_by_their_stems():
    sentences = split_sentences("My two best friends moved away. I like tea.")

    ground = find_ground(
        "The client lost two close friends who had moved, so evenings are lonely.", 2, sentences
    )

    assert ground is not None
    assert ground.no == 1


def test_nearly_the_same_words_are_a_repetition():
    assert is_repetition("了解来访者最近的睡眠情况。", ["了解来访者的睡眠情况。"])
    assert not is_repetition("约定来访者每天散步。", ["了解来访者的睡眠情况。"])


def test_a_word_that_few_sentences_bear_outweighs_one_that_most_do():
    sentences = split_sentences(
        "来访者：我怕考试。\n来访者：考试前我吃不下饭。\n来访者：考试时我手心出汗。\n来访者：外婆去年冬天走了，考试考完他们才告诉我。"
    )

    ground = find_ground("外婆走的时候没有好好告别，考试因此更沉重。", 99, sentences)

    assert ground is not None
    assert "外婆" in ground.text


def test_a_paraphrase_that_keeps_single_characters_still_finds_its_sentence():
    sentences = split_sentences(
        "来访者：划完就没那么闷了。\n咨询师：嗯。\n来访者：妈妈在医院上夜班。\n来访者：我想考美术高中。"
    )

    ground = find_ground("划伤是她让闷停下来的办法。", sentences[0].no, sentences)

    assert ground is not None
    assert "闷" in ground.text
