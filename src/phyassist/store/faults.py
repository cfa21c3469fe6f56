"""What a database says, as the store's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from phyassist.errors import ChangedMeanwhile, StoreError, StoreFull, StoreUnusable

# Class 53 of PostgreSQL is "insufficient resources"; 53100 is the disk.
_FULL = ("database or disk is full", "no space left on device", "disk quota exceeded")
_NOT_OURS = ("file is not a database", "file is encrypted", "malformed", "no such table", "no such column")
_CLOSED = ("unable to open database file", "readonly database")


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn a database's error into a StoreError with a next step; the transaction has been rolled back."""
    try:
        yield
    except IntegrityError as error:
        raise ChangedMeanwhile(
            "another tab or process wrote first", hint="load it again; what you typed is still on your page"
        ) from error
    except DBAPIError as error:
        raise plain_fault(error.orig or error) from error
    except PoolTimeout as error:
        raise StoreUnusable("too many pages ask the store at once", hint="try again in a moment") from error


def plain_fault(error: BaseException) -> StoreError:
    """The store's error for one of the database driver's."""
    said = str(error).lower()
    if any(words in said for words in _FULL) or getattr(error, "sqlstate", "") == "53100":
        return StoreFull(
            "the disk is full, so this was not saved; all that was saved before is intact",
            hint="free some space and save again",
        )
    if any(words in said for words in _NOT_OURS):
        return StoreUnusable(
            "the store's file is damaged or is not a PhyAssist store",
            hint="name another file, or restore a backup",
        )
    if any(words in said for words in _CLOSED):
        return StoreUnusable(
            "the store's file cannot be opened for writing",
            hint="check that its folder exists and belongs to you",
        )
    if "locked" in said or "busy" in said:
        return StoreUnusable("another process holds the store", hint="wait a moment and try again")
    if "disk i/o" in said:
        return StoreUnusable(
            "the disk could not be read or written; what was saved before is intact",
            hint="look whether it is full or was unplugged, then try again",
        )
    return StoreUnusable(
        f"the database gave up ({type(error).__name__})", hint="try again; then look at the database's log"
    )


def changed_meanwhile(kind: str, row_id: str) -> ChangedMeanwhile:
    """For a write that follows a version which is no longer the newest."""
    return ChangedMeanwhile(
        f"{kind} {row_id} was changed meanwhile",
        hint="load it again; what you typed is still on your page",
    )
