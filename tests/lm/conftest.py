"""The small real model, and engines on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phyassist.lm.catalogue import get_catalogue_model
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.fetch import fetch_model
from tests.lm.handmade import make_adapter

TEST_MODELS = Path.home() / ".cache" / "phyassist-tests" / "models"


@pytest.fixture(scope="session")
def small_model_path() -> Path:
    """The catalogue's smallest model, fetched once for all test runs and verified."""
    return fetch_model(get_catalogue_model("smollm2-135m-instruct"), TEST_MODELS)


@pytest.fixture(scope="session")
def engine(small_model_path: Path) -> Iterator[Engine]:
    """The small model without adapters, shared: a test that breaks an engine makes its own."""
    with Engine(small_model_path, name="smollm2-135m-instruct", options=EngineOptions(2048)) as engine:
        yield engine


@pytest.fixture(scope="session")
def engine_with_adapters(
    small_model_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The small model with adapters `calm` and `wild`."""
    folder = tmp_path_factory.mktemp("adapters")
    adapters = {
        "calm": make_adapter(folder / "calm.gguf", small_model_path, seed=1),
        "wild": make_adapter(folder / "wild.gguf", small_model_path, seed=2),
    }
    with Engine(small_model_path, adapters=adapters, options=EngineOptions(2048)) as engine:
        yield engine
