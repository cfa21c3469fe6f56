"""Checkpoints: whole or not there.  A run that was killed goes on from the newest whole one."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Protocol

from phyassist.errors import StoreFull

KEPT = 2
DONE = "done.json"


class Checkpoints(Protocol):
    """Where a run leaves what it goes on from.  `state` is weights and numbers alone, no word of an example;
    weights that learnt from patients are patients' data all the same.
    """

    def save(self, step: int, state: bytes) -> None:
        """Keep the state after a step.  Raises StoreFull; those before stay."""

    def find_newest(self) -> bytes | None:
        """The state that was kept last."""


class FolderCheckpoints:
    """The last two in a folder, in the clear: for what was learnt from public data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: int, state: bytes) -> None:
        """The done-marker is written last.  Raises StoreFull; the checkpoints before stay."""
        target = self.folder / f"step-{step:06d}"
        part = self.folder / f".{target.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            (part / "state.pt").write_bytes(state)
            said = {"step": step, "sha256": hashlib.sha256(state).hexdigest()}
            (part / DONE).write_text(json.dumps(said) + "\n", encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise StoreFull(
                f"the checkpoint of step {step} could not be written; the one before it is whole",
                hint="make room on the disk, then go on with --resume",
            ) from error
        for old in list_checkpoints(self.folder)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def find_newest(self) -> bytes | None:
        found = list_checkpoints(self.folder)
        return (found[-1] / "state.pt").read_bytes() if found else None


def list_checkpoints(folder: Path) -> list[Path]:
    """Whole checkpoints, the newest last; one that was damaged on the disk is none."""
    return sorted(path for path in folder.glob("step-*") if _is_whole(path))


def _is_whole(checkpoint: Path) -> bool:
    try:
        said = json.loads((checkpoint / DONE).read_text("utf-8"))
        found = hashlib.sha256((checkpoint / "state.pt").read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False
    # Older ones say nothing of their state.
    return bool(said.get("sha256", found) == found)
