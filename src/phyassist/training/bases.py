"""Which base model an adapter fits: its name and the SHA-256 of its weights, written beside the adapter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phyassist.errors import AdapterMissing, BadInput, ModelMissing
from phyassist.lm.catalogue import HubSource, load_catalogue
from phyassist.lm.hashing import count_sha256
from phyassist.training.base import DONE, WEIGHTS, fetch_weights

MARK = "base.json"
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
HEADS = "heads"  # where train-heads leaves the LoRA that its heads read through


@dataclass(frozen=True, slots=True)
class BaseMark:
    """A base model by name and by the SHA-256 of its weights.

    Of a base that was made from a GGUF file it is that file's hash, by which the engine knows it too.
    """

    name: str
    sha256: str


def identify_base(base: str) -> BaseMark:
    """The mark of a model of the catalogue, of a folder, or of a model of the hub that has been fetched.

    Raises ModelMissing.
    """
    for model in load_catalogue():
        if model.name == base and model.sha256:
            return BaseMark(model.name, model.sha256)
    folder = _find_folder(base)
    made = folder / DONE
    if made.is_file():
        return _mark_of_gguf(json.loads(made.read_text("utf-8")))
    weights = next(filter(None, (sorted(folder.glob(each)) for each in WEIGHTS)), [])
    if not weights:
        raise ModelMissing(f"{base} holds no weights", hint="name the folder that the base was saved in")
    name = base if folder != Path(base) else folder.name
    return BaseMark(name, join_hashes((path.name, count_sha256(path)) for path in weights))


def fetch_base(base: str) -> BaseMark:
    """The mark of a base that is about to be loaded; what the hub has of it is fetched first.

    Raises ModelMissing.
    """
    if _is_of_hub(base):
        fetch_weights(base)
    return identify_base(base)


def join_hashes(files: Iterable[tuple[str, str]]) -> str:
    """The one file's own hash; of several the hash of their lines, as sha256sum prints them."""
    lines = [f"{sha256}  {name}\n" for name, sha256 in files]
    return lines[0][:64] if len(lines) == 1 else hashlib.sha256("".join(lines).encode()).hexdigest()


def save_base_mark(adapter: Path, mark: BaseMark) -> None:
    (adapter / MARK).write_text(json.dumps(asdict(mark), indent=2) + "\n", encoding="utf-8")


def load_base_mark(adapter: Path) -> BaseMark:
    """What an adapter says of its base; an older one is asked for the base itself.

    Raises AdapterMissing, BadInput, ModelMissing.
    """
    said = load_adapter_config(adapter)
    return find_base_mark(adapter) or identify_base(str(said.get("base_model_name_or_path")))


def find_base_mark(*places: Path) -> BaseMark | None:
    """The mark in the first of these folders that holds one.  Raises BadInput where it cannot be read."""
    for path in (place / MARK for place in places):
        if not path.is_file():
            continue
        try:
            return BaseMark(**json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError):
            raise BadInput(
                f"{path} does not say which base it is", hint="train or pull the adapter anew"
            ) from None
    return None


def find_adapter(folder: Path) -> Path:
    """The adapter in a run's folder, or the folder itself.  Raises AdapterMissing."""
    return _find_place(folder, folder / "adapter", folder)


def find_trained(folder: Path) -> Path:
    """The same, or the LoRA that heads read through.  Raises AdapterMissing."""
    return _find_place(folder, folder / "adapter", folder / HEADS, folder)


def _find_place(folder: Path, *places: Path) -> Path:
    for place in places:
        if (place / ADAPTER_CONFIG).is_file() and (place / ADAPTER_WEIGHTS).is_file():
            return place
    if not folder.is_dir():
        raise AdapterMissing(f"there is no folder {folder}", hint="check the name")
    if (folder / HEADS / ADAPTER_CONFIG).is_file():
        raise AdapterMissing(
            f"{folder} holds heads, which write nothing and can be neither tried nor merged",
            hint="name an adapter; heads say labels in phyassist evaluate imhi --heads",
        )
    raise AdapterMissing(f"{folder} holds no adapter", hint="name a run's folder, or one that was pulled")


def load_adapter_config(adapter: Path) -> dict[str, Any]:
    """peft's own words about an adapter.  Raises AdapterMissing, BadInput where it is no LoRA."""
    path = adapter / ADAPTER_CONFIG
    if not path.is_file():
        raise AdapterMissing(
            f"{adapter} holds no adapter", hint="name a run's folder, or one that was pulled"
        )
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise BadInput(f"{path} is not JSON", hint="train or pull the adapter anew") from None
    if not isinstance(said, dict) or said.get("peft_type") != "LORA":
        raise BadInput(f"{adapter} holds no LoRA adapter", hint="only LoRA is read here")
    return said


def check_same_base(marks: dict[str, BaseMark]) -> BaseMark:
    """The base that all of these were trained on.  Raises BadInput where they differ."""
    first_name, first = next(iter(marks.items()))
    for name, mark in marks.items():
        if mark.sha256 != first.sha256:
            raise BadInput(
                f"{first_name} was trained on {describe(first)}, {name} on {describe(mark)}",
                hint="adapters are joined only on one and the same base",
            )
    return first


def check_fits(wanted: BaseMark, here: BaseMark) -> None:
    """Raises BadInput where the base at hand is not the one that an adapter was trained on."""
    if here.sha256 != wanted.sha256:
        raise BadInput(
            f"the adapter was trained on {describe(wanted)}, the base here is {describe(here)}",
            hint="fetch that base, or train on yours",
        )


def describe(mark: BaseMark) -> str:
    return f"{mark.name} ({mark.sha256[:12]})"


def find_hub_name(mark: BaseMark) -> str:
    """The hub's name of a base: its own, or of a catalogue model the repository that its file lies in."""
    for model in load_catalogue():
        if model.name == mark.name:
            return next((source.hub for source in model.sources if isinstance(source, HubSource)), "")
    return mark.name if mark.name.count("/") == 1 else ""


def find_hub_file(name: str) -> str:
    """Of a catalogue model the file of its repository; empty for a base that is a repository of its own."""
    for model in load_catalogue():
        if model.name == name:
            return next((source.file for source in model.sources if isinstance(source, HubSource)), "")
    return ""


def _is_of_hub(base: str) -> bool:
    return base.count("/") == 1 and not Path(base).is_dir()


def _find_folder(base: str) -> Path:
    if Path(base).is_dir():
        return Path(base)
    if _is_of_hub(base):
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(base, "config.json")
        if isinstance(found, str):
            return Path(found).parent
    raise ModelMissing(
        f"the base model {base} is not on this computer", hint="name the folder it lies in with --base"
    )


def _mark_of_gguf(made: dict[str, Any]) -> BaseMark:
    """A base that was made before its file's hash was written down has the catalogue's, by name and size."""
    name = Path(made["from"]).stem
    if made.get("sha256"):
        return BaseMark(name, made["sha256"])
    for model in load_catalogue():
        if (model.name, model.file_bytes) == (name, made["bytes"]) and model.sha256:
            return BaseMark(name, model.sha256)
    raise ModelMissing(
        f"nobody wrote down which file {name} was made of", hint="remove the folder; make it anew"
    )
