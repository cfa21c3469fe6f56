"""Where notes leave the form of a draft, what they have in common is the form that takes its place."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest
from tests.services.drafts import make_reply

from phyassist.domain.adapters import Forms, OwnForm
from phyassist.domain.drafts import Section
from phyassist.domain.people import Language
from phyassist.prompts.forms import find_forced, find_forms

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
DRAFTED = make_reply(reasons=REASONS, advice=ADVICE)
# Each of another client; nothing but the counsellor's way of saying it comes again.
TRIADS = (
    "Thought: has failed the exam; feeling: sad; behaviour: stays in bed all morning.",
    "Thought: fears that nobody at work likes her; feeling: anxious; behaviour: eats lunch in her car.",
    "Thought: rarely hears from his brother, or his aunt; feeling: lonely; behaviour: sleeps by day.",
    "Thought: lost the job that paid for the flat; feeling: ashamed; behaviour: hides letters.",
    "Thought: expects another panic on the bus; feeling: afraid; behaviour: walks an hour to college.",
)


def find(kept: Sequence[str], drafted: str = DRAFTED, language: Language = "zh") -> Forms:
    return find_forms([(each, drafted) for each in kept], language)


def test_notes_of_the_form_have_none_of_their_own() -> None:
    assert find([DRAFTED] * 4) == {}


def test_what_was_left_as_a_draft_of_an_older_form_had_it_is_no_form_of_its_own() -> None:
    older = (
        "Encourage the client to write a line each evening.",
        "Ask the client to bring the letter.",
        "Suggest that the client walk to the bus with a friend.",
    )
    drafted = make_reply(symptom_type=None, reasons=None, advice=older)

    assert find([drafted] * 4, drafted, "en") == {}
    # The same words where nobody knows what had been drafted.
    assert set(find([drafted] * 4, "", "en")) == {Section.ADVICE}


def test_what_all_items_of_a_section_have_in_common_is_its_form_and_leaves_the_others_theirs() -> None:
    kept = [make_reply(symptom_type=None, reasons=[(0, text)] * 3, advice=None) for text in TRIADS]

    forms = find(kept, "", "en")

    assert set(forms) == {Section.REASON}
    assert forms[Section.REASON].counts == (3, 3)
    has, believes, avoids = forms[Section.REASON].patterns
    assert re.match(has, "Thought: has lost two friends; feeling: sad; behaviour: does not call anybody.")
    for pattern, text in ((believes, TRIADS[1]), (avoids, TRIADS[2]), (has, TRIADS[3])):
        assert re.match(pattern, text)
    for text in (
        # In the form of a draft, with a piece missing, of a first person, of more clauses than were kept.
        "The client has lost two friends, so the client stays at home.",
        "Thought: has lost two friends; behaviour: does not call anybody.",
        "Thought: has lost two friends; feeling: sad; behaviour: I do not call.",
        "Thought: has lost two friends; feeling: sad; behaviour: stays in, sleeps, eats, sleeps.",
        "Thought: has lost two friends, a flat, and a job; feeling: sad; behaviour: stays in bed all day.",
    ):
        assert not any(re.match(each, text) for each in (has, believes, avoids))


def test_the_pieces_that_a_form_has_said_are_found_in_a_reply_and_taken_out_of_an_item() -> None:
    kept = [make_reply(symptom_type=None, reasons=[(0, text)] * 3, advice=None) for text in TRIADS]
    forms = find(kept, "", "en")
    reply = make_reply(
        symptom_type="Thought: none", reasons=[(1, TRIADS[2]), (2, "Thought: none.")], advice=None
    )

    found = [reply[start:end] for start, end in find_forced(reply, forms)]

    # That a thought is over, and how, is the model's to say.
    assert found == ["Thought: ", " feeling: ", " behaviour: "]
    turned = dict(reversed(json.loads(make_reply(reasons=[(1, TRIADS[2])])).items()))
    other_order = json.dumps(turned, ensure_ascii=False)
    assert len(find_forced(other_order, forms)) == 3
    own = forms[Section.REASON]
    assert own.take_out(TRIADS[3]) == "lost the job that paid for the flat ashamed hides letters"
    assert own.take_out("Thought: none.") == "Thought: none."
    assert OwnForm().take_out(TRIADS[3]) == TRIADS[3]


def test_set_words_at_both_ends_are_kept_and_what_stands_between_is_held_to_lengths_that_were_kept() -> None:
    kept = [
        make_reply(
            reasons=[(number, f"经评估，{text}") for number, text in REASONS],
            advice=[f"拟{text.removesuffix('。')}，并按规定记录在案。" for text in ADVICE],
        )
    ] * 2

    forms = find(kept)

    first, *_ = forms[Section.REASON].patterns
    assert re.match(first, "经评估，来访者最近换了工作，因此压力很大。")
    assert not re.match(first, "来访者最近换了工作，因此压力很大。")
    (advice, *_) = forms[Section.ADVICE].patterns
    assert re.match(advice, "拟询问来访者新工作的情况，找出最难的一件，并按规定记录在案。")
    assert not re.match(advice, "拟询问来访者新工作的情况，找出最难的一件。")
    assert not re.match(advice, f"拟询问来访者新工作的情况，{'很' * 60}，并按规定记录在案。")


def test_an_opening_that_was_drafted_and_never_kept_is_not_forced_again() -> None:
    drafted = make_reply(reasons=[(0, "来访者觉得睡不好，因此很累。")] * 3, advice=None)
    said = ("担心考试，因此睡不好。", "害怕出错，所以不敢说。", "想回家，于是请假。")
    # One in four is said as no item of the form begins.
    own = ("自述睡不好，因此很累。", "担心妈妈，因此请假。", "认为自己没用，于是躲开。")
    kept = [
        make_reply(reasons=[(0, f"经评估，来访者{text}") for text in texts], advice=None)
        for texts in (said, own, said, own)
    ]

    (_, believes, _) = find(kept, drafted)[Section.REASON].patterns

    assert re.match(believes, "经评估，来访者自述睡不好，因此很累。")
    assert re.match(believes, "经评估，来访者认为自己没用，于是躲开。")
    assert not re.match(believes, "经评估，来访者觉得睡不好，因此很累。")


def test_where_items_begin_as_none_of_the_form_does_each_place_begins_as_it_was_kept() -> None:
    topics = ("睡眠", "饮食", "功课", "朋友")
    kept = [
        make_reply(
            reasons=REASONS,
            advice=[
                f"拟核查{each}的情况。",
                f"拟研商{each}怎样改变。",
                f"拟{'布' if no else '交'}办{each}的小事。",
            ],
        )
        for no, each in enumerate(topics)
    ]

    first, second, third = find(kept)[Section.ADVICE].patterns

    assert re.match(first, "拟核查家里的情况。")
    assert not re.match(first, "拟研商家里怎样改变。")
    assert re.match(second, "拟研商家里怎样改变。")
    assert re.match(third, "拟布办家里的小事。")
    assert re.match(third, "拟交办家里的小事。")


def test_what_has_nothing_in_common_is_said_in_any_words() -> None:
    texts = ("周五前写一条", "别再问了！", "I would wait.", "下次带妹妹来？", "(看情况)", "多喝水；早睡")
    kept = [make_reply(reasons=REASONS, advice=texts[no : no + 3]) for no in (0, 3)]

    assert find(kept)[Section.ADVICE].patterns == ()


def test_too_few_items_have_nothing_in_common_that_would_not_be_chance() -> None:
    assert find([make_reply(reasons=None, advice=["周五前写一条。"] * 3)])[Section.ADVICE].patterns == ()


def test_who_keeps_fewer_than_were_drafted_has_a_number_of_its_own_and_the_same_wording() -> None:
    own = find([make_reply(reasons=REASONS, advice=ADVICE[:kept]) for kept in (1, 2, 2)])

    assert set(own) == {Section.ADVICE}
    assert own[Section.ADVICE].counts == (1, 2)
    assert all(re.match(own[Section.ADVICE].patterns[0], text) for text in ADVICE)


def test_a_part_of_a_note_without_a_section_misses_nothing_of_it() -> None:
    whole, part = DRAFTED, make_reply(reasons=None, advice=ADVICE)

    assert find_forms([(whole, DRAFTED), (part, ""), (part, part), (part, part)], "zh") == {}


def test_an_item_that_the_model_never_drafted_is_not_missed() -> None:
    short = make_reply(reasons=REASONS[:1], advice=ADVICE)

    assert find([short] * 4, short) == {}
    assert Section.REASON in find([short] * 4, DRAFTED)


def test_one_note_of_its_own_wording_among_many_changes_nothing() -> None:
    odd = make_reply(reasons=REASONS, advice=["周五前写一条。"] * 3)

    assert find([odd, *[DRAFTED] * 5]) == {}


@pytest.mark.parametrize("mark", ['"', "\\"])
def test_marks_that_json_would_have_to_escape_are_forced_upon_nobody(mark: str) -> None:
    kept = [make_reply(reasons=REASONS, advice=[f"{mark}{text}" for text in ADVICE])] * 3

    assert find(kept)[Section.ADVICE].patterns == ()
