"""Folders to write into: made and tried before the work begins, and a full disk or a damaged file said so."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from phyassist.errors import BadInput, StoreFull, UnreadableFile

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# What safetensors and tokenizers raise is no OSError: they name its number in their words alone.
_NUMBER = re.compile(r"\(os error (?P<number>\d+)\)")


@contextmanager
def writes_into(folder: Path) -> Iterator[None]:
    """The folder is there and can be written in; one that was made for this and stays empty goes again.

    Raises BadInput where it cannot be made or written in, StoreFull.
    """
    is_new = make_writable(folder)
    try:
        with say_full(folder):
            yield
    finally:
        if is_new:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def say_full(path: Path, hint: str = "free some space and try again") -> Iterator[None]:
    """What is raised on a full disk, as StoreFull."""
    try:
        yield
    except BaseException as error:
        if not is_full(error):
            raise
        raise StoreFull(f"the disk was full before {path.name} was complete", hint=hint) from error


@contextmanager
def say_damaged(path: Path, hint: str) -> Iterator[None]:
    """What comes of reading a file of our own that broke off or was changed, as UnreadableFile.

    Nothing of what stands in the file goes into the error.
    """
    try:
        yield
    except FileNotFoundError:
        raise UnreadableFile(f"{path} is missing", hint=hint) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise UnreadableFile(f"{path} is broken off or damaged", hint=hint) from None


def make_writable(folder: Path, *, named: Path | None = None) -> bool:
    """Make a folder, or take the one that is there, and try it; whether it is new.

    Raises BadInput, which speaks of `named` where that is another, and StoreFull.
    """
    with say_full(named or folder):
        try:
            is_new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return is_new
        except OSError as error:
            if is_full(error):
                raise
            raise BadInput(
                f"{named or folder} cannot be made or written in ({error.strerror})",
                hint="name another folder",
            ) from error


def is_full(error: BaseException) -> bool:
    """Whether the disk was full, or what one may have of it."""
    if isinstance(error, OSError):
        return error.errno in FULL
    found = _NUMBER.search(str(error))
    return found is not None and int(found["number"]) in FULL
