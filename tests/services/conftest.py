"""The computer that trains for the services' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from phyassist.services.workers import load_worker
from phyassist.store.workers import WorkerKeys


@pytest.fixture
def worker(tmp_path: Path) -> WorkerKeys:
    return load_worker(tmp_path / "machine")
