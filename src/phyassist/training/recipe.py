"""The one recipe.  A preset is a set of values for its fields; there is no second way to train."""

from __future__ import annotations

import math
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
Preference = Literal["none", "dpo", "orpo"]
Keep = Literal["best", "last"]
Optimiser = Literal["adamw", "paged_adamw_32bit", "paged_adamw_8bit"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an adapter is trained.  `examples_per_step` is the batch in all, on however many devices."""

    rank: int = field(default=16, metadata={"help": "Rank of the LoRA matrices."})
    alpha: int = field(default=32, metadata={"help": "LoRA's scale is alpha divided by rank."})
    dropout: float = field(
        default=0.0, metadata={"help": "Share of LoRA's inputs left out at random while training."}
    )
    targets: tuple[str, ...] = field(
        default=(), metadata={"help": "Modules that take LoRA; empty: every linear layer of the blocks."}
    )
    layers: float = field(
        default=1.0,
        metadata={
            "help": "Share of the blocks, from the top, that take LoRA; those below are computed once."
        },
    )
    quantise: Quantise = field(
        default="none", metadata={"help": "Weights of the base model: none, nf4 or int8 (bitsandbytes)."}
    )
    precision: Precision = field(
        default="auto",
        metadata={"help": "Numbers to compute in; auto: bf16 where the device multiplies in it, else fp32."},
    )
    nf4_compute: Precision = field(
        default="auto",
        metadata={"help": "Numbers that nf4 weights are unpacked to and multiplied in; auto: as precision."},
    )
    learning_rate: float = field(default=2e-4, metadata={"help": "Learning rate at its height."})
    schedule: Schedule = field(default="cosine", metadata={"help": "How the learning rate falls."})
    warmup: float = field(
        default=0.03, metadata={"help": "Share of all steps in which the learning rate rises."}
    )
    epochs: float = field(
        default=3.0,
        metadata={"help": "How often every example is seen; the next two end it sooner."},
    )
    steps_max: int = field(default=0, metadata={"help": "Greatest number of steps; 0: as the epochs say."})
    minutes_max: float = field(
        default=0.0,
        metadata={"help": "Minutes of steps after which it ends with what it has learnt; 0: no end."},
    )
    examples_per_step: int = field(
        default=16, metadata={"help": "Examples whose gradients are summed into one step."}
    )
    row_tokens: int = field(
        default=1024,
        metadata={"help": "Tokens that are computed at once; examples are packed into rows of it."},
    )
    optimiser: Optimiser = field(
        default="adamw", metadata={"help": "adamw, paged_adamw_32bit or paged_adamw_8bit (bitsandbytes)."}
    )
    clip: float = field(default=1.0, metadata={"help": "Greatest norm of a step's gradient."})
    checkpointing: bool = field(
        default=False, metadata={"help": "Compute activations twice to save memory: a third slower."}
    )
    preference: Preference = field(
        default="none",
        metadata={"help": "What is learnt from a reply that was not kept: none, dpo or orpo."},
    )
    preference_weight: float = field(
        default=1.0, metadata={"help": "Weight of the preference beside the loss of the kept reply."}
    )
    beta: float = field(default=0.1, metadata={"help": "dpo, orpo: how sharply two replies are told apart."})
    anchor: float = field(
        default=0.0,
        metadata={
            "help": "What of a kept reply stands as the model had written it is not learnt but held to what "
            "the model said when it wrote it, with this weight; 0: it is learnt like all else."
        },
    )
    patience: int = field(
        default=0,
        metadata={"help": "Evaluations without a better validation loss before it stops; 0: never."},
    )
    keep: Keep = field(
        default="best",
        metadata={
            "help": "Weights that are kept: best, by the validation loss, or last, where its examples are to "
            "say afterwards how good they are."
        },
    )
    eval_steps: int = field(
        default=0, metadata={"help": "Steps between evaluations and checkpoints; 0: once an epoch."}
    )
    val_rows: int = field(
        default=0, metadata={"help": "Validation examples that an evaluation takes, from the first; 0: all."}
    )
    seed: int = field(
        default=0, metadata={"help": "Decides the order of the examples and LoRA's first numbers."}
    )


def list_fields() -> tuple[tuple[str, str, str], ...]:
    """Each field's name, default and help, as a table shows them."""

    def say(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(value) if isinstance(value, tuple) else str(value)

    return tuple((each.name, say(each.default), each.metadata["help"]) for each in fields(Recipe))


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
            number = kind(value)
            if not math.isfinite(number):
                raise ValueError
            return number
        if choices and choices[0] is not str:
            if value not in choices:
                raise ValueError
            return value
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else tuple(value)
    except (TypeError, ValueError):
        allowed = f"one of {', '.join(map(str, choices))}" if choices else f"of type {kind.__name__}"
        raise BadSetting(f"{name} cannot be {value!r}", hint=f"it is {allowed}") from None


def _check(recipe: Recipe) -> None:
    least = {"rank": 1, "alpha": 1, "examples_per_step": 1, "row_tokens": 16}
    least |= dict.fromkeys(("steps_max", "patience", "eval_steps", "val_rows"), 0)
    for name, smallest in least.items():
        if getattr(recipe, name) < smallest:
            raise BadSetting(f"{name} cannot be below {smallest}", hint="give a larger number")
    if not (0 <= recipe.dropout < 1 and 0 <= recipe.warmup < 1):
        raise BadSetting("dropout and warmup are shares of one", hint="give numbers from 0 to below 1")
    if not 0 < recipe.layers <= 1:
        raise BadSetting("layers is a share of the blocks", hint="give a number above 0, up to 1")
    if recipe.patience and recipe.keep == "last":
        raise BadSetting("patience stops where the best weights are", hint="set patience=0 or keep=best")
    for name in ("anchor", "minutes_max"):
        if getattr(recipe, name) < 0:
            raise BadSetting(f"{name} cannot be below 0", hint="give a larger number")
    above_zero = ("learning_rate", "epochs", "clip", "preference_weight", "beta")
    if any(getattr(recipe, name) <= 0 for name in above_zero):
        raise BadSetting(f"{', '.join(above_zero)} are above zero", hint="give larger numbers")
