"""Files that live in memory alone: an adapter is opened, and no disk ever sees it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from phyassist.errors import AdapterMissing

# A folder that Linux keeps in memory; other programs of the same user can open what lies in it.
SHARED = Path("/dev/shm")  # noqa: S108  it is memory, and the folder made in it is for its owner alone
_PREFIX = "phyassist-adapter-"
# One that was made a moment ago may not be held yet.
_YOUNG_S = 60.0


def has_memory_files() -> bool:
    """Whether an adapter can be opened here, or handed to a model server: on Linux alone."""
    return hasattr(os, "memfd_create") and SHARED.is_dir()


class MemoryFile:
    """Bytes under a path that a child process opens.  `close` lets go of them.

    Raises AdapterMissing on a system that has no such files.
    """

    def __init__(self, data: bytes) -> None:
        make = getattr(os, "memfd_create", None)
        if make is None:
            raise AdapterMissing(
                "adapters cannot be opened on this system, which has no files in memory alone",
                hint="answer with the base model, or run PhyAssist on Linux",
            )
        self.size_bytes = len(data)
        self.descriptor: int = make("adapter", getattr(os, "MFD_CLOEXEC", 0))
        with os.fdopen(os.dup(self.descriptor), "wb") as file:
            file.write(data)

    @property
    def path(self) -> str:
        """The same in this process and in a child that is given the descriptor."""
        return f"/proc/self/fd/{self.descriptor}"

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.descriptor)


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory for files that another program opens by name; gone at the end of the block.

    Raises AdapterMissing on a system that has none.
    """
    if not SHARED.is_dir():
        raise AdapterMissing(
            "adapters cannot be handed to a model server on this system, which has no folder in memory",
            hint="answer with the base model, or run PhyAssist on Linux",
        )
    import fcntl

    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=SHARED) as folder:
        # Held for as long as this process lives: what nobody holds was left by one that was killed.
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(held)


def sweep_memory() -> None:
    """Remove the folders in memory that killed processes of this user left."""
    if not SHARED.is_dir():
        return
    import fcntl

    for folder in SHARED.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime < _YOUNG_S:
                continue
            found = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(found)
