"""Adapters on a mixture's stacked experts, from the first step to the base with them in its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")
peft = pytest.importorskip("peft", reason="peft is not installed: pip install 'phyassist[train]'")

from phyassist.errors import BadInput  # noqa: E402
from phyassist.training.adapters import load_adapted  # noqa: E402
from phyassist.training.fitting import estimate_job  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.run import Job  # noqa: E402
from tests.training.test_prepare import COLUMNS, OwnFile, make_plan, prepare, write_csv  # noqa: E402
from tests.training.test_run import run, train  # noqa: E402
from tests.training.tiny import make_model, make_tokenizer, save_base  # noqa: E402


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("bases") / "mixture", "mixtral")


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    rows = [[f"On day {no} I slept badly.", "insomnia", f"Keep diary {no}."] for no in range(16)]
    own = OwnFile(write_csv(folder / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)
    prepare(make_plan(folder, own=[own]), folder / "data")
    dials = ("examples_per_step=4", "row_tokens=1600", "rank=2", "steps_max=3", "learning_rate=5e-2")
    assert train(base, folder / "data", folder / "run", dials=dials) == 0
    return folder / "run"


def answer(model: Any) -> Any:
    ids = torch.tensor([make_tokenizer()("I feel calm today.")["input_ids"]])
    with torch.no_grad():
        return model.eval()(ids).logits


def test_a_run_on_experts_comes_to_its_end_without_a_gguf_and_answers_when_it_is_loaded(
    base: Path, trained: Path
) -> None:
    said = json.loads((trained / "adapter/adapter_config.json").read_text())
    alone = peft.PeftModel.from_pretrained(make_model("mixtral"), trained / "adapter")

    loaded = answer(load_adapted(str(base), trained / "adapter"))

    assert any(name.endswith("experts.down_proj") for name in said["target_parameters"])
    assert not (trained / "adapter.gguf").exists()
    assert (trained / "done.json").is_file()
    assert torch.allclose(loaded, answer(alone), atol=1e-4)
    assert not torch.allclose(loaded, answer(make_model("mixtral")), atol=1e-2)


def test_experts_are_put_into_their_bases_weights(base: Path, trained: Path, tmp_path: Path) -> None:
    code = run("adapters", "merge", trained, "--into-base", "--base", base, "--out", tmp_path / "full")

    assert code == 0
    assert json.loads((tmp_path / "full/merge.json").read_text())["logits_differ_at_most"] < 1e-4


def test_an_adapter_on_experts_does_not_fit_a_base_that_has_none(trained: Path, tmp_path: Path) -> None:
    dense = save_base(tmp_path / "dense", "llama")

    with pytest.raises(BadInput, match=r"does not fit this base model: layers\.\d\.mlp\.experts"):
        load_adapted(str(dense), trained / "adapter")


def test_a_dry_run_counts_experts_as_they_are_loaded_whatever_is_quantised(base: Path, trained: Path) -> None:
    data = trained.parent / "data"

    whole, quantised = (
        estimate_job(
            Job(str(base), data, Path("nowhere"), set_dials(Recipe(), {"precision": "bf16", **dials}))
        )
        for dials in ({"row_tokens": 1600}, {"row_tokens": 1600, "quantise": "nf4"})
    )

    assert 0.8 * whole.base_bytes < quantised.base_bytes < whole.base_bytes
