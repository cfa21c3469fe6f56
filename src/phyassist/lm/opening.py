"""Opens the model that the settings name: one of the catalogue, a file, or a server elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from phyassist.errors import UnknownName
from phyassist.lm.catalogue import CatalogueModel, get_catalogue_model, get_model_file
from phyassist.lm.choose import choose_present_model, count_threads, look_at_machine
from phyassist.lm.client import open_outside
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.ggufs import read_head
from phyassist.lm.hashing import load_sha256
from phyassist.lm.outside import Outside, is_own_server
from phyassist.lm.protocol import LanguageModel


@dataclass(frozen=True)
class OpenModel:
    """A model that answers, and why it is this one; a context manager that closes it."""

    model: LanguageModel
    reason: str
    close: Callable[[], None]

    def __enter__(self) -> OpenModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server elsewhere (an empty `url`: none), its key, and whether text may go there.

    `own` are host names of the practice's own servers; to any other, text goes as `lm.outside` says and only
    where `allow_outside` agrees at that moment.  `base` is the model file whose weights an own server has;
    without it nobody knows which adapters fit.
    """

    url: str = ""
    key: str = field(default="", repr=False)
    own: Sequence[str] = ()
    base: str = ""
    allow_outside: Callable[[], bool] = field(default=lambda: False, repr=False)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file on this computer."""

    name: str
    path: Path
    sha256: str
    reason: str


def open_model(
    *,
    model: str,
    models_dir: Path,
    server: ServerAddress,
    context_tokens: int,
    threads: int,
    adapters: Mapping[str, Path] | None = None,
) -> OpenModel:
    """The model at the server if one is named, else an engine on the file that `model` or the rule chooses.

    The engine loads while the caller goes on; the first question waits for it.
    Raises UnknownName, ModelMissing, ModelDamaged, AdapterMissing; for a server EngineDown, ServerRefused.
    """
    if server.url:
        is_own = is_own_server(server.url, server.own)
        client = open_outside(
            server.url,
            server.key,
            model,
            context_tokens=context_tokens,
            base_sha256=find_sha256(server.base, models_dir) if server.base and is_own else "",
        )
        served: LanguageModel = client
        if not is_own:
            served = Outside(client, urlsplit(server.url).netloc, server.allow_outside)
        return OpenModel(served, "named in the settings", client.close)
    engine, reason = open_engine(
        model=model,
        models_dir=models_dir,
        context_tokens=context_tokens,
        threads=threads,
        adapters=adapters,
    )
    return OpenModel(engine.model, reason, engine.close)


def open_engine(
    *,
    model: str,
    models_dir: Path,
    context_tokens: int,
    threads: int,
    adapters: Mapping[str, Path] | None = None,
) -> tuple[Engine, str]:
    """An engine on the file that `model` names or the rule chooses, and why on this one.

    Raises UnknownName, ModelMissing, ModelDamaged, AdapterMissing.
    """
    file = find_file(model, models_dir)
    engine = Engine(
        file.path,
        name=file.name,
        sha256=file.sha256,
        adapters=adapters,
        options=EngineOptions(context_tokens=context_tokens, threads=threads or count_threads()),
    )
    return engine, file.reason


def find_file(model: str, models_dir: Path) -> ModelFile:
    """The file that `model` (a name, a path, or nothing: the rule decides) stands for.

    Raises UnknownName, ModelMissing, ModelDamaged.
    """
    if model.endswith(".gguf") or (model and Path(model).is_file()):
        path = Path(model).expanduser()
        read_head(path)
        return ModelFile(path.stem, path, load_sha256(path), "named in the settings")
    if model:
        known, reason = _get_named(model), "named in the settings"
    else:
        choice = choose_present_model(look_at_machine(), models_dir)
        known, reason = choice.model, choice.reason
    path = get_model_file(known, models_dir)
    return ModelFile(known.name, path, known.sha256 or load_sha256(path), reason)


def find_sha256(model: str, models_dir: Path) -> str:
    """The hash of the file that `model` (a name of the catalogue, or a path) stands for.

    One of the catalogue need not lie on this computer.  Raises UnknownName, ModelMissing, ModelDamaged.
    """
    if model.endswith(".gguf"):
        return find_file(model, models_dir).sha256
    return _get_named(model).sha256 or find_file(model, models_dir).sha256


def _get_named(model: str) -> CatalogueModel:
    try:
        return get_catalogue_model(model)
    except UnknownName as error:
        raise UnknownName(error.what, hint=f"{error.hint}; a file's name must end in .gguf") from None
