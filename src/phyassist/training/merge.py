"""Adapters joined into one, and an adapter merged into its base's weights.

What peft's ways of joining do, B A being an adapter's change of a weight matrix:
- cat: the weighted sum of the changes, exactly; the rank is the sum of the ranks.
- svd: that sum cut down to the largest rank of them.
- linear: A with A and B with B, each by the root of its weight: changes of one adapter are mixed with the
  other's factors, so it is an approximation, and ranks must be equal.
- ties (Yadav et al., 2023): small numbers dropped, then those that agree in sign summed.
- dare_linear, dare_ties (Yu et al., 2023): numbers dropped at random and the rest made larger.
`…_svd` does the same on the changes themselves instead of on A and B, for ranks that differ.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput, BadSetting, TrainingFailed
from phyassist.lm.bundle import fill_folder
from phyassist.lm.protocol import CONFIG_FILE, WEIGHTS_FILE
from phyassist.training.adapters import check_weights
from phyassist.training.base import find_device, load_base, load_tokenizer
from phyassist.training.bases import (
    BaseMark,
    check_fits,
    check_same_base,
    fetch_base,
    find_adapter,
    load_adapter_config,
    load_base_mark,
    save_base_mark,
)
from phyassist.training.gguf_lora import export_gguf, has_gguf
from phyassist.training.loop import Trained, Trainer
from phyassist.training.memory import MadeAdapter, compare_losses, encode_held, read_adapter
from phyassist.training.messages import Dialogue
from phyassist.training.others import AdapterFiles, fill, make_config
from phyassist.training.provenance import JOINED, join_sources
from phyassist.training.recipe import Recipe

PRUNING = ("ties", "dare_linear", "dare_ties")
METHODS = ("linear", "cat", "svd", *PRUNING, *(f"{each}_svd" for each in PRUNING))
_EQUAL_RANKS = ("linear", *PRUNING)
# float32 sums differ in their order alone; a merge that went wrong is off by whole units.
LOGITS_DIFFER_MAX = 5e-3
MERGED = "merged"
_PROBE = "The quick brown fox met a tired counsellor. 今天感觉怎么样？ 1 2 3"


@dataclass(frozen=True, slots=True)
class Way:
    """How adapters are joined: the method, each one's weight, and for pruning the share that is kept."""

    method: str = "cat"
    weights: tuple[float, ...] = ()
    density: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Joined:
    """Adapters that fit together, on which base, and each one's rank."""

    folders: Mapping[str, Path]
    base: BaseMark
    ranks: Mapping[str, int]


def find_joinable(folders: Sequence[Path]) -> Joined:
    """The adapters of runs or folders, under names that tell them apart.

    Raises AdapterMissing, ModelDamaged, BadInput where they are of different bases or cannot be joined.
    """
    names = _name_apart(folders)
    adapters = {name: find_adapter(folder) for name, folder in zip(names, folders, strict=True)}
    configs = {name: load_adapter_config(adapter) for name, adapter in adapters.items()}
    for name, config in configs.items():
        # One alone goes into its base's weights, which is compared with what it answered before.
        if len(configs) > 1:
            _check_plain(name, config)
        check_weights(adapters[name] / WEIGHTS_FILE)
    base = check_same_base({name: load_base_mark(adapter) for name, adapter in adapters.items()})
    return Joined(adapters, base, {name: int(config["r"]) for name, config in configs.items()})


