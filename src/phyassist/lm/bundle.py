"""A published adapter's folder: which files may lie in it, their checksums, and that all of them are right.

`SHA256SUMS` has the form of `sha256sum`, so anybody can check a folder without PhyAssist.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from phyassist.errors import BadInput, ModelDamaged
from phyassist.lm.folders import make_writable, say_damaged, say_full
from phyassist.lm.hashing import count_sha256

SUMS, MANIFEST, CARD = "SHA256SUMS", "phyassist.json", "README.md"
# Files that run code when they are opened: none of them is ever fetched.
PICKLES = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?P<name>.+)")
_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*")


def write_sums(folder: Path) -> None:
    """The checksums of all that lies in a folder."""
    lines = [f"{count_sha256(folder / name)}  {name}\n" for name in list_files(folder) if name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def list_files(folder: Path) -> list[str]:
    """What lies in a folder and below it, by names as the hub writes them."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def read_sums(path: Path) -> Mapping[str, str]:
    """SHA-256 by file name.  Raises BadInput where a line is none, or names what may not be there."""
    sums: dict[str, str] = {}
    with say_damaged(path, "pull it again"):
        lines = path.read_text("utf-8").splitlines()
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or not _NAME.fullmatch(match["name"]):
            raise BadInput(f"{SUMS} holds a line that names no plain file", hint="do not use this adapter")
        sums[match["name"]] = match["sha256"]
    refuse_pickles(sums)
    if MANIFEST not in sums:
        raise BadInput(f"{SUMS} does not name {MANIFEST}", hint="only what phyassist publish made is pulled")
    return sums


def refuse_pickles(names: Mapping[str, str] | list[str]) -> None:
    """Raises BadInput where a name is that of a pickle."""
    found = sorted(name for name in names if PurePosixPath(name).suffix.lower() in PICKLES)
    if found:
        raise BadInput(
            f"{', '.join(found)} can run code when it is opened, so nothing was fetched",
            hint="ask its makers for safetensors",
        )


def verify_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Raises ModelDamaged where a file is missing or is not the one that the checksums speak of."""
    for name, sha256 in sums.items():
        path = folder / name
        if not path.is_file():
            raise ModelDamaged(f"{name} is missing in {folder}", hint="pull it again")
        if count_sha256(path) != sha256:
            path.unlink()
            raise ModelDamaged(
                f"{name} has another SHA-256 than stated and was removed", hint="pull it again"
            )


@contextmanager
def fill_folder(folder: Path, *, keep_part: bool = False) -> Iterator[Path]:
    """A folder beside `folder` to fill, which takes its name when all went well.

    With `keep_part` it stays where it broke off, to go on from.
    Raises BadInput where something is at `folder` already or it cannot be made, StoreFull.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not empty", hint="name a new folder")
    part = folder.with_name(folder.name + ".part")
    if not keep_part:
        shutil.rmtree(part, ignore_errors=True)
    make_writable(part, named=folder)
    try:
        with say_full(folder):
            yield part
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
    except BaseException:
        if not keep_part:
            shutil.rmtree(part, ignore_errors=True)
        with suppress(OSError):
            part.rmdir()  # where nothing came there is nothing to go on from
        raise
