from __future__ import annotations

import pytest

from phyassist.domain.risk.reading import find_risk
from phyassist.domain.risk.signs import RiskKind, Standing, is_raised

SAID = [
    ("我最近总想死。", "self", "present"),
    ("我从来没想过自杀。", "self", "denied"),
    ("她否认自杀、自伤及幻听，但承认饮酒。", "psychosis", "denied"),
    ("高三那年我站上过天台，被老师拉了下来，想过自杀。", "self", "past"),
    ("我室友上学期割过腕，我现在看到红色就怕。", "self", "of_another"),
    ("我一看到他就火，真想拿刀捅了他。", "others", "present"),
    ("小时候我爸用皮带抽我。", "child", "past"),
    ("耳边有声音骂我，邻居在监视我。", "psychosis", "present"),
    ("我现在每天晚上不喝半斤睡不着，不喝手就抖。", "intoxication", "present"),
    ("I would never kill myself.", "self", "denied"),
    ("I tried to kill myself when I was seventeen, with pills.", "self", "past"),
    ("My best friend killed himself in March.", "self", "of_another"),
    ("Denies homicidal ideation, plan or intent.", "others", "denied"),
    ("I am scared I'm going to hurt the baby.", "others", "present"),
    ("She's six and her stepfather locks her in the garage.", "child", "present"),
    ("The voices tell me I'm worthless.", "psychosis", "present"),
    ("I came here drunk, I'm sorry.", "intoxication", "present"),
]


@pytest.mark.parametrize(("text", "kind", "standing"), SAID)
def test_signs_are_told_apart(text: str, kind: str, standing: str) -> None:
    signs = [sign for sign in find_risk(text) if sign.kind == kind]

    assert [sign.standing.value for sign in signs] == [standing]
    assert text[signs[0].span.start : signs[0].span.end] == signs[0].quote


@pytest.mark.parametrize(
    ("answer", "standing"),
    [("没有，从来没有。", "denied"), ("有，上周站在阳台上。", "present"), ("我不知道怎么说。", "asked")],
)
def test_a_counsellors_question_stands_as_it_is_answered(answer: str, standing: str) -> None:
    text = f"咨询师：有没有想过自杀？\n来访者：{answer}\n咨询师：嗯。"

    assert [sign.standing.value for sign in find_risk(text)] == [standing]


@pytest.mark.parametrize(
    "text",
    [
        "我弟弟学习很用功，就是有时候打游戏打到半夜。",
        "周末跟朋友喝了杯奶茶，看了场电影，心情好一些。",
        "I had a glass of wine at the wedding and danced all night.",
        "I feel like everyone at the party was watching me dance.",
    ],
)
def test_everyday_words_bear_no_mark(text: str) -> None:
    assert find_risk(text) == ()


def test_what_is_denied_is_shown_and_does_not_raise_the_mark() -> None:
    signs = find_risk("否认自杀。")

    assert [sign.standing for sign in signs] == [Standing.DENIED]
    assert not is_raised(signs)
    assert is_raised(find_risk("我想死。"))


def test_what_is_said_of_now_comes_first() -> None:
    signs = find_risk("I tried to kill myself years ago. I want to die now. I hear voices.")

    assert [(sign.kind, sign.standing) for sign in signs] == [
        (RiskKind.SELF, Standing.PRESENT),
        (RiskKind.SELF, Standing.PAST),
        (RiskKind.PSYCHOSIS, Standing.PRESENT),
    ]
    assert "die" not in repr(signs)