def check_way(way: Way, ranks: Mapping[str, int]) -> tuple[float, ...]:
    """The weights, one for each adapter.  Raises BadSetting where the way does not suit these adapters."""
    if way.method not in METHODS:
        raise BadSetting(f"there is no way {way.method} of joining", hint=f"there are {', '.join(METHODS)}")
    if way.weights and len(way.weights) != len(ranks):
        raise BadSetting(
            f"{len(ranks)} adapters need as many weights, not {len(way.weights)}", hint="--weights 0.5,0.5"
        )
    if not 0 < way.density <= 1:
        raise BadSetting("density is a share above 0", hint="0.5 keeps half of the numbers")
    if way.method in _EQUAL_RANKS and len(set(ranks.values())) > 1:
        said = ", ".join(f"{name} {rank}" for name, rank in ranks.items())
        other = f"{way.method}_svd" if way.method in PRUNING else "cat or svd"
        raise BadSetting(f"{way.method} joins equal ranks alone, and these are {said}", hint=f"use {other}")
    return way.weights or (1.0,) * len(ranks)


def merge_adapters(joined: Joined, base: str, way: Way, out: Path) -> Mapping[str, Any]:
    """One adapter out of several in `out`, with what it was made of in `merge.json`, which comes out.

    Raises BadInput where `base` is not theirs or `out` holds something, BadSetting, ModelMissing, StoreFull.
    """
    weights = check_way(way, joined.ranks)
    check_fits(joined.base, fetch_base(base))
    with fill_folder(out) as part:
        model = open_all(joined, base)
        config = model.get_base_model().config
        join(model, list(joined.folders), MERGED, way)
        save_one(model, MERGED, part)
        save_base_mark(part, joined.base)
        if has_gguf(load_adapter_config(part), config):
            export_gguf(part, config, part / "adapter.gguf")
        said = {
            "of": dict(joined.ranks),
            "method": way.method,
            "weights": list(weights),
            "density": way.density if any(way.method.startswith(each) for each in PRUNING) else None,
            "rank": int(load_adapter_config(part)["r"]),
            "base": joined.base.name,
            "sources": join_sources(joined.folders.values()),
        }
        _write_json(part / JOINED, said)
    return said


