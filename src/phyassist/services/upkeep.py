"""Looking after a store: bringing it up to date, looking it through, moving it to another database."""

from __future__ import annotations

from phyassist.domain.clock import Clock, utc_now
from phyassist.store.checking import Checked
from phyassist.store.copying import Migration
from phyassist.store.moving import Moved, OnProgress, check_store, move_rows, reopen
from phyassist.store.opening import migrate_store
from phyassist.store.people import SignedIn

__all__ = ["Checked", "Migration", "Moved", "check", "migrate", "move", "reopen_store"]


def migrate(url: str) -> Migration:
    """The store at `url` at the present schema; a SQLite file is copied before, nothing is half done.

    Raises BadSetting, StoreUnusable, StoreFull.
    """
    return migrate_store(url)


def check(url: str, by: SignedIn | None = None) -> Checked:
    """What is wrong with a store, without changing it; with `by`, every value that they may open is opened.

    Raises BadSetting, StoreUnusable.
    """
    return check_store(url, by)


def move(
    source: str,
    target: str,
    *,
    on_progress: OnProgress,
    leave_open: bool = False,
    clock: Clock = utc_now,
    origin: str = "",
) -> Moved:
    """A practice at another address, every row compared; the old store is closed to writing unless left open.

    Raises BadSetting, AlreadySetUp where there is a practice already, StoreClosed, StoreUnusable, StoreFull.
    """
    return move_rows(
        source, target, clock=clock, on_progress=on_progress, leave_open=leave_open, origin=origin
    )


def reopen_store(url: str, *, clock: Clock = utc_now, origin: str = "") -> bool:
    """Let a store that was moved be written again; False where it was open.  Raises StoreUnusable."""
    return reopen(url, clock=clock, origin=origin)
