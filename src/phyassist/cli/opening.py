"""Opening the language model that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from phyassist.errors import ModelMissing

if TYPE_CHECKING:
    from phyassist.lm.opening import OpenModel
    from phyassist.lm.protocol import LanguageModel
    from phyassist.services.learning_runs import Base
    from phyassist.settings import Settings


def open_language_model(
    settings: Settings,
    allow_outside: Callable[[], bool] | None = None,
    adapters: Mapping[str, Path] | None = None,
) -> AbstractContextManager[OpenModel]:
    """The model of the settings, with these adapters at hand, closed again at the end of the block.

    A server elsewhere has its own adapters.  `allow_outside` is the practice's answer; without a practice,
    that of the settings counts.

    Raises AdapterMissing, ModelMissing, ModelDamaged, UnknownName, EngineDown, ServerRefused.
    """
    from phyassist.lm.opening import ServerAddress, open_model

    return open_model(
        model=settings.model,
        models_dir=settings.models_dir,
        server=ServerAddress(
            settings.model_url,
            settings.model_key.get_secret_value(),
            settings.own_servers.split(","),
            settings.model_base,
            allow_outside or (lambda: settings.outside_servers),
        ),
        context_tokens=settings.context_tokens,
        threads=settings.threads,
        adapters=adapters,
    )


def find_base(settings: Settings) -> Base:
    """The model's name and its file's hash, unopened; both empty where nobody said which one a server has.

    Raises ModelMissing, ModelDamaged, UnknownName.
    """
    from phyassist.lm.opening import find_file, find_sha256
    from phyassist.services.learning_runs import Base

    if settings.model_url:
        named = settings.model_base
        return Base(named, find_sha256(named, settings.models_dir) if named else "")
    file = find_file(settings.model, settings.models_dir)
    return Base(file.name, file.sha256)


@contextmanager
def open_second_reader(
    settings: Settings, allow_outside: Callable[[], bool] | None = None
) -> Iterator[LanguageModel | None]:
    """The model that reads after rules and classifier; None where none need be started.

    That is one that was measured to add nothing, or that nobody named and that is not on this computer.
    Raises what `open_language_model` does, for a model that was named.
    """
    from phyassist.lm.opening import find_file
    from phyassist.services.intake import is_worth_asking

    if not settings.model_url:
        try:
            file = find_file(settings.model, settings.models_dir)
        except ModelMissing:
            if settings.model:
                raise
            yield None
            return
        if not is_worth_asking(file.name):
            yield None
            return
    with open_language_model(settings, allow_outside) as opened:
        yield opened.model
