"""A paragraph of an answer as it goes into a draft or a record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from phyassist.domain.chats import (
    ChatMessage,
    GivenPassage,
    MessageId,
    MessageKind,
    get_paragraph,
)
from phyassist.errors import NotFound

PASSAGE = GivenPassage(1, "p1", "Sleep", "3", "…")
ANSWER = ChatMessage(MessageId("a1"), None, MessageKind.ANSWER, "", datetime(2026, 11, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("1. 先问睡眠[1]。", "先问睡眠。"),
        ("（2）再问白天的精神。", "再问白天的精神。"),
        ("- Ask about the days.", "Ask about the days."),
        ("(3) Ask about the exam.", "Ask about the exam."),
        ("12、约定先给谁打电话。", "约定先给谁打电话。"),
        ("3.5 hours of sleep are few.", "3.5 hours of sleep are few."),
        ("-3 degrees outside.", "-3 degrees outside."),
        ("20 天没有出门。", "20 天没有出门。"),
    ],
)
def test_a_paragraph_is_taken_without_its_mark_in_a_list(line: str, taken: str) -> None:
    answer = replace(ANSWER, text=f"说明：\n{line}", passages=(PASSAGE,))

    words, cited = get_paragraph(answer, 1)

    assert words == taken
    assert cited == ((PASSAGE,) if "[1]" in line else ())


def test_a_paragraph_that_there_is_not_is_said() -> None:
    with pytest.raises(NotFound):
        get_paragraph(replace(ANSWER, text="说明："), 1)
