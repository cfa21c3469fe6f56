"""A copy of a store's file before its schema changes."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from phyassist.errors import StoreUnusable
from phyassist.store.faults import plain_fault

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Migration:
    """From which schema ("" for an empty database) to which, and the copy that was made before."""

    before: str
    after: str
    copy: Path | None = None


def copy_file(url: URL, schema: str) -> Path:
    """A whole copy beside the store's file, as it stood before it became `schema`; for its owner alone.

    Others may read the store meanwhile, and whoever calls this holds its write lock.
    Raises StoreFull, StoreUnusable; then there is no copy.
    """
    source = Path(str(url.database))
    target = source.with_name(f"{source.stem}.before-{schema}{source.suffix}")
    part = target.with_name(f"{target.name}.part")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(part)) as writer:
            reader.backup(writer)
            # The journal's mode is written in the file; beside the copy there shall be no second one.
            writer.execute("PRAGMA journal_mode=DELETE")
        with part.open("rb+") as whole:
            os.fsync(whole.fileno())
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.errno not in _FULL:
            raise StoreUnusable(
                "the store cannot be copied before it is brought up to date, so it was left as it is",
                hint="look whether its folder can be written to",
            ) from error
        raise plain_fault(error) from error
    return target
