from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.prompts.json_stream import BrokenJson, JsonStream, Piece, Value

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def read(pieces: list[str]) -> list[Piece | Value]:
    stream = JsonStream()
    events = [event for piece in pieces for event in stream.feed(piece)]
    return [*events, *stream.close()]


@given(value=anything, is_ascii=st.booleans(), size=st.integers(1, 7))
def test_whatever_the_pieces_the_value_is_what_json_says(value: Any, is_ascii: bool, size: int):
    text = json.dumps(value, ensure_ascii=is_ascii, indent=1)

    events = read([text[start : start + size] for start in range(0, len(text), size)])

    last = events[-1]
    assert isinstance(last, Value)
    assert (last.path, last.value) == ((), value)


def test_words_of_a_string_come_while_it_is_being_written():
    stream = JsonStream()

    events = [*stream.feed('{"reasons": [{"text": "Not eno'), *stream.feed("ugh sleep")]

    assert events == [
        Piece(("reasons", 0, "text"), "Not eno"),
        Piece(("reasons", 0, "text"), "ugh sleep"),
    ]


def test_a_finished_value_is_told_before_the_next_begins():
    events = read(['{"a": [1, {"b": "x"}], "c": null}'])

    assert [(event.path, event.value) for event in events if isinstance(event, Value)] == [
        (("a", 0), 1),
        (("a", 1, "b"), "x"),
        (("a", 1), {"b": "x"}),
        (("a",), [1, {"b": "x"}]),
        (("c",), None),
        ((), {"a": [1, {"b": "x"}], "c": None}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a"}',
        '{"a": 1,}',
        "[1,]",
        "[1 2]",
        '{"a": 1 "b": 2}',
        '{"a": 1]',
        '{"a": 1} x',
        "nul",
        '"\\x"',
        '"\\u12g4"',
        '"\\ud83d"',
        '"\\udc00"',
        '"a\nb"',
        '{"a": 1, "a": 2}',
        "{1: 2}",
        "01",
    ],
)
def test_what_is_not_json_is_refused(text: str):
    with pytest.raises(BrokenJson):
        read([text])


def test_an_error_says_where_and_not_what():
    with pytest.raises(BrokenJson, match="character 8") as caught:
        read(['"secret\nmore"'])

    assert "secret" not in str(caught.value)
