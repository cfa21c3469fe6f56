"""Watching a run: trackers hear the reports, and the model's own replies are compared with the kept ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.errors import BadSetting  # noqa: E402
from phyassist.training.encode import encode_all  # noqa: E402
from phyassist.training.likeness import ReplyJudge, find_state_f1  # noqa: E402
from phyassist.training.loop import EvalReport, StepReport  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe  # noqa: E402
from phyassist.training.report import write_report  # noqa: E402
from phyassist.training.trackers import open_trackers  # noqa: E402
from tests.training.tiny import make_dialogues, make_model, make_tokenizer  # noqa: E402

STEP = StepReport(3, 10, 0.3, 1.25, None, 0.5, 1e-4, 200, 50, 2.0)
EVAL = EvalReport(3, 0.3, 1.5, 0.4, 0.75, True, 0.8, "state_f1")


def test_tensorboard_hears_what_the_bar_hears(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with open_trackers(("tensorboard",), tmp_path, {"rank": 8}) as hear:
        hear(STEP)
        hear(EVAL)

    kept = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    found = {
        name: (kept.Scalars(name)[0].step, kept.Scalars(name)[0].value) for name in kept.Tags()["scalars"]
    }
    assert found["train/loss"] == (3, 1.25)
    assert found["train/tokens_per_s"] == (3, 100.0)
    assert found["val/loss"] == (3, 1.5)
    assert found["val/state_f1"] == (3, pytest.approx(0.8))
    assert "train/pair_loss" not in found


def test_wandb_hears_it_too_and_sends_nothing_when_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")

    with open_trackers(("wandb",), tmp_path, {"rank": 8}) as hear:
        hear(STEP)

    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_a_tracker_that_is_none_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(BadSetting, match="no tracker mlflow"),
        open_trackers(("mlflow",), tmp_path, {}),
    ):
        pass


def test_replies_are_compared_with_the_kept_ones_under_a_name_of_their_own() -> None:
    recipe = Recipe()
    model: Any = attach(make_model(), recipe).eval()
    examples = encode_all(
        ({"messages": said} for said in make_dialogues(2)), make_tokenizer(), recipe
    ).examples
    kept = examples[0].ids[examples[0].reply_at :]

    judged = ReplyJudge(make_tokenizer(), examples, bert="no such model").judge(model)

    assert judged.measure == "state_f1"
    assert 0 < judged.f1 < 1
    assert find_state_f1(model, kept, kept) == pytest.approx(1.0, abs=1e-5)
    assert find_state_f1(model, kept[:3], kept) < 1
    assert find_state_f1(model, (), kept) == 0.0


def test_the_report_says_by_what_replies_were_judged(tmp_path: Path) -> None:
    import json
    from dataclasses import asdict

    config = {
        "base": "tiny",
        "recipe": {},
        "examples": {"train": 1, "val": 1},
        "too_long": {"train": 0},
        "steps": 1,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    lines = [{"kind": "step", **asdict(STEP)}, {"kind": "eval", **asdict(EVAL)}]
    (tmp_path / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    write_report(tmp_path)

    page = (tmp_path / "report.html").read_text()
    assert "no BERTScore model here" in page
    assert "0.800" in page
