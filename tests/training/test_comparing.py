"""Runs beside each other: tests that know chance from difference, and a table that says who measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'phyassist[train]'")

from phyassist.cli.main import main
from phyassist.errors import BadInput
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.training.answering import ByEngine
from phyassist.training.baselines import load_baselines
from phyassist.training.comparing import (
    compare_pair,
    draw_comparison,
    find_mcnemar_p,
    load_run,
    load_runs,
    render_comparison,
)
from phyassist.training.evaluate import Evaluation, run_evaluation
from tests.training.test_prepare import NO, YES, ask, write_csv

ROWS = 60
# The mean column of the study's own collection of numbers.
MEANS = {
    "always the largest class": 40.91,
    "LLaMA2-7B, zero-shot": 40.32,
    "ChatGPT, zero-shot": 62.46,
    "GPT-4, few-shot": 66.11,
    "Gemini Pro": 62.49,
    "PhyAssist of 2023, Mixtral-8x7B + LoRA": 67.53,
    "MentaLLaMA-chat-13B": 75.34,
    "best fine-tuned classifier of each set": 79.75,
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for part in ("train", "val", "test"):
        rows = [(ask(f"Post {no} of {part}."), f"{(YES, NO)[no % 2]} Reasoning: so.") for no in range(ROWS)]
        write_csv(tmp_path / f"imhi/{part}/dreaddit.csv", ("query", "gpt-3.5-turbo"), rows)
    return tmp_path


def make_run(data: Path, name: str, wrong_every: int, *, part: Any = "test", limit: int = 0) -> Path:
    """A run that is wrong in every so many rows."""
    replies = [(YES, NO)[(no + (no % wrong_every == 0)) % 2] for no in range(ROWS)]
    asked = Evaluation({"base": name}, ("dreaddit",), part, data, data / name, limit=limit)
    run_evaluation(asked, ByEngine(ScriptedModel(replies), Never()), lambda *_: None)
    return data / name


def test_mcnemar_is_the_exact_test_of_a_fair_coin() -> None:
    assert find_mcnemar_p(0, 0) == 1
    assert find_mcnemar_p(5, 5) == 1
    assert find_mcnemar_p(1, 9) == pytest.approx(22 / 1024)


def test_a_difference_is_told_from_chance(data: Path) -> None:
    often, seldom, nearly = (
        load_run(make_run(data, name, wrong))
        for name, wrong in (("often", 2), ("seldom", 20), ("nearly", 21))
    )

    large = compare_pair("dreaddit", often, seldom)
    small = compare_pair("dreaddit", seldom, nearly)

    assert large.f1_gained > 40
    assert large.f1_gained_interval[0] > 0
    assert max(large.p_bootstrap, large.p_mcnemar) < 0.01
    assert (large.only_first_right, large.only_second_right) == (0, 27)
    assert small.f1_gained_interval[0] <= 0 <= small.f1_gained_interval[1]
    assert min(small.p_bootstrap, small.p_mcnemar) > 0.2


def test_only_runs_of_the_same_rows_are_compared(data: Path) -> None:
    whole, short = make_run(data, "whole", 5), make_run(data, "short", 5, limit=10)
    val = make_run(data, "val", 5, part="val")
    (data / "empty").mkdir()

    with pytest.raises(BadInput, match="answered other rows of dreaddit"):
        compare_pair("dreaddit", load_run(whole), load_run(short))
    with pytest.raises(BadInput, match="the runs answered test and val"):
        load_runs([whole, val])
    with pytest.raises(BadInput, match="two runs are called whole"):
        load_runs([whole, whole])
    with pytest.raises(BadInput, match="holds no scores"):
        load_runs([data / "empty"])


def test_the_command_writes_a_table_the_figures_and_a_picture(data: Path, capsys: Any) -> None:
    runs = [str(make_run(data, name, wrong)) for name, wrong in (("often", 2), ("seldom", 20))]

    code = main(["evaluate", "compare", *runs, "--out", str(data / "out")])

    printed = capsys.readouterr().out
    said = json.loads((data / "out/compare.json").read_text())
    assert code == 0
    assert all(row.name in printed and row.measured_by in printed for row in load_baselines())
    assert "| **often** |" in printed
    assert printed.count("| this command: test |") == 2
    assert (data / "out/compare.md").read_text() in printed
    assert (data / "out/compare.png").read_bytes().startswith(b"\x89PNG")
    assert [pair["second"] for pair in said["pairs"]] == ["seldom"]
    assert len(said["baselines"]) == 9


def test_a_table_and_a_picture_say_which_rows_were_scored(data: Path) -> None:
    runs = [
        load_run(make_run(data, f"{part}-{limit}", 5, part=part, limit=limit))
        for part, limit in (("test", 0), ("val", 0), ("val", 10))
    ]

    tables = [render_comparison([run], ()) for run in runs]
    pictures = {draw_comparison([replace(runs[0], part=run.part, limit=run.limit)]) for run in runs}

    for table, said in zip(tables, ("test", "val", "val, first 10 rows of each set"), strict=True):
        assert f"| this command: {said} |" in table
    assert len(pictures) == 3


def test_published_figures_have_the_means_that_were_published() -> None:
    for row in load_baselines():
        if row.name in MEANS:
            assert sum(row.weighted_f1.values()) / 5 == pytest.approx(MEANS[row.name], abs=0.006)
    (mental_qlm,) = [row for row in load_baselines() if row.name.startswith("MentalQLM")]
    assert (mental_qlm.weighted_f1, mental_qlm.mean) == ({"SAD": 67.02}, 77.8)
