"""The small real model, and engines on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phyassist.lm.engine import Engine, EngineOptions
from tests.lm.handmade import make_adapter
from tests.models import find_model


@pytest.fixture(scope="session")
def small_model_path() -> Path:
    """The catalogue's smallest model."""
    return find_model("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def engine(small_model_path: Path) -> Iterator[Engine]:
    """The small model without adapters, shared: a test that breaks an engine makes its own."""
    with Engine(small_model_path, name="smollm2-135m-instruct", options=EngineOptions(2048)) as engine:
        yield engine


@pytest.fixture(scope="session")
def adapter_paths(small_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Adapters `calm` and `wild` for the small model."""
    folder = tmp_path_factory.mktemp("adapters")
    return {
        "calm": make_adapter(folder / "calm.gguf", small_model_path, seed=1),
        "wild": make_adapter(folder / "wild.gguf", small_model_path, seed=2),
    }


@pytest.fixture(scope="session")
def engine_with_adapters(small_model_path: Path, adapter_paths: dict[str, Path]) -> Iterator[Engine]:
    """The small model with its two adapters."""
    with Engine(small_model_path, adapters=adapter_paths, options=EngineOptions(2048)) as engine:
        yield engine
