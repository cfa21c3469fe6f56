"""Choosing a base model: memory from its config, knowledge through the harness, the study's table beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from phyassist.cli.main import main
from phyassist.lm.catalogue import get_catalogue_model
from phyassist.training.footprint import find_footprint
from phyassist.training.selecting import load_study_bases
from tests.training.tiny import make_model, save_base

TASK = """
task: moods
dataset_path: json
dataset_kwargs:
  data_files:
    test: {path}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{text}}}} The mood is"
doc_to_choice: "{{{{moods}}}}"
doc_to_target: "{{{{right}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A task of the harness with four rows of our own."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"text": f"Day {no}: I slept.", "moods": ["calm", "sad"], "right": no % 2} for no in range(4)]
    path = folder / "moods.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "moods.yaml").write_text(TASK.format(path=path), encoding="utf-8")
    return folder


def test_a_model_is_measured_by_the_harness_on_rows_that_lie_here(
    tasks: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'phyassist[evaluate]'")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    words = ["evaluate", "select", save_base(tmp_path / "tiny"), "--include", tasks]

    code = main([str(word) for word in (*words, "--tasks", "moods", "--json")])
    (found,) = json.loads(capsys.readouterr().out)

    weights = sum(weight.numel() for weight in make_model().parameters())
    assert code == 0
    assert found["footprint"]["weights"] == weights
    assert found["speed"]["read_per_s"] > found["speed"]["write_per_s"] > 0
    (score,) = found["tasks"]
    assert (score["task"], score["rows"]) == ("moods", 4)
    assert score["percent"] in (0, 25, 50, 75, 100)


def test_a_task_that_measures_something_else_is_absent_and_says_so(
    tasks: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'phyassist[evaluate]'")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    config = (tasks / "moods.yaml").read_text("utf-8").replace("metric: acc", "metric: acc_norm")
    (tasks / "moods.yaml").write_text(config, "utf-8")
    words = ["evaluate", "select", save_base(tmp_path / "tiny"), "--include", tasks]

    code = main([str(word) for word in (*words, "--tasks", "moods", "--json")])
    (found,) = json.loads(capsys.readouterr().out)

    assert code == 0
    (score,) = found["tasks"]
    assert (score["percent"], score["why_absent"]) == (None, "it measures no acc, but acc_norm")


def test_memory_is_counted_by_form() -> None:
    config = make_model("qwen2").config
    weights = sum(weight.numel() for weight in make_model("qwen2").parameters())

    found = find_footprint(config)

    assert found.bytes_by_form["fp32"] == 4 * weights
    assert found.bytes_by_form["bf16"] == 2 * weights
    assert found.bytes_by_form["nf4"] < found.bytes_by_form["int8"] < found.bytes_by_form["bf16"]
    assert found.active_weights == weights
    assert found.cache_bytes_per_1000 == 1000 * 2 * 2 * 2 * 8 * 2


def test_of_a_mixture_a_token_passes_by_some_experts() -> None:
    config = make_model("mixtral").config

    found = find_footprint(config)

    experts = 2 * 4 * 3 * 32 * 48
    assert found.weights - found.active_weights == experts // 2


@pytest.mark.parametrize(
    ("name", "width", "inner", "layers", "heads"),
    [
        ("qwen2.5-coder-0.5b-instruct", 896, 4864, 24, 14),
        ("qwen2.5-coder-1.5b-instruct", 1536, 8960, 28, 12),
    ],
)
def test_q4_k_m_is_estimated_as_large_as_the_catalogue_s_files_are(
    name: str, width: int, inner: int, layers: int, heads: int
) -> None:
    from transformers import Qwen2Config

    # Both files hold the vocabulary twice, once as the output layer.
    config = Qwen2Config(
        vocab_size=151936,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )

    estimated = find_footprint(config).bytes_by_form["Q4_K_M"]

    assert estimated == pytest.approx(get_catalogue_model(name).file_bytes, rel=0.02)


def test_the_study_s_own_table_stands_beside() -> None:
    by_name = {row.name: row for row in load_study_bases()}

    assert len(by_name) == 5
    assert (by_name["Mixtral-8x7B-v0.1"].arc, by_name["Mixtral-8x7B-v0.1"].size_b) == (67.41, 46.7)
