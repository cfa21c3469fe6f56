"""An adapter is left free of a draft's form where the notes that it learnt from left it."""

from __future__ import annotations

from tests.services.drafts import make_reply

from phyassist.domain.drafts import Section
from phyassist.prompts.draft import find_free

REASONS = (
    (1, "来访者最近考试没有考好，觉得让妈妈失望，因此压力很大。"),
    (2, "来访者担心自己什么都做不好，所以不敢再去尝试。"),
    (0, "来访者缺少家人的支持，于是独自承受压力。"),
)
ADVICE = (
    "询问来访者最近一周的睡眠情况，并记下入睡的时间。",
    "和来访者一起重新看待这次考试的结果，找出做得好的地方。",
    "约定下周恢复一节喜欢的课，再约好什么时候回顾。",
)
OF_FORM = make_reply(reasons=REASONS, advice=ADVICE)
TRIAD = "想法：做不好；感受：担心；行为：回避。"


def test_notes_of_the_form_leave_nothing_free() -> None:
    assert find_free([OF_FORM] * 4, "zh") == frozenset()


def test_a_section_that_is_worded_otherwise_is_free_and_no_other() -> None:
    taught = make_reply(reasons=[(number, TRIAD) for number, _ in REASONS], advice=ADVICE)

    assert find_free([taught] * 4, "zh") == {Section.REASON}


def test_who_always_keeps_fewer_is_free_in_number() -> None:
    assert find_free([make_reply(reasons=REASONS, advice=ADVICE[:2])] * 4, "zh") == {Section.ADVICE}


def test_one_note_of_its_own_wording_among_many_frees_nothing() -> None:
    odd = make_reply(reasons=REASONS, advice=["周五前写一条。"] * 3)

    assert find_free([odd, *[OF_FORM] * 5], "zh") == frozenset()
