"""Opening the language model that the settings name."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phyassist.lm.opening import OpenModel
    from phyassist.settings import Settings


def open_language_model(settings: Settings) -> AbstractContextManager[OpenModel]:
    """The model of the settings, closed again at the end of the block.

    Raises ModelMissing, ModelDamaged, UnknownName, EngineDown, ServerRefused.
    """
    from phyassist.lm.opening import open_model

    return open_model(
        model=settings.model,
        models_dir=settings.models_dir,
        url=settings.model_url,
        key=settings.model_key.get_secret_value(),
        context_tokens=settings.context_tokens,
        threads=settings.threads,
    )
