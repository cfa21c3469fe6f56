"""LoRA on any causal model: which modules take it, and that every one that was asked for did."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from phyassist.errors import BadSetting
from phyassist.training.base import load_config, make_empty

if TYPE_CHECKING:
    from peft import PeftModel

    from phyassist.training.recipe import Recipe

# A mixture's experts are one stacked parameter in transformers 5, not a module each.
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")
_OTHER = "train another kind of base model"
_NOT_BLOCKS = ("lm_head", "embed")
# Kernels of these read the bare weight of out_proj past any LoRA, so peft refuses it.
_MAMBAS = ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h")
_REFUSED = ("out_proj", "conv1d")


def find_targets(model: Any) -> tuple[str, ...]:
    """The last names of all linear layers inside the blocks, sorted: q_proj, k_proj …"""
    names = set()
    output = model.get_output_embeddings()
    refused = _REFUSED if model.config.model_type in _MAMBAS else ()
    for name, module in model.named_modules():
        if is_linear(module) and module is not output and not any(part in name for part in _NOT_BLOCKS):
            names.add(name.rpartition(".")[2])
    return tuple(sorted(names - set(refused)))


def is_linear(module: Any) -> bool:
    import torch

    # GPT-2 and its kin call a linear layer Conv1D and lay its weight the other way round; peft takes it so.
    return isinstance(module, torch.nn.Linear) or type(module).__name__.startswith(("Linear", "Conv1D"))


def find_expert_parameters(model: Any) -> tuple[str, ...]:
    """Stacked experts that the model has, by the names that peft takes them under."""
    names = [name for name, _ in model.named_parameters()]
    return tuple(each for each in EXPERTS if any(name.endswith(each) for name in names))


def attach(model: Any, recipe: Recipe) -> PeftModel:
    """The model with LoRA on the recipe's targets, its own weights frozen.

    Raises BadSetting where an asked name is no module of the model, which peft passes over in silence, and
    for a kind of model that peft cannot put LoRA on.
    """
    from peft import LoraConfig, get_peft_model

    if not isinstance(getattr(model.config, "num_hidden_layers", None), int):
        raise BadSetting(f"of a {model.config.model_type} model the blocks cannot be told apart", hint=_OTHER)
    targets = recipe.targets or find_targets(model)
    check_targets(model, targets)
    experts = () if recipe.targets else find_expert_parameters(model)
    # peft drops nothing out before a bare parameter, such as a router or stacked experts, and refuses to try.
    is_bare = bool(experts) or any(
        _is_router(module, name, targets) for name, module in model.named_modules()
    )
    frozen = count_frozen(model.config.num_hidden_layers, recipe)
    upper = list(range(frozen, model.config.num_hidden_layers))
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0 if is_bare else recipe.dropout,
        target_modules=list(targets),
        target_parameters=[f"layers.{no}.{name}" for no in upper for name in experts] or None,
        layers_to_transform=upper if frozen else None,
        bias="none",
    )
    if not (targets or experts):
        raise BadSetting(f"a {model.config.model_type} model has no linear layers for LoRA", hint=_OTHER)
    try:
        adapted = get_peft_model(model, config)
    except (ValueError, NotImplementedError, TypeError) as error:
        raise BadSetting(
            f"peft cannot put LoRA on {', '.join(targets)} of a {model.config.model_type} model",
            hint="name some of these with targets, set layers=1, or train another kind of base model",
        ) from error
    multiply_as_base(adapted)
    return adapted


def multiply_as_base(model: PeftModel) -> None:
    """Have LoRA multiply in the precision of the states that come to it, and add its product in place.

    Its weights stay in their own precision.  peft makes a copy of all states in that precision, and three
    more as wide as the layer's output to scale the product and to add it: a quarter of a step's time where
    the base is in bf16 (docs/training.md).
    """
    import torch
    from peft.tuners.lora import LoraLayer
    from peft.tuners.lora.layer import ParamWrapper

    for layer in model.modules():
        is_linear_lora = isinstance(layer, LoraLayer) and not isinstance(layer, ParamWrapper)
        if is_linear_lora and isinstance(layer.get_base_layer(), torch.nn.Linear):
            kind: Any = type(layer)
            layer.__class__ = _find_plain_lora(kind)


@lru_cache
def _find_plain_lora(kind: Any) -> Any:
    """This kind of peft's LoRA beside a linear layer, each of its products one pass over the output."""
    from torch.nn import functional

    if kind.__name__ == "PlainLora":
        return kind

    class PlainLora(kind):  # type: ignore[misc]
        def forward(self, states: Any, *args: Any, **given: Any) -> Any:
            is_plain = not (self.lora_variant or any(self.lora_bias.values()) or given)
            if self.disable_adapters or self.merged or not is_plain:
                return super().forward(states, *args, **given)
            # Rows of one matrix: what is added in place to a view of it is copied on the way back.
            rows = states.flatten(0, -2)
            said = self.base_layer(rows, *args)
            for name in self.active_adapters:
                if name in self.lora_A:
                    down, up = (
                        self.lora_A[name].weight.to(said.dtype),
                        self.lora_B[name].weight.to(said.dtype),
                    )
                    seen = functional.linear(self.lora_dropout[name](rows), down) * self.scaling[name]
                    said.addmm_(seen, up.t())
            return said.unflatten(0, states.shape[:-1])

    return PlainLora


def attach_empty(base: str, recipe: Recipe) -> tuple[PeftModel, int]:
    """The same without a number in it, and how many weights the base has: no weight is loaded.

    Raises ModelMissing, BadInput, and BadSetting as `attach` does.
    """
    import torch

    with torch.device("meta"):
        model = make_empty(load_config(base), base)
        every = sum(weight.numel() for weight in model.parameters())
        return attach(model, recipe), every


def count_frozen(blocks: int, recipe: Recipe) -> int:
    """How many blocks, from the bottom, take no LoRA: at least the uppermost does."""
    return blocks - max(1, round(blocks * recipe.layers))


def _is_router(module: Any, name: str, targets: Sequence[str]) -> bool:
    import torch

    return (
        name.rpartition(".")[2] in targets
        and not is_linear(module)
        and isinstance(getattr(module, "weight", None), torch.nn.Parameter)
    )


def check_targets(model: Any, targets: Sequence[str]) -> None:
    """Raises BadSetting for a name that no module bears."""
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    missing = [target for target in targets if target not in names]
    if missing:
        raise BadSetting(
            f"this model has no module {', '.join(missing)}",
            hint=f"it has {', '.join(find_targets(model))}; leave targets empty for all of them",
        )
