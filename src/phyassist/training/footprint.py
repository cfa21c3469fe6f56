"""How much memory a model's weights take in each form, counted from its config: no weight is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phyassist.training.lora import is_linear

if TYPE_CHECKING:
    from phyassist.training.recipe import Quantise

# Bytes a weight of bitsandbytes' forms, which keeps one float32 for each 64 weights in NF4.
_QUANTISED: Mapping[Quantise, float] = {"int8": 1.0, "nf4": 0.5 + 4 / 64}
_HALF = 2.0
# Bytes a weight of llama.cpp's types; a K type wants rows of 256, and a plain one takes its place elsewhere.
_Q8_0, _Q5_0, _Q4_K, _Q6_K = 34 / 32, 22 / 32, 144 / 256, 210 / 256
_K_ROW = 256
_LAYER = re.compile(r"\.layers\.(?P<no>\d+)\.")
FORMS = ("fp32", "bf16", "int8", "nf4", "Q8_0", "Q4_K_M")


@dataclass(frozen=True, slots=True)
class Footprint:
    """Weights in all and of one token's way, bytes by form, and bytes of cache for a thousand tokens (bf16).

    In a mixture of experts a token passes by a few of them: `active_weights` is less than `weights` there.
    """

    weights: int
    active_weights: int
    bytes_by_form: Mapping[str, int]
    cache_bytes_per_1000: int


@dataclass(frozen=True, slots=True)
class _Matrix:
    name: str
    shape: tuple[int, ...]
    is_inner_linear: bool  # of a linear layer, but not of the output

    @property
    def count(self) -> int:
        count = 1
        for side in self.shape:
            count *= side
        return count


def find_footprint(config: Any) -> Footprint:
    """The footprint of a causal model of transformers with this config."""
    matrices = _list_matrices(config)
    every = sum(each.count for each in matrices)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Footprint(
        weights=every,
        active_weights=every - _count_idle(matrices, config),
        bytes_by_form={
            "fp32": 4 * every,
            "bf16": 2 * every,
            "int8": _sum_loaded(matrices, "int8", _HALF),
            "nf4": _sum_loaded(matrices, "nf4", _HALF),
            "Q8_0": int(_count_q8(matrices)),
            "Q4_K_M": int(_count_q4_k_m(matrices, config.num_hidden_layers)),
        },
        cache_bytes_per_1000=1000 * 2 * config.num_hidden_layers * heads * width * 2,
    )


def count_loaded(config: Any, quantise: Quantise, bytes_a_number: float) -> int:
    """Bytes of the weights as a run loads them, which computes in numbers of so many bytes."""
    return _sum_loaded(_list_matrices(config), quantise, bytes_a_number)


def _list_matrices(config: Any) -> list[_Matrix]:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    output = model.get_output_embeddings()
    linear = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if is_linear(module) and module is not output
    }
    # Tied weights come once.
    return [_Matrix(name, tuple(weight.shape), name in linear) for name, weight in model.named_parameters()]


def _count_idle(matrices: list[_Matrix], config: Any) -> int:
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None) or 0
    used = getattr(config, "num_experts_per_tok", None) or experts
    if not experts:
        return 0
    of_experts = sum(each.count for each in matrices if ".experts." in each.name)
    return of_experts * (experts - used) // experts


def _sum_loaded(matrices: list[_Matrix], quantise: Quantise, bytes_a_number: float) -> int:
    """As bitsandbytes leaves a model in memory: linear layers quantised, all else as it is computed with.

    A mixture's stacked experts are no linear layers, and they are nearly all of it.
    """
    linear = _QUANTISED.get(quantise, bytes_a_number)
    return int(sum(each.count * (linear if each.is_inner_linear else bytes_a_number) for each in matrices))


def _count_q8(matrices: list[_Matrix]) -> float:
    return sum(each.count * (_Q8_0 if len(each.shape) > 1 else 4) for each in matrices)


def _count_q4_k_m(matrices: list[_Matrix], layers: int) -> float:
    return sum(each.count * kind for each, kind in _choose_kinds(matrices, layers))


def _choose_kinds(matrices: list[_Matrix], layers: int) -> Iterator[tuple[_Matrix, float]]:
    """llama.cpp's own rule: more bits for the output, and for value and down matrices of some layers."""
    is_tied = not any("lm_head" in each.name for each in matrices)
    for each in matrices:
        if len(each.shape) == 1:
            yield each, 4.0
            continue
        found = _LAYER.search(each.name)
        is_wide = ("v_proj" in each.name or "down_proj" in each.name) and (
            found is not None and _wants_more(int(found["no"]), layers)
        )
        is_output = "lm_head" in each.name or ("embed_tokens" in each.name and is_tied)
        kind = _Q6_K if is_wide or is_output else _Q4_K
        if each.shape[-1] % _K_ROW:
            kind = _Q8_0 if kind == _Q6_K else _Q5_0
        yield each, kind


def _wants_more(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
