"""What an answer states and nobody said is named, and nothing else."""

from __future__ import annotations

import pytest

from phyassist.prompts.absent import find_absent, find_unmentioned

EN = "I live in Hull with Anna, my sister. She is 34. The GP gave me sertraline 50 mg in 2019."
ZH = "我和姐姐住在苏州，她三十四岁。家里养了一只猫叫年糕。医生给我开了舍曲林，每天50毫克。"


@pytest.mark.parametrize(
    ("answer", "absent"),
    [
        ("The client's dog is named Max.", ("Max",)),
        ("The client's brother is called Priya, and lives in Leeds.", ("Priya", "Leeds")),
        ("The client's sister is 49 years old.", ("49 years old",)),
        ("The client was put on fluoxetine, 20 mg, in 2021.", ("fluoxetine", "20 mg", "2021")),
        ("The client lives in Hull; Anna is 34 years old, and sertraline 50 mg began in 2019.", ()),
        ("Nothing is said about a dog.", ()),
        ("Ask the client about the 3 worst nights, and agree on 2 steps.", ()),
    ],
)
def test_english_facts_that_nobody_said_are_named(answer: str, absent: tuple[str, ...]) -> None:
    assert find_absent(answer, EN) == absent


@pytest.mark.parametrize(
    ("answer", "absent"),
    [
        ("来访者的猫叫“小花”。", ("小花",)),
        ("来访者的猫叫喵喵。", ("喵喵",)),
        ("来访者在上海工作，姐姐29岁。", ("上海", "29岁")),
        ("医生给来访者开了抗抑郁药。", ("抗抑郁药",)),
        ("来访者住在苏州，姐姐34岁，猫叫年糕，每天服舍曲林50毫克。", ()),
        ("来访者的姐姐三十四岁。", ()),
        ("可以叫上姐姐一起谈，约定每周2次。", ()),
        ("资料里没有提到。", ()),
    ],
)
def test_chinese_facts_that_nobody_said_are_named(answer: str, absent: tuple[str, ...]) -> None:
    assert find_absent(answer, ZH) == absent


def test_a_fact_is_named_once_and_a_part_of_a_word_is_no_proof() -> None:
    answer = "The client's aunt Ann called. The client likes Ann, who is 3 years old."

    assert find_absent(answer, "Joanna is 35.") == ("Ann", "3 years old")


@pytest.mark.parametrize(
    ("question", "unmentioned"),
    [
        ("What is the client's godmother called?", ("godmother",)),
        ("How old is her cousin?", ("cousin",)),
        ("How old is her sister?", ()),
        ("How old are his sisters?", ()),
        ("Where does the client's big brother work?", ()),
        ("Which medicine did the doctor give her yesterday?", ()),
        ("What are the client's strengths?", ()),
        ("What could I ask the client about the family?", ()),
    ],
)
def test_whom_nobody_spoke_of_is_named(question: str, unmentioned: tuple[str, ...]) -> None:
    assert find_unmentioned([question], EN) == unmentioned


@pytest.mark.parametrize(
    ("question", "unmentioned"),
    [
        ("来访者的干妈叫什么名字？", ("干妈",)),
        ("来访者养的乌龟叫什么？", ("乌龟",)),
        ("她表妹现在多大了？", ()),
        ("她的表妹今年多大了？", ("表妹",)),
        ("她妈妈叫什么？", ("妈妈",)),
        ("来访者的姐姐多大了？", ()),
        ("她的猫叫什么？", ()),
        ("来访者现在几岁？", ()),
        ("来访者的优势是什么？", ()),
        ("下次可以问她什么？", ()),
    ],
)
def test_whom_nobody_spoke_of_is_named_in_chinese(question: str, unmentioned: tuple[str, ...]) -> None:
    assert find_unmentioned([question], ZH) == unmentioned


def test_other_words_for_the_same_person_are_known() -> None:
    assert find_unmentioned(["What is the client's mother called?"], "My mum left.") == ()
    assert find_unmentioned(["What is the client's pet called?"], "The puppy sleeps.") == ()
    assert find_unmentioned(["How old is the client's baby?"], "Two babies keep me awake.") == ()
    assert find_unmentioned(["她的丈夫叫什么？"], "我老公不说话。") == ()
    assert find_unmentioned(["来访者的孩子几岁了？"], "二宝三岁，天天闹。") == ()


def test_a_part_of_another_word_is_no_mention() -> None:
    assert find_unmentioned(["What is the client's father called?"], "I study and am in pain.") == ("father",)
    assert find_unmentioned(["What is the client's cat called?"], "My education came first.") == ("cat",)


def test_what_a_counsellor_tells_is_known_and_what_one_asks_is_not() -> None:
    asked = "How old is the client's cousin?"

    assert find_unmentioned([asked, "What is the client's cousin called?"], EN) == ("cousin",)
    assert find_unmentioned(["Her cousin came along. What next?", asked], EN) == ()
    assert find_unmentioned(["她的表妹多大了？", "她的表妹叫什么？"], ZH) == ("表妹",)
