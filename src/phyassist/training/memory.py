"""Training from memory: examples come as values, the adapter goes as bytes, and no word touches a disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from phyassist.errors import BadInput
from phyassist.training.base import find_device, load_base, load_tokenizer
from phyassist.training.checkpoints import Checkpoints
from phyassist.training.encode import EncodedSet, encode_all
from phyassist.training.gguf_lora import ARCHITECTURES, render_gguf
from phyassist.training.loop import Report, Trained, Trainer
from phyassist.training.lora import attach
from phyassist.training.messages import Dialogue
from phyassist.training.recipe import Recipe
from phyassist.training.teams import take_whole


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """An adapter as its files' bytes: peft's config and weights, and GGUF where the engine can take it."""

    config: bytes = field(repr=False)
    weights: bytes = field(repr=False)
    gguf: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadeAdapter:
    """How the run ended and what it made; `too_long` examples were longer than a row and not learnt from."""

    trained: Trained
    files: AdapterFiles
    examples: int
    too_long: int


def run_examples(
    base: str,
    recipe: Recipe,
    train: Iterable[Dialogue],
    val: Iterable[Dialogue] = (),
    *,
    hear: Callable[[Report], None],
    should_stop: Callable[[], bool] = bool,
    checkpoints: Checkpoints | None = None,
) -> MadeAdapter:
    """An adapter for `base` (a folder or a model of the hub) made of these examples.

    It goes on from the newest of `checkpoints`, if there is one.  `should_stop` is asked before every row.
    Raises BadInput where there is nothing to train on, ModelMissing, TrainingFailed, StoreFull.
    """
    tokenizer = load_tokenizer(base)
    learnt, held = (encode_all((one.to_json() for one in part), tokenizer, recipe) for part in (train, val))
    check_any(learnt, recipe)
    import torch

    torch.manual_seed(recipe.seed)
    model = attach(load_base(base, recipe, find_device()), recipe)
    trainer = Trainer(model, recipe, learnt.examples, held.examples, checkpoints=checkpoints)
    trained = trainer.run(hear, resume=True, should_stop=should_stop)
    return MadeAdapter(trained, read_adapter(model), len(learnt.examples), learnt.too_long + held.too_long)


def read_adapter(model: Any) -> AdapterFiles:
    """The files that peft would save of a model's adapter, and the engine's, as bytes."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    held = get_peft_model_state_dict(model)
    weights = {name: take_whole(value).float().contiguous() for name, value in held.items()}
    said = model.peft_config["default"].to_dict() | {"inference_mode": True}
    base = model.get_base_model().config
    return AdapterFiles(
        config=json.dumps(said, default=_to_json, indent=2, sort_keys=True).encode("utf-8"),
        weights=save(weights, metadata={"format": "pt"}),
        gguf=render_gguf(said, {name: value.numpy() for name, value in weights.items()}, base)
        if base.model_type in ARCHITECTURES
        else None,
    )


def check_any(found: EncodedSet, recipe: Recipe) -> None:
    """Raises BadInput where no example fits a row."""
    if not found.examples:
        raise BadInput(
            f"no training example fits a row of {recipe.row_tokens} tokens",
            hint=f"{found.too_long} are longer: raise row_tokens, or prepare more data",
        )


def _to_json(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else str(value)
