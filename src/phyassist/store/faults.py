"""What a database says, as the store's own errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from phyassist.errors import ChangedMeanwhile, StoreAway, StoreError, StoreFull, StoreUnusable

_FULL = ("database or disk is full", "no space left on device", "disk quota exceeded")
_NOT_OURS = ("file is not a database", "file is encrypted", "malformed", "no such table", "no such column")
_CLOSED = ("unable to open database file", "readonly database")
_REFUSED = ("authentication failed", "does not exist", "no password supplied", "no pg_hba.conf entry")


_DISK_FULL = "53100"
# PostgreSQL's five signs begin with a class of two.
_DATABASE_FAULTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("28", "3D000", "42501"),
        "the database does not let PhyAssist in",
        "look at the name, password and database in store_url",
    ),
    (("42P01", "42703"), "the database is damaged or is not a PhyAssist store", "name another one"),
    (("53", "57014"), "the database has too much to do", "try again in a moment"),
)
# Of these it is known that trying again helps: a server that died, one that became a standby, a lock.
_PASSING_FAULTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("25006",), "the database takes no changes just now", "try again in a moment"),
    (("40", "55P03"), "another process was quicker, and nothing of this was saved", "try again"),
    (
        ("08", "57P"),
        "the database does not answer; what was saved before is intact",
        "wait a moment and try again",
    ),
)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn a database's error into a StoreError with a next step; the transaction has been rolled back.

    After a lost connection nobody knows whether a commit was kept: a StoreUnusable does not say that it was
    not.
    """
    try:
        yield
    except IntegrityError as error:
        _forget_values(error)
        raise ChangedMeanwhile(
            "another tab or process wrote first", hint="load it again; what you typed is still on your page"
        ) from error
    except DBAPIError as error:
        fault = plain_fault(error.orig or error)
        _forget_values(error)
        raise fault from error
    except PoolTimeout as error:
        raise StoreUnusable("too many pages ask the store at once", hint="try again in a moment") from error


def _forget_values(error: DBAPIError) -> None:
    """PostgreSQL's messages quote the row that they are about; the kind of error is enough."""
    error.args = (f"({type(error.orig).__name__})",)
    if error.orig is not None:
        error.orig.args = (getattr(error.orig, "sqlstate", None) or "",)


def plain_fault(error: BaseException) -> StoreError:
    """The store's error for one of the database driver's."""
    state = getattr(error, "sqlstate", None)
    said = str(error).lower()
    if any(words in said for words in _FULL) or state == _DISK_FULL:
        return StoreFull(
            "the disk is full, so this was not saved; all that was saved before is intact",
            hint="free some space and save again",
        )
    if not isinstance(error, sqlite3.Error):
        return _database_fault(error, state)
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
        return StoreAway("another process holds the store", hint="wait a moment and try again")
    if "disk i/o" in said:
        return StoreUnusable(
            "the disk could not be read or written; what was saved before is intact",
            hint="look whether it is full or was unplugged, then try again",
        )
    return _gave_up(error)


def _database_fault(error: BaseException, state: str | None) -> StoreUnusable:
    """A server's error by its SQLSTATE; one without came from the way to the server."""
    # A refused sign-in reaches the driver before there is a connection that could carry a state.
    if state is None and any(words in str(error).lower() for words in _REFUSED):
        state = "28000"
    for states, what, hint in _DATABASE_FAULTS:
        if (state or "08000").startswith(states):
            return StoreUnusable(what, hint=hint)
    for states, what, hint in _PASSING_FAULTS:
        if (state or "08000").startswith(states):
            return StoreAway(what, hint=hint)
    return _gave_up(error)


def _gave_up(error: BaseException) -> StoreUnusable:
    return StoreUnusable(
        f"the database gave up ({type(error).__name__})", hint="try again; then look at the database's log"
    )


def changed_meanwhile(kind: str, row_id: str) -> ChangedMeanwhile:
    """For a write that follows a version which is no longer the newest."""
    return ChangedMeanwhile(
        f"{kind} {row_id} was changed meanwhile",
        hint="load it again; what you typed is still on your page",
    )
