"""A store that is closed to writing: while it is moved elsewhere, and after it was.

Whoever writes asks first.  A move holds the lock that every write shares until it ends, however it ends, so
nothing is left closed by one that was killed.  On SQLite that is the write lock itself.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert

from phyassist.errors import StoreClosed
from phyassist.store.tables import marks

# Any number that no other program's is likely to be.
WRITING_LOCK = 8420_0002
MOVED = "moved"


def check_open(conn: Connection, *, after_move: bool = False) -> None:
    """Raises StoreClosed where this store is being moved, or was.  To be asked first in a transaction.

    `after_move` is for what is written down about a store that was moved: who looks at it still.
    """
    is_moved = f"EXISTS (SELECT 1 FROM marks WHERE id = '{MOVED}')"  # noqa: S608  our own constant
    is_free = "1"
    if conn.dialect.name == "postgresql":
        is_free = f"pg_try_advisory_xact_lock_shared({WRITING_LOCK})"
    free, moved = conn.exec_driver_sql(f"SELECT {is_free}, {is_moved}").one()
    if not free:
        raise StoreClosed(
            "the store is being moved to another one, and nothing can be changed meanwhile",
            hint="wait until it has ended; what you typed is still on your page",
        )
    if moved and not after_move:
        raise StoreClosed(
            "this store was moved to another one and can only be read",
            hint="name the new one in store_url, or phyassist store reopen",
        )


def close_to_writers(conn: Connection) -> None:
    """Let nobody else write until this transaction ends; waits for those who are at it."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITING_LOCK})")


def mark_moved(conn: Connection, at: datetime) -> None:
    conn.execute(delete(marks).where(marks.c.id == MOVED))
    conn.execute(insert(marks).values(id=MOVED, at=at))


def unmark_moved(conn: Connection) -> bool:
    """Whether there was a mark to take away."""
    return conn.execute(delete(marks).where(marks.c.id == MOVED)).rowcount == 1
