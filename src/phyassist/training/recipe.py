"""The one recipe.  A preset is a set of values for its fields; there is no second way to train."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args, get_type_hints

from phyassist.errors import BadSetting, UnknownName

Quantise = Literal["none", "nf4", "int8"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Schedule = Literal["constant", "constant_with_warmup", "linear", "cosine"]
Optimiser = Literal["adamw", "paged_adamw_32bit", "paged_adamw_8bit"]


def _dial(default: Any, words: str) -> Any:
    return field(default=default, metadata={"help": words})


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an adapter is trained.  `examples_per_step` is the batch in all, on however many devices."""

    rank: int = _dial(16, "Rank of the LoRA matrices.")
    alpha: int = _dial(32, "LoRA's scale is alpha divided by rank.")
    dropout: float = _dial(0.0, "Share of LoRA's inputs left out at random while training.")
    targets: tuple[str, ...] = _dial((), "Modules that take LoRA; empty: every linear layer of the blocks.")
    quantise: Quantise = _dial("none", "Weights of the base model: none, nf4 or int8 (bitsandbytes).")
    precision: Precision = _dial(
        "auto", "Numbers to compute in; auto: bf16 where the device has it, else fp32."
    )
    learning_rate: float = _dial(2e-4, "Learning rate at its height.")
    schedule: Schedule = _dial("cosine", "How the learning rate falls.")
    warmup: float = _dial(0.03, "Share of all steps in which the learning rate rises.")
    epochs: float = _dial(3.0, "How often every example is seen; steps_max ends it sooner.")
    steps_max: int = _dial(0, "Greatest number of steps; 0: as the epochs say.")
    examples_per_step: int = _dial(16, "Examples whose gradients are summed into one step.")
    row_tokens: int = _dial(1024, "Tokens that are computed at once; examples are packed into rows of it.")
    optimiser: Optimiser = _dial("adamw", "adamw, paged_adamw_32bit or paged_adamw_8bit (bitsandbytes).")
    clip: float = _dial(1.0, "Greatest norm of a step's gradient.")
    checkpointing: bool = _dial(False, "Compute activations twice to save memory: a third slower.")
    patience: int = _dial(0, "Evaluations without a better validation loss before it stops; 0: never.")
    eval_steps: int = _dial(0, "Steps between evaluations and checkpoints; 0: once an epoch.")
    seed: int = _dial(0, "Decides the order of the examples and LoRA's first numbers.")


def get_preset(name: str) -> Recipe:
    """Raises UnknownName."""
    presets = load_presets()
    if name not in presets:
        raise UnknownName(f"no preset {name}", hint=f"there are {', '.join(presets)}")
    return presets[name]


@cache
def load_presets() -> Mapping[str, Recipe]:
    found = tomllib.loads(files("phyassist.training").joinpath("presets.toml").read_text("utf-8"))
    return {name: set_dials(Recipe(), values) for name, values in found.items()}


def set_dials(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with some fields set, from text or values.  Raises BadSetting for what it does not know."""
    known = {each.name for each in fields(Recipe)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise BadSetting(
            f"a recipe has no {', '.join(unknown)}", hint=f"there are {', '.join(sorted(known))}"
        )
    hints = get_type_hints(Recipe)
    changed = replace(recipe, **{name: _read(name, value, hints[name]) for name, value in values.items()})
    _check(changed)
    return changed


def _read(name: str, value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    try:
        if kind is bool:
            if str(value).lower() not in {"true", "false"}:
                raise ValueError
            return str(value).lower() == "true"
        if kind in {int, float}:
            return kind(value)
        if choices and choices[0] is not str:
            if value not in choices:
                raise ValueError
            return value
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else tuple(value)
    except (TypeError, ValueError):
        allowed = f"one of {', '.join(map(str, choices))}" if choices else f"of type {kind.__name__}"
        raise BadSetting(f"{name} cannot be {value!r}", hint=f"it is {allowed}") from None


def _check(recipe: Recipe) -> None:
    least = {"rank": 1, "alpha": 1, "examples_per_step": 1, "row_tokens": 16, "steps_max": 0, "patience": 0}
    for name, smallest in least.items():
        if getattr(recipe, name) < smallest:
            raise BadSetting(f"{name} cannot be below {smallest}", hint="give a larger number")
    if not (0 <= recipe.dropout < 1 and 0 <= recipe.warmup < 1):
        raise BadSetting("dropout and warmup are shares of one", hint="give numbers from 0 to below 1")
    if recipe.learning_rate <= 0 or recipe.epochs <= 0 or recipe.clip <= 0:
        raise BadSetting("learning_rate, epochs and clip are above zero", hint="give larger numbers")
