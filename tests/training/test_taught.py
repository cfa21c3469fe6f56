"""Public texts that a larger model drafts, as prepared data."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from phyassist.domain.examples import Drafted
from phyassist.domain.people import Language
from phyassist.errors import BadInput, EngineDown
from phyassist.lm.protocol import Message
from phyassist.training.catalogue import get_source
from phyassist.training.prepare import Plan
from phyassist.training.taught import DRAFTS, draft_sources
from phyassist.training.templates import get_template
from phyassist.training.writing import load_card, read_part

STORY = (
    "went on for years, and nobody at home ever spoke about it; I still wake up before it is light "
    "and count the cars."
)


class Writer:
    """Drafts everything alike; what it was asked stands in `asked`.  It dies before draft `dies_at`."""

    def __init__(self, faults: tuple[str, ...] = (), dies_at: int = -1) -> None:
        self.asked: list[str] = []
        self._faults, self._dies_at = faults, dies_at

    def __call__(self, text: str, language: Language) -> Drafted:
        assert language == "en"
        if len(self.asked) == self._dies_at:
            raise EngineDown("the engine stopped", hint="ask again")
        self.asked.append(text)
        return Drafted((Message("user", text),), '{"symptom_type": "worry"}', self._faults)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """counsel-chat with six questions, one of them for testing and one too short to be drafted."""
    source = get_source("counsel-chat")
    (name,) = source.files.values()
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    head = ("questionID", "questionTitle", "questionText", "topic", "answerText", "split")
    rows = [
        (str(no), "", f"The {word} {STORY}", "anxiety", "Breathe.", part)
        for no, (word, part) in enumerate(
            [
                ("noise", "train"),
                ("quarrel", "train"),
                ("silence", "val"),
                ("drinking", "test"),
                ("debt", "train"),
            ]
        )
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows, ("9", "", "Too short.", "anxiety", "Breathe.", "train")])
    return Plan((source,), (), tmp_path / "data", get_template("qwen"))


def test_texts_are_drafted_and_those_of_the_test_part_are_left_alone(plan: Plan, tmp_path: Path) -> None:
    write, out = Writer(), tmp_path / "out"

    prepared = draft_sources(plan, out, count=10, by="large", write=write)

    assert len(write.asked) == 4
    assert not any("drinking" in text or "short" in text for text in write.asked)
    assert prepared.rows == {"train": {"counsel-chat": 3}, "val": {"counsel-chat": 1}, "test": {}}
    assert load_card(out)["drafted_by"] == "large"
    assert [row["messages"][-1] for row in read_part(out, "val")] == [
        {"role": "assistant", "content": '{"symptom_type": "worry"}'}
    ]


def test_drafts_that_do_not_hold_are_counted_by_what_speaks_against_them(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "out"

    with pytest.raises(BadInput, match="no draft of large holds"):
        draft_sources(plan, out, count=2, by="large", write=Writer(("words said over",)))

    assert [json.loads(line)["faults"] for line in (out / DRAFTS).read_text("utf-8").splitlines()] == [
        ["words said over"],
        ["words said over"],
    ]


def test_what_was_drafted_before_it_was_broken_off_is_not_asked_for_again(plan: Plan, tmp_path: Path) -> None:
    out, first, second = tmp_path / "out", Writer(dies_at=2), Writer()
    with pytest.raises(EngineDown):
        draft_sources(plan, out, count=4, by="large", write=first)
    with (out / DRAFTS).open("a", encoding="utf-8") as file:
        file.write('{"source": "counsel-ch')

    draft_sources(plan, out, count=4, by="large", write=second)

    assert len(first.asked) == len(second.asked) == 2
    assert not set(first.asked) & set(second.asked)
    assert len((out / DRAFTS).read_text("utf-8").splitlines()) == 5, "the broken line spoils no other"


def test_a_folder_with_something_else_in_it_is_left_alone(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("Dear all,")

    with pytest.raises(BadInput, match="not empty"):
        draft_sources(plan, tmp_path, count=4, by="large", write=Writer())


def test_drafts_of_two_models_do_not_come_into_one_folder(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(EngineDown):
        draft_sources(plan, out, count=4, by="large", write=Writer(dies_at=1))

    with pytest.raises(BadInput, match="holds drafts of large"):
        draft_sources(plan, out, count=4, by="larger", write=Writer())
