"""Where tests find model files: in PHYASSIST_MODELS_DIR, else where `make run` fetches them to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phyassist.settings import default_home

# Read when tests are collected: a test itself sees none of the variables from outside.
MODELS_DIR = Path(os.environ.get("PHYASSIST_MODELS_DIR") or default_home() / "models")


def find_model(name: str) -> Path:
    """The file of a catalogue model; skips the test, with what to do, where it is not there."""
    path = MODELS_DIR / f"{name}.gguf"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {MODELS_DIR}; make models fetches it")
    return path