def merge_into_base(adapter: Path, base: str, out: Path) -> Mapping[str, Any]:
    """The base with an adapter in its own weights, as a folder to load or convert; `merge.json` comes out.

    Both are asked the same and have to answer alike: base and adapter beside what was saved and read again.
    Raises BadInput, ModelMissing, StoreFull, TrainingFailed where the answers differ.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    place = find_adapter(adapter)
    mark = load_base_mark(place)
    check_fits(mark, fetch_base(base))
    tokenizer = load_tokenizer(base)
    with fill_folder(out) as part:
        model: Any = PeftModel.from_pretrained(
            load_base(base, Recipe(precision="fp32"), find_device()), place
        )
        before = _answer(model, tokenizer)
        merged = model.merge_and_unload()
        merged.config.use_cache = True
        merged.save_pretrained(part)
        tokenizer.save_pretrained(part)
        del model, merged
        again = AutoModelForCausalLM.from_pretrained(part, dtype="float32").to(before.device)
        differ = float((before - _answer(again, tokenizer)).abs().max())
        if differ > LOGITS_DIFFER_MAX:
            raise TrainingFailed(
                f"the merged weights answer otherwise than base and adapter (logits differ by {differ:.3g})",
                hint="keep the adapter apart",
            )
        said = {"base": mark.name, "base_sha256": mark.sha256, "logits_differ_at_most": differ}
        _write_json(part / JOINED, said)
    return said


def open_all(joined: Joined, base: str) -> Any:
    """The base with every adapter under its name, none of them trained on."""
    files = {
        name: AdapterFiles((folder / CONFIG_FILE).read_bytes(), (folder / WEIGHTS_FILE).read_bytes(), None)
        for name, folder in joined.folders.items()
    }
    return _open_files(load_base(base, Recipe(precision="fp32"), find_device()), files)


def join_files(
    base: str,
    recipe: Recipe,
    adapters: Mapping[str, AdapterFiles],
    way: Way,
    *,
    held: Mapping[str, Iterable[Dialogue]] | None = None,
    others: Mapping[str, AdapterFiles] | None = None,
) -> MadeAdapter:
    """The same in memory: one adapter out of several, and its loss on held-out examples beside others.

    Raises BadInput where they cannot be joined or are of another base, BadSetting, ModelMissing.
    """
    for name, files in adapters.items():
        _check_plain(name, json.loads(files.config))
    # What is joined may sit in any block.
    recipe = replace(recipe, layers=1.0)
    encoded = encode_held(held or {}, load_tokenizer(base), recipe)
    model = _open_files(load_base(base, recipe, find_device()), adapters)
    join(model, list(adapters), MERGED, way)
    model.set_adapter(MERGED)
    made = read_adapter(model, MERGED)
    val = [each for part in encoded.values() for each in part.examples]
    losses = compare_losses(model, Trainer(model, recipe, (), val), encoded, others or {}) if val else {}
    too_long = sum(part.too_long for part in encoded.values())
    return MadeAdapter(Trained(0, 0, None, False, False), made, 0, too_long, losses)


def _open_files(model: Any, adapters: Mapping[str, AdapterFiles]) -> Any:
    """The base with these adapters, each in the blocks of all: where one has nothing it changes nothing.

    peft gives a join the first one's blocks, and would pass over what another has elsewhere.
    """
    from peft import get_peft_model

    blocks = [json.loads(files.config).get("layers_to_transform") for files in adapters.values()]
    layers = None if None in blocks else sorted({no for each in blocks for no in each})
    for no, (name, files) in enumerate(adapters.items()):
        config = make_config(files, layers)
        if no:
            model.add_adapter(name, config)
        else:
            model = get_peft_model(model, config, adapter_name=name)
        _empty(model, name)
        fill(model, files, name)
    return model.eval()


def _empty(model: Any, name: str) -> None:
    """All numbers of an adapter 0: those that it begins with would be mixed into what another has there."""
    import torch

    with torch.no_grad():
        for key, weight in model.named_parameters():
            if "lora_" in key and f".{name}." in key:
                weight.zero_()


def _check_plain(name: str, config: Mapping[str, Any]) -> None:
    odd = [
        key for key in ("target_parameters", "use_rslora", "use_dora", "modules_to_save") if config.get(key)
    ]
    if odd:
        raise BadInput(f"{name} has {', '.join(odd)}, which peft cannot join", hint="train it without")


def join(model: Any, names: Sequence[str], new: str, way: Way) -> None:
    """Add the adapter `new` to a model, made of those named.  Raises BadSetting."""
    import torch

    ranks = {name: int(model.peft_config[name].r) for name in names}
    options: dict[str, Any] = {"combination_type": way.method, "svd_full_matrices": False}
    if any(way.method.startswith(each) for each in PRUNING):
        options["density"] = way.density
    # What dare drops is drawn: the same seed drops the same.
    torch.manual_seed(way.seed)
    model.add_weighted_adapter(list(names), list(check_way(way, ranks)), new, **options)


def save_one(model: Any, name: str, folder: Path) -> None:
    """One of a model's adapters, in peft's form."""
    model.save_pretrained(folder, selected_adapters=[name], safe_serialization=True)
    inner = folder / name
    if inner.is_dir():
        for path in inner.iterdir():
            path.replace(folder / path.name)
        shutil.rmtree(inner)


def _answer(model: Any, tokenizer: Any) -> Any:
    import torch

    ids = torch.tensor([tokenizer(_PROBE)["input_ids"]], device=next(model.parameters()).device)
    with torch.inference_mode():
        return model.eval()(input_ids=ids).logits.float().clone()


def _name_apart(folders: Sequence[Path]) -> list[str]:
    names = [(folder.parent if folder.name == "adapter" else folder).resolve().name for folder in folders]
    # peft takes no points in a name, and a way of joining is shown under its own.
    names = [f"{name}-run" if name in METHODS else name.replace(".", "-") for name in names]
    return [name if names.count(name) == 1 else f"{name}-{no}" for no, name in enumerate(names, start=1)]


def _write_json(path: Path, said: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
