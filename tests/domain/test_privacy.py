from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.domain.privacy.finding import find_private
from phyassist.domain.privacy.replacing import Restorer, replace_private
from phyassist.domain.privacy.words import PrivateKind

ZH = (
    "来访者王小明，男，32岁，身份证号110101199003074512，手机13812345678，住在上海市徐汇区漕溪北路88号。"
    "小明说他女朋友李倩和他分手了，张老师建议他来，微信号 wxm_1990，1990年3月7日生。"
)
EN = (
    "My name is Daniel Okafor, born 5 March 1990, and I live at 12 Baker Street. My sister Amara called me "
    "on 07700 900123. Dr. Patel wrote to d.okafor@example.org. NHS number 943 476 5919. Daniel cannot sleep."
)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (ZH, PrivateKind.NAME, {"王小明", "小明", "李倩", "张"}),
        (ZH, PrivateKind.NUMBER, {"110101199003074512"}),
        (ZH, PrivateKind.CONTACT, {"13812345678", "wxm_1990"}),
        (ZH, PrivateKind.BIRTH, {"1990年3月7日"}),
        (ZH, PrivateKind.PLACE, {"上海市徐汇区漕溪北路88号"}),
        (EN, PrivateKind.NAME, {"Daniel Okafor", "Daniel", "Amara", "Patel"}),
        (EN, PrivateKind.NUMBER, {"943 476 5919"}),
        (EN, PrivateKind.CONTACT, {"07700 900123", "d.okafor@example.org"}),
        (EN, PrivateKind.BIRTH, {"5 March 1990"}),
        (EN, PrivateKind.PLACE, {"12 Baker Street"}),
    ],
)
def test_what_tells_who_somebody_is_is_found(text: str, kind: PrivateKind, words: set[str]) -> None:
    found = {each.text for each in find_private(text) if each.kind == kind}

    assert found == words


@pytest.mark.parametrize(
    "text",
    [
        "我最近总是很累，什么都不想做。高中的时候很开心，现在安静下来就害怕，时常失眠，周末也不想出门。",
        "I will try in May. Hope is hard to find, and my doctor says stress, not depression, makes me tired.",
        "PHQ-9 18分，GAD-7 14分。There were 12 sessions in 2024 at 9:30.",
    ],
)
def test_everyday_words_stay(text: str) -> None:
    assert find_private(text) == ()


def test_a_known_name_is_replaced_however_it_is_written_and_in_part() -> None:
    (hidden,), _ = replace_private(
        ("若晴 came. zelenka said yes. 林若晴, ZELENKA.",), ("林若晴", "Ada Zelenka")
    )

    assert hidden == "[NAME1] came. [NAME2] said yes. [NAME1B], [NAME2B]."


def test_the_same_person_keeps_one_number_through_all_texts() -> None:
    hidden, replacement = replace_private(("来访者王小明来了。", "后来小明走了。"))

    assert hidden == ("来访者[NAME1]来了。", "后来[NAME1B]走了。")
    assert (
        replacement.restore("[NAME1B] and [name1] and NAME1 and 【NAME1】")
        == "小明 and [name1] and 王小明 and 王小明"
    )


def test_a_placeholder_that_the_text_bears_already_means_nothing_else() -> None:
    text = "[NAME1] is how the form calls me. My name is Daniel Okafor."

    (hidden,), replacement = replace_private((text,))

    assert hidden == "[NAME1] is how the form calls me. My name is [NAME2]."
    assert replacement.restore(hidden) == text


def test_words_are_put_back_in_json_as_json_writes_them() -> None:
    (hidden,), replacement = replace_private(('Ann "Nan" O\'Hara left.',), ('Ann "Nan" O\'Hara',))

    restored = replacement.restore(json.dumps({"text": hidden}), in_json=True)

    assert json.loads(restored) == {"text": 'Ann "Nan" O\'Hara left.'}


@given(st.sampled_from((ZH, EN, ZH + EN)), st.lists(st.integers(1, 7), min_size=1, max_size=9))
def test_a_stream_cut_anywhere_is_put_back_whole(text: str, sizes: list[int]) -> None:
    (hidden,), replacement = replace_private((text,))
    restorer = Restorer(replacement)

    pieces, at, turn = [], 0, 0
    while at < len(hidden):
        size = sizes[turn % len(sizes)]
        pieces.append(restorer.feed(hidden[at : at + size]))
        at, turn = at + size, turn + 1

    assert "".join(pieces) + restorer.close() == text


@given(st.text(alphabet="[]NAMEPLC1 2B王小明说ab", max_size=40))
def test_whatever_is_written_comes_back_as_it_was(text: str) -> None:
    (hidden,), replacement = replace_private((text,))

    assert replacement.restore(hidden) == text
