"""An adapter on the base model that it was made for, and on no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput, ModelDamaged, ModelMissing
from phyassist.training.base import find_device, load_base
from phyassist.training.bases import check_fits, find_base_mark, identify_base, load_adapter_config
from phyassist.training.recipe import Recipe

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"\Abase_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight\Z")


def load_adapted(base: str, adapter: Path | None) -> Any:
    """The base model ready to answer, the adapter merged into it.

    Raises ModelMissing, BadInput where the adapter was made for another base.
    """
    from peft import PeftModel

    if adapter is not None:
        check_adapter_files(adapter)
    device = find_device()
    # Part of an adapter is rounded away where it is merged into bf16 weights; a GPU has no room for others.
    recipe = Recipe(precision="fp32") if device == "cpu" else Recipe()
    model: Any = load_base(base, recipe, device)
    if adapter is not None:
        check_matches(adapter, model)
        # Two bases of one family have the same places and sizes: what is written beside it tells them apart.
        mark = find_base_mark(adapter)
        if mark is not None:
            check_fits(mark, identify_base(base))
        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    model.config.use_cache = True
    return model.eval()


def check_adapter_files(adapter: Path) -> None:
    """Raises ModelMissing where the folder holds no adapter in peft's form, ModelDamaged."""
    if not (adapter / CONFIG).is_file() or not (adapter / WEIGHTS).is_file():
        raise ModelMissing(f"{adapter} holds no adapter", hint="name a run's folder `adapter`")
    _read_shapes(adapter / WEIGHTS)


def check_weights(path: Path) -> None:
    """Raises ModelDamaged where a file of weights was cut short, or holds what is no number."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            is_sound = all(file.get_tensor(name).float().isfinite().all() for name in file.keys())  # noqa: SIM118
    except (SafetensorError, ValueError, OSError):
        is_sound = False
    if not is_sound:
        raise _say_damaged(path)


def _say_damaged(path: Path) -> ModelDamaged:
    return ModelDamaged(
        f"the weights in {path.parent.name}/{path.name} are damaged", hint="copy them again, or train anew"
    )


def check_matches(adapter: Path, model: Any) -> None:
    """Raises BadInput where a matrix of the adapter has no place in the model, or another size.

    peft itself passes over names that a model lacks, and the base would then answer under the adapter's name.
    """
    said = load_adapter_config(adapter)
    places = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    # Stacked experts are one parameter, and its LoRA is named after the module that holds it.
    stacked = said.get("target_parameters") or ()
    holders = tuple(name.rpartition(".")[0] for name in stacked)
    unfit = [name for name in stacked if not any(place.endswith(name) for place in places)]
    for name, shape in _read_shapes(adapter / WEIGHTS).items():
        found = _NAME.match(name)
        if found is None or (holders and found["module"].removesuffix(".base_layer").endswith(holders)):
            continue
        place = places.get(f"{found['module']}.weight")
        # A weight is (outputs, inputs), A (rank, inputs), B (outputs, rank).
        at = 1 if found["side"] == "A" else 0
        if place is None or place[at] != shape[at]:
            unfit.append(found["module"])
    if unfit:
        made_for = said.get("base_model_name_or_path") or "another base"
        raise BadInput(
            f"the adapter {adapter.name} does not fit this base model: {unfit[0]}",
            hint=f"it was trained on {Path(made_for).name}",
        )


def _read_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, ValueError, OSError):
        raise _say_damaged(path) from None
