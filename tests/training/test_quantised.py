"""LoRA on quantised weights, on the tiny model and this very processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")
pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed: make train-setup installs it")

from phyassist.errors import BadSetting  # noqa: E402
from phyassist.training.base import load_base, make_quantisation  # noqa: E402
from phyassist.training.encode import encode_all  # noqa: E402
from phyassist.training.footprint import count_loaded, find_footprint  # noqa: E402
from phyassist.training.loop import StepReport, Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, get_preset, set_dials  # noqa: E402
from tests.training.tiny import make_dialogues, make_tokenizer, save_base  # noqa: E402


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_base(tmp_path_factory.mktemp("base")))


@pytest.mark.parametrize(("quantise", "kept_as"), [("nf4", "Params4bit"), ("int8", "Int8Params")])
def test_lora_learns_on_quantised_weights_that_stay_as_they_are(
    base: str, quantise: str, kept_as: str
) -> None:
    recipe = set_dials(
        Recipe(),
        {
            "quantise": quantise,
            "precision": "fp32",
            "rank": 4,
            "epochs": 4,
            "examples_per_step": 4,
            "learning_rate": 5e-3,
        },
    )
    examples = encode_all(
        ({"messages": said} for said in make_dialogues(8)), make_tokenizer(), recipe
    ).examples
    torch.manual_seed(0)
    model = attach(load_base(base, recipe, "cpu"), recipe)
    weight: Any = model.get_base_model().model.layers[0].mlp.up_proj.base_layer.weight
    before = weight.data.clone()
    heard: list[Any] = []

    Trainer(model, recipe, examples, ()).run(heard.append)

    losses = [report.loss for report in heard if isinstance(report, StepReport)]
    assert type(weight).__name__ == kept_as
    assert torch.equal(weight.data, before)
    assert losses[-1] < losses[0] - 0.1


def test_quantised_weights_are_not_sharded(base: str) -> None:
    with pytest.raises(BadSetting, match="cannot be sharded"):
        load_base(base, set_dials(Recipe(), {"quantise": "nf4"}), "cpu", "shards")


def test_the_study_s_weights_are_multiplied_in_bf16_though_it_trained_in_fp16() -> None:
    study = make_quantisation(get_preset("study-2023"), "cpu")
    plain = make_quantisation(set_dials(Recipe(), {"quantise": "nf4", "precision": "fp32"}), "cpu")

    assert (study.bnb_4bit_quant_type, study.bnb_4bit_use_double_quant) == ("nf4", False)
    assert study.bnb_4bit_compute_dtype == torch.bfloat16
    assert plain.bnb_4bit_compute_dtype == torch.float32


@pytest.mark.parametrize("kind", ["qwen2", "mixtral"])
@pytest.mark.parametrize("quantise", ["nf4", "int8"])
def test_memory_is_counted_as_bitsandbytes_takes_it(kind: str, quantise: str, tmp_path: Path) -> None:
    recipe = set_dials(Recipe(), {"quantise": quantise, "precision": "bf16"})
    model = load_base(str(save_base(tmp_path / kind, kind)), recipe, "cpu")

    counted = count_loaded(model.config, recipe.quantise, 2)

    states = [getattr(weight, "quant_state", None) for weight in model.parameters()]
    taken = sum(weight.nbytes for weight in model.parameters())
    taken += sum(state.absmax.nbytes for state in states if state is not None)
    assert counted == pytest.approx(taken, rel=0.02)
    # Of a mixture the experts stay in 16 bits.
    assert (counted > 0.8 * find_footprint(model.config).bytes_by_form["bf16"]) == (kind == "mixtral")
