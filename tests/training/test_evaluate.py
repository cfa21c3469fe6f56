"""A folder of scores is one evaluation's: another is refused, and one that broke off goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'phyassist[train]'")

from phyassist.errors import BadInput, EngineDown, UnreadableFile
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.training.answering import ByEngine
from phyassist.training.evaluate import Evaluation, run_evaluation
from phyassist.training.measures import SetScore
from tests.training.test_answering import BY, data, read_key
from tests.training.test_prepare import NO, YES, write_csv

__all__ = ["data"]


def evaluate(asked: Evaluation, replies: list[str]) -> tuple[SetScore, ...]:
    return run_evaluation(asked, ByEngine(ScriptedModel(replies), Never()), lambda *_: None)


def read_folder(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"by": {**BY, "base": "another"}}, "another base"),
        ({"by": {**BY, "adapter": "run", "adapter_sha256": "0"}}, "another adapter, adapter_sha256"),
        ({"part": "val"}, "another part, data_sha256"),
        ({"limit": 4}, "another limit"),
        ({"explain": True}, "another explain"),
    ],
)
def test_a_folder_that_holds_another_evaluation_is_refused_and_stays_as_it_was(
    change: dict[str, Any], said: str, data: Path
) -> None:
    first = Evaluation(BY, ("dreaddit",), "test", data, data / "out")
    evaluate(first, read_key(data, "dreaddit"))
    before = read_folder(data / "out")

    with pytest.raises(BadInput, match=f"out holds an evaluation with {said}; name a new folder with --out"):
        evaluate(replace(first, sets=("SAD", "dreaddit"), **change), [NO] * 20)

    assert read_folder(data / "out") == before


def test_scores_of_rows_that_were_changed_since_are_not_mixed_with_new_ones(data: Path) -> None:
    asked = Evaluation(BY, ("dreaddit",), "test", data, data / "out")
    evaluate(asked, read_key(data, "dreaddit"))
    write_csv(data / "imhi/test/dreaddit.csv", ("query", "gpt-3.5-turbo"), [("a", YES)])

    with pytest.raises(BadInput, match="another data_sha256"):
        evaluate(replace(asked, sets=("SAD",)), read_key(data, "SAD"))


def test_an_evaluation_that_broke_off_goes_on_where_it_stopped(data: Path) -> None:
    asked = Evaluation(BY, ("dreaddit", "SAD"), "test", data, data / "out")
    with pytest.raises(EngineDown):
        evaluate(asked, [YES] * len(read_key(data, "dreaddit")))

    dreaddit, sad = evaluate(asked, read_key(data, "SAD"))

    assert (dreaddit.name, dreaddit.accuracy, sad.accuracy) == ("dreaddit", 50, 100)
    assert set(json.loads((data / "out/scores.json").read_text())["sets"]) == {"dreaddit", "SAD"}
    assert evaluate(asked, []) == (dreaddit, sad)


def test_a_set_whose_labels_are_gone_is_asked_again(data: Path) -> None:
    asked = Evaluation(BY, ("dreaddit",), "test", data, data / "out")
    evaluate(asked, read_key(data, "dreaddit"))
    (data / "out/labels/dreaddit.jsonl").unlink()

    (score,) = evaluate(asked, [YES] * len(read_key(data, "dreaddit")))

    assert score.accuracy == 50
    assert (data / "out/labels/dreaddit.jsonl").is_file()


def test_scores_that_broke_off_are_said_and_not_written_over(data: Path) -> None:
    asked = Evaluation(BY, ("dreaddit",), "test", data, data / "out")
    evaluate(asked, read_key(data, "dreaddit"))
    (data / "out/scores.json").write_bytes((data / "out/scores.json").read_bytes()[:40])

    with pytest.raises(UnreadableFile, match=r"scores\.json is broken off or damaged; name a new folder"):
        evaluate(asked, read_key(data, "dreaddit"))
