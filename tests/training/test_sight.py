"""What stands in a row with others is computed as it is by itself, whatever the model's layers are."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make train-setup installs it")
pytest.importorskip("peft", reason="peft is not installed: make train-setup installs it")

from phyassist.errors import BadSetting  # noqa: E402
from phyassist.training.encode import Encoded  # noqa: E402
from phyassist.training.forward import Forward  # noqa: E402
from phyassist.training.loop import Trainer  # noqa: E402
from phyassist.training.lora import attach  # noqa: E402
from phyassist.training.recipe import Recipe, set_dials  # noqa: E402
from phyassist.training.rows import pack  # noqa: E402
from phyassist.training.sight import WINDOW_BY_LAYER, WINDOW_EVERYWHERE, find_sight  # noqa: E402
from phyassist.training.teams import Team  # noqa: E402

BEGUN = tuple(itertools.islice(itertools.cycle((11, 7, 23, 40, 5, 31, 18, 62, 9)), 30))
EXAMPLES = (
    Encoded((*BEGUN, 12, 13, 14, 15), 31, rejected=(44, 45)),
    Encoded((*BEGUN, 50, 51, 52), 30),
    Encoded((8, 20, 33, 47, 3), 2),
)
HYBRIDS = {
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "mamba": {"state_size": 4},
    "falcon_h1": {
        "mamba_d_ssm": 32,
        "mamba_n_heads": 4,
        "mamba_d_head": 8,
        "mamba_d_state": 4,
        "mamba_chunk_size": 8,
    },
    "qwen3_next": {
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 16,
    },
    "recurrent_gemma": {"block_types": ["recurrent", "attention"], "attention_window_size": 16},
}
ONE_BY_ONE = {
    "bloom": {},
    "qwen3_moe": {"use_sliding_window": True, "num_experts": 4, "num_experts_per_tok": 2},
}


def make(kind: str, **more: Any) -> Any:
    """A causal model of two layers of this kind with random weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        kind,
        vocab_size=88,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        **more,
    )
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config).eval()
    # As they are first drawn, the weights of some kinds let no token see another.
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.2)
    return model


def list_by_itself(model: Any) -> list[float]:
    """What the model alone, as it is served, finds each target likely."""
    chosen, rejected = [], []
    for example in EXAMPLES:
        for kept, path in enumerate(example.paths):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([path]), use_cache=False).logits[0].float()
            said = torch.log_softmax(logits, -1)
            found = [float(said[no - 1, path[no]]) for no in range(example.reply_at, len(path))]
            (rejected if kept else chosen).extend(found)
    return chosen + rejected


def list_in_a_row(model: Any) -> list[float]:
    (row,) = pack(EXAMPLES, 200)
    # The longest comes first in a row; as they are listed here they come so too.
    with torch.no_grad():
        return Forward(model).log_probs(row).tolist()


@pytest.mark.parametrize("kind", sorted(WINDOW_EVERYWHERE | WINDOW_BY_LAYER))
def test_beyond_its_window_a_row_is_computed_as_the_model_is_served(kind: str) -> None:
    by_layer = {"layer_types": ["sliding_attention", "full_attention"]} if kind in WINDOW_BY_LAYER else {}
    model = make(kind, sliding_window=16, use_sliding_window=True, **by_layer)

    in_a_row = list_in_a_row(model)

    assert find_sight(model).together is None
    assert in_a_row == pytest.approx(list_by_itself(model), abs=2e-4)


@pytest.mark.parametrize("kind", [*HYBRIDS, *ONE_BY_ONE])
def test_what_no_mask_keeps_apart_is_computed_one_by_one(kind: str) -> None:
    model = make(kind, sliding_window=16, **{**HYBRIDS, **ONE_BY_ONE}[kind])

    in_a_row = list_in_a_row(model)

    assert in_a_row == pytest.approx(list_by_itself(model), abs=2e-4)


def test_one_by_one_gradients_reach_the_adapter_of_the_upper_blocks() -> None:
    recipe = set_dials(Recipe(), {"layers": 0.5, "rank": 2, "targets": "in_proj,q_proj,v_proj"})
    model = attach(make("lfm2", layer_types=["conv", "full_attention"]), recipe)
    (row,) = pack(EXAMPLES, 200)

    Forward(model, 1).log_probs(row).sum().backward()

    trained = {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
    assert all(".layers.1." in name for name in trained)
    assert any(grad.abs().sum() > 0 for grad in trained.values())


def test_shards_of_a_model_that_computes_one_by_one_are_refused() -> None:
    model = attach(make("lfm2", layer_types=["conv", "full_attention"]), set_dials(Recipe(), {"rank": 2}))

    with pytest.raises(BadSetting, match="which shards cannot do"):
        Trainer(model, Recipe(), EXAMPLES, (), team=Team(0, 2, "shards"))
