"""Adapters that lie in memory, and a model that speaks as another one for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phyassist.errors import BadInput
from phyassist.training.lora import multiply_as_base

if TYPE_CHECKING:
    from peft import LoraConfig

_OTHER = "other"


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """An adapter as its files' bytes: peft's config and weights, and GGUF where the engine can take it."""

    config: bytes = field(repr=False)
    weights: bytes = field(repr=False)
    gguf: bytes | None = field(repr=False)


@contextmanager
def speaking_as(model: Any, files: AdapterFiles) -> Iterator[None]:
    """The model with another adapter of its base in the place of its own, which it has again afterwards.

    Raises BadInput where it is of another base.
    """
    own = model.active_adapter
    model.add_adapter(_OTHER, make_config(files, json.loads(files.config).get("layers_to_transform")))
    try:
        multiply_as_base(model)
        fill(model, files, _OTHER)
        model.set_adapter(_OTHER)
        yield
    finally:
        model.set_adapter(own)
        model.delete_adapter(_OTHER)


def make_config(files: AdapterFiles, layers: Sequence[int] | None = None) -> LoraConfig:
    """An adapter of these files' shape, in these blocks (None: in all)."""
    from peft import LoraConfig

    said = json.loads(files.config)
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=said["r"],
        lora_alpha=said["lora_alpha"],
        target_modules=said["target_modules"],
        target_parameters=said.get("target_parameters"),
        layers_to_transform=None if layers is None else list(layers),
    )


def fill(model: Any, files: AdapterFiles, name: str) -> None:
    """Put these weights into a model's adapter.  Raises BadInput where they are not of this model."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load

    other = BadInput("an adapter was trained on another base model", hint="train it anew")
    try:
        loaded = set_peft_model_state_dict(model, load(files.weights), adapter_name=name)
    except (RuntimeError, KeyError) as error:
        raise other from error
    # Weights that have no place here are passed over by peft in silence.
    if loaded.unexpected_keys:
        raise other
