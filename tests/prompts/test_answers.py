from __future__ import annotations

import pytest

from phyassist.domain.chats import GivenPassage
from phyassist.domain.people import Jurisdiction, Language
from phyassist.prompts.answers import Answer, read_answer, speaks_to_client
from phyassist.prompts.chat import asks_for_label, choose_answer_language

PASSAGES = (GivenPassage(1, "p1", "Sleep", "3", "…"), GivenPassage(2, "p2", "Worry", "", "…"))


def read(
    reply: str,
    *,
    language: Language = "zh",
    jurisdiction: Jurisdiction = "cn",
    question: str = "",
    told: str = "",
) -> Answer:
    return read_answer(
        reply, language=language, jurisdiction=jurisdiction, question=question, told=told, passages=PASSAGES
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "我理解你的感受。",
        "你不是一个人在面对这些。",
        "建议您寻求专业心理咨询师的帮助。",
        "您可以试试深呼吸。",
        "你的父母一定很爱你。",
        "加油，一切都会好的。",
        "接下来先问你是否真的没有问题，所以很难理解他为什么突然改变态度。",
        "I'm sorry to hear that you feel this way.",
        "You are not alone in this.",
        "You should talk to a therapist about it.",
        "Your feelings are valid.",
    ],
)
def test_a_sentence_said_to_the_client_is_known(sentence: str) -> None:
    assert speaks_to_client(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "你可以先问她最近睡得怎样。",
        "来访者可能会问你是否也有孩子，可以先想好怎么回答。",
        "来访者说“你的感受我不懂”，这让她难过。",
        "建议您在下次会谈中核实睡眠情况。",
        "资料里没有提到她的父母。",
        "You could ask the client how she sleeps.",
        "Ask what “your mother” means to him.",
        "The client's sleep is short; it is not mentioned since when.",
        "You might open the next session with the exam.",
    ],
)
def test_a_sentence_said_to_the_counsellor_stays(sentence: str) -> None:
    assert not speaks_to_client(sentence)


def test_what_spoke_to_the_client_is_held_back_and_the_rest_stays() -> None:
    answer = read("来访者睡得很少。你不是一个人，要相信自己。\n可以先谈睡眠。")

    assert answer.text == "来访者睡得很少。\n可以先谈睡眠。"
    assert answer.held_back == ("你不是一个人，要相信自己。",)


@pytest.mark.parametrize(
    ("reply", "text", "cited"),
    [
        ("固定起床时间[文1]。", "固定起床时间[1]。", (1,)),
        ("Get up at one time [S2], go out [S1, S2].", "Get up at one time[2], go out[1][2].", (2, 1)),
        ("没有这样的文献[文7]。", "没有这样的文献。", ()),
        ("她睡得少[12]。", "她睡得少。", ()),
    ],
)
def test_a_citation_points_to_what_was_given_or_is_gone(
    reply: str, text: str, cited: tuple[int, ...]
) -> None:
    answer = read(reply, jurisdiction="other")

    assert (answer.text, answer.cited) == (text, cited)


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("建议：\n1. **睡眠**：先问睡眠。\n2. **早", "建议：\n1. 睡眠：先问睡眠。\n2. 早"),
        ("## Sleep\n* Ask `when` it began.\n* **Ask", "Sleep\n- Ask when it began.\n- Ask"),
        ("先问*", "先问"),
        ("#1 on the list is sleep, 3 * 2 nights.", "#1 on the list is sleep, 3 * 2 nights."),
    ],
)
def test_marks_of_markdown_are_not_shown_not_even_while_they_come(reply: str, shown: str) -> None:
    assert read(reply).text == shown


def test_in_china_an_answer_names_signs_and_referral_in_place_of_a_diagnosis() -> None:
    answer = read("她得了抑郁症。", question="她是不是抑郁症？")
    elsewhere = read("她得了抑郁症。", question="她是不是抑郁症？", jurisdiction="other")

    assert "抑郁症" not in answer.text
    assert "转介" in answer.text
    assert elsewhere.text == "她得了抑郁症。"


def test_a_diagnosis_that_the_file_reports_may_be_quoted() -> None:
    answer = read("她说医院写的是“抑郁症”，也可能是焦虑症。", told="[3] 医院写的是抑郁症")

    assert "“抑郁症”" in answer.text
    assert "焦虑症" not in answer.text


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("她是不是抑郁症？", True),
        ("诊断是什么", True),
        ("Does she have PTSD?", True),
        ("她为什么睡不着？", False),
        ("What should I ask next?", False),
    ],
)
def test_a_question_for_a_diagnosis_is_known(question: str, asks: bool) -> None:
    assert asks_for_label(question) is asks


@pytest.mark.parametrize(
    ("question", "interface", "language"),
    [
        ("她为什么睡不着？", "en", "zh"),
        ("Why can she not sleep?", "zh", "en"),
        ("¿Por qué duerme tan poco?", "zh", "zh"),
        ("Warum schläft sie so wenig?", "en", "en"),
        ("彼女はなぜ眠れないのですか", "en", "en"),
        ("Почему?", "zh", "zh"),
    ],
)
def test_a_question_in_a_third_language_is_answered_in_that_of_the_interface(
    question: str, interface: Language, language: Language
) -> None:
    assert choose_answer_language(question, interface) == language
