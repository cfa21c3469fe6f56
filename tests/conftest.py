"""Every test has a home folder of its own and no settings from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home folder, which PHYASSIST_HOME names."""
    for name in list(os.environ):
        if name.startswith("PHYASSIST_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("PHYASSIST_HOME", str(folder))
    return folder
