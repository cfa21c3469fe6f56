"""Training from memory: examples come as values, the adapter goes as bytes, and no word touches a disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phyassist.errors import BadInput
from phyassist.training.base import find_device, load_base, load_config, load_tokenizer
from phyassist.training.checkpoints import Checkpoints
from phyassist.training.encode import EncodedSet, encode_all
from phyassist.training.gguf_lora import has_gguf, render_gguf
from phyassist.training.loop import Report, Trained, Trainer
from phyassist.training.lora import attach
from phyassist.training.messages import Dialogue
from phyassist.training.others import AdapterFiles, fill, speaking_as
from phyassist.training.recipe import Recipe
from phyassist.training.teams import take_whole


@dataclass(frozen=True, slots=True)
class Beside:
    """Other adapters of the same base: the one to begin as, those to be compared with, and those that wrote
    drafts; the last two by name.
    """

    parent: AdapterFiles | None = None
    others: Mapping[str, AdapterFiles] = field(default_factory=dict)
    authors: Mapping[str, AdapterFiles] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeAdapter:
    """How the run ended and what it made; `too_long` examples were longer than a row and not learnt from.

    `losses` is the mean loss per reply token on the held-out examples by language: of `new`, of the `base`
    alone, and of each adapter that it was compared with; empty where nothing was held out.
    """

    trained: Trained
    files: AdapterFiles
    examples: int
    too_long: int
    losses: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def run_examples(
    base: str,
    recipe: Recipe,
    train: Iterable[Dialogue],
    held_out: Mapping[str, Iterable[Dialogue]] | None = None,
    *,
    hear: Callable[[Report], None],
    should_stop: Callable[[], bool] = bool,
    checkpoints: Checkpoints | None = None,
    beside: Beside | None = None,
) -> MadeAdapter:
    """An adapter for `base` (a folder or a model of the hub) made of these examples; those held out, by
    language, say how good it is, and choose nothing.

    It begins as the parent, whose rank and targets are then its own, and is compared with the others.
    It goes on from the newest of `checkpoints`, if there is one.  `should_stop` is asked before every row.
    Raises BadInput where there is nothing to train on, ModelMissing, TrainingFailed, StoreFull.
    """
    beside = beside or Beside()
    parent = beside.parent
    tokenizer = load_tokenizer(base)
    learnt = encode_all((one.to_json() for one in train), tokenizer, recipe)
    held = encode_held(held_out or {}, tokenizer, recipe)
    check_any(learnt, recipe)
    import torch

    torch.manual_seed(recipe.seed)
    if parent is not None:
        recipe = _shape_like(parent, recipe, load_config(base).num_hidden_layers)
    model = attach(load_base(base, recipe, find_device()), recipe)
    if parent is not None:
        fill(model, parent, "default")
    val = [each for part in held.values() for each in part.examples]
    trainer = Trainer(model, recipe, learnt.examples, val, checkpoints=checkpoints, authors=beside.authors)
    trained = trainer.run(hear, resume=True, should_stop=should_stop)
    files = read_adapter(model)
    losses = compare_losses(model, trainer, held, beside.others)
    too_long = learnt.too_long + sum(part.too_long for part in held.values())
    return MadeAdapter(trained, files, len(learnt.examples), too_long, losses)


def encode_held(
    held_out: Mapping[str, Iterable[Dialogue]], tokenizer: Any, recipe: Recipe
) -> Mapping[str, EncodedSet]:
    return {
        language: encode_all((one.to_json() for one in part), tokenizer, recipe)
        for language, part in held_out.items()
    }


def compare_losses(
    model: Any, trainer: Trainer, held: Mapping[str, EncodedSet], others: Mapping[str, AdapterFiles]
) -> Mapping[str, Mapping[str, float]]:
    """Held-out losses by language: of what was made, of the base alone, and of other adapters, one after
    another.
    """
    parts = {language: part.examples for language, part in held.items() if part.examples}
    if not parts:
        return {}

    def measure(*, whole: bool) -> Mapping[str, float]:
        return {language: trainer.evaluate(part, whole=whole)[0] for language, part in parts.items()}

    losses = {"new": measure(whole=False)}
    with model.disable_adapter():
        losses["base"] = measure(whole=False)
    for name, files in others.items():
        with speaking_as(model, files):
            losses[name] = measure(whole=True)
    return losses


def _shape_like(parent: AdapterFiles, recipe: Recipe, blocks: int) -> Recipe:
    said = json.loads(parent.config)
    upper = said.get("layers_to_transform")
    return replace(
        recipe,
        rank=said["r"],
        alpha=said["lora_alpha"],
        targets=tuple(sorted(said["target_modules"])),
        layers=len(upper) / blocks if upper else 1.0,
    )


def read_adapter(model: Any, name: str = "default") -> AdapterFiles:
    """The files that peft would save of a model's adapter, and the engine's, as bytes."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    held = get_peft_model_state_dict(model, adapter_name=name)
    weights = {name: take_whole(value).float().contiguous() for name, value in held.items()}
    said = model.peft_config[name].to_dict() | {"inference_mode": True}
    base = model.get_base_model().config
    return AdapterFiles(
        config=json.dumps(said, default=_to_json, indent=2, sort_keys=True).encode("utf-8"),
        weights=save(weights, metadata={"format": "pt"}),
        gguf=render_gguf(said, {name: value.numpy() for name, value in weights.items()}, base)
        if has_gguf(said, base)
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
