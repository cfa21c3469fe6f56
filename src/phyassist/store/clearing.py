"""On PostgreSQL, clearing deleted keys out of the tables' files.

A deleted row stays in its page, and a vacuumed page still holds its bytes until another row takes their
place.  VACUUM FULL writes the table anew without them and gives the old file back.  It locks the table for
a moment; the tables that hold wrapped keys are small.  What remains is the write-ahead log of this server and
of its standbys, which the server recycles by itself (docs/erasure.md).
"""

from __future__ import annotations

import logging

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from phyassist.store.tables import metadata

_log = logging.getLogger(__name__)
_LOCK_WAIT_S = 2


# The key of a run that was broken off was wrapped to workers and sealed in its adapter's row: the text that
# it took along opens with it.
_KEY_TABLES = frozenset({"key_wraps", "process_keys", "chat_keys", "job_keys", "adapters"})


def list_key_tables() -> tuple[str, ...]:
    """The tables in which wrapped keys stand."""
    return tuple(name for name in metadata.tables if name in _KEY_TABLES)


def clean_tables(engine: Engine) -> bool:
    """Whether the tables of wrapped keys were written anew; somebody who reads them long holds it up."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            present = set(inspect(conn).get_table_names())
            conn.execute(text(f"SET lock_timeout = '{_LOCK_WAIT_S}s'"))
            try:
                for table in list_key_tables():
                    if table in present:
                        conn.exec_driver_sql(f"VACUUM FULL {table}")
            finally:
                conn.execute(text("RESET lock_timeout"))
    except (DBAPIError, OperationalError):
        _log.warning("deleted keys could not be cleared out of the tables yet; it is tried again")
        return False
    return True
