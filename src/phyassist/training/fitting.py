"""Before a run: how many weights are trained, how much memory it takes, and whether the device has it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from phyassist.errors import BadSetting
from phyassist.lm.choose import look_at_machine
from phyassist.training.attention import TOKENS_MAX, is_slow_with_torch
from phyassist.training.base import choose_dtype, choose_precision, load_config
from phyassist.training.footprint import count_loaded
from phyassist.training.lora import attach_empty, count_frozen
from phyassist.training.recipe import Recipe
from phyassist.training.run import Job, prepare_job
from phyassist.training.teams import Team

# AdamW keeps two numbers a weight, beside the weight and its gradient.
_BYTES_TRAINED = 16
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights trained and in all, the memory of one device in bytes by what it is for, and the time."""

    trained_weights: int
    all_weights: int
    base_bytes: int
    trained_bytes: int
    row_bytes: int
    device_bytes: int
    examples: int
    too_long: int
    val_examples: int
    val_too_long: int
    steps: int
    tokens: int
    expected_s: float


def needed_bytes(fit: Fit) -> int:
    return fit.base_bytes + fit.trained_bytes + fit.row_bytes


def estimate_job(job: Job, team: Team | None = None) -> Fit:
    """What a run will take of each of its devices; no weight of the base model is loaded for it.

    Raises BadInput where there is nothing to train on, ModelMissing.
    """
    prepared = prepare_job(job)
    seen = prepared.steps * job.recipe.examples_per_step / len(prepared.train.examples)
    tokens = int(seen * sum(example.tokens for example in prepared.train.examples))
    recipe, device, config = job.recipe, job.device, load_config(job.base)
    model, every = attach_empty(job.base, recipe)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    precision = choose_precision(recipe, device)
    number_bytes = 4 if precision == "fp32" else 2
    base_bytes = count_loaded(config, recipe.quantise, number_bytes)
    layers, width = (
        config.num_hidden_layers - count_frozen(config.num_hidden_layers, recipe),
        config.hidden_size,
    )
    # About 34 numbers a token, width and layer are kept for the way back; with checkpointing two of them.
    kept = width * (2 * layers + 34) if recipe.checkpointing else width * 34 * layers
    # What a token may see is a number for each pair, and in plain products so is what it sees.
    pairs = 1
    if is_slow_with_torch(device, choose_dtype(recipe, device)) and recipe.row_tokens <= TOKENS_MAX:
        pairs += config.num_attention_heads * (1 if recipe.checkpointing else layers)
    seen_bytes = recipe.row_tokens**2 * number_bytes * pairs
    row = recipe.row_tokens * (kept * number_bytes + config.vocab_size * 4) + seen_bytes
    team = team or Team()
    devices = _count_holding(team)
    # Shards are put together block by block, so that each device holds one whole beside its own.
    block = base_bytes / config.num_hidden_layers if team.spread == "shards" else 0
    # Forward two operations a weight and token, and two back, since frozen weights need half of the way back.
    # Blocks without LoRA are gone through once for all epochs, and forwards alone.
    upper = layers / config.num_hidden_layers
    operations = every * (
        (6 if recipe.checkpointing else 4) * upper * tokens + 2 * (1 - upper) * tokens / max(1.0, seen)
    )
    return Fit(
        trained_weights=trained,
        all_weights=every + trained,
        base_bytes=int(base_bytes / devices + block),
        trained_bytes=trained * _BYTES_TRAINED // devices,
        row_bytes=int(row),
        device_bytes=find_memory(device),
        examples=len(prepared.train.examples),
        too_long=prepared.train.too_long,
        val_examples=len(prepared.val.examples),
        val_too_long=prepared.val.too_long,
        steps=prepared.steps,
        tokens=tokens,
        expected_s=operations / measure_speed(device, choose_dtype(recipe, device)) / team.size,
    )


def _count_holding(team: Team) -> int:
    """Over how many devices the weights lie."""
    import torch

    if team.spread == "layers":
        return max(1, int(torch.cuda.device_count()))
    return team.size if team.spread == "shards" else 1


def check_fits(fit: Fit, recipe: Recipe) -> None:
    """Raises BadSetting, with what would help, where the device has not the memory."""
    if needed_bytes(fit) <= fit.device_bytes:
        return
    ways = []
    if fit.row_bytes > needed_bytes(fit) // 4:
        ways.append("halve row_tokens" + ("" if recipe.checkpointing else " or set checkpointing=true"))
    if recipe.quantise == "none":
        ways.append("set quantise=nf4")
    ways.append("lower rank, or choose a smaller base model")
    raise BadSetting(
        f"this needs {needed_bytes(fit) / _GIB:.1f} GiB and the device has {fit.device_bytes / _GIB:.1f}",
        hint="; ".join(ways),
    )


def find_memory(device: str) -> int:
    """Bytes of memory open to a run on this device."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory)
    return look_at_machine().memory_bytes


def measure_speed(device: str, dtype: Any) -> float:
    """Floating-point operations a second that a matrix product reaches here, the best of five."""
    import torch

    size = 4096 if device.startswith("cuda") else 512
    left, right = (torch.rand(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        float((left @ right)[0, 0])
        best = min(best, time.perf_counter() - started)
    # A whole model reaches about half of what one large product does.
    return 2 * size**3 / best / 2
