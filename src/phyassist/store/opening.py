"""Opening a store: the one place that knows which database it is."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from phyassist.domain.clock import Clock, NewId, new_id, utc_now
from phyassist.domain.erasures import Backup, BackupId
from phyassist.errors import BadSetting, StoreError, StoreUnusable
from phyassist.store.clearing import clean_tables
from phyassist.store.copying import Migration, copy_file
from phyassist.store.erasures import Backups
from phyassist.store.faults import plain_fault, told_plainly
from phyassist.store.transactions import Store
from phyassist.vault.keyring import DEFAULT_COST, Argon2Cost

SCHEMA = "0010"
ENGINES = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
# Without these a page would wait for minutes on a server that lost its power.
NOTICE_LOSS = {
    "connect_timeout": "3",
    "keepalives_idle": "2",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "6000",
    # As long as SQLite waits for a lock; a page should not wait longer.
    "options": "-c lock_timeout=10s",
}
# Any number that no other program's is likely to be.
MIGRATION_LOCK = 8420_0001
_BUSY_MS = 10_000
_CLEAN_WAIT_MS = 1_000
_log = logging.getLogger(__name__)


def open_store(
    url: str,
    *,
    clock: Clock = utc_now,
    new_id: NewId = new_id,
    passphrase_cost: Argon2Cost = DEFAULT_COST,
) -> Store:
    """The store at `url` (sqlite:////path/to/file, postgresql://...), brought to the present schema.

    A SQLite file is made where there is none, for its owner's eyes alone.
    Raises BadSetting for a URL that cannot be read, StoreUnusable where what is there cannot be used.
    """
    engine, on_sqlite = _open_engine(url)
    try:
        with told_plainly():
            _migrate(engine, clock, new_id)
    except StoreError:
        engine.dispose()
        raise
    store = Store(
        engine,
        clock=clock,
        new_id=new_id,
        passphrase_cost=passphrase_cost,
        clean_journal=lambda: _clean_journal(engine) if on_sqlite else clean_tables(engine),
    )
    # An erasure that was interrupted before the database's own files were cleared is finished here.
    if on_sqlite:
        _clean_journal(engine)
    with store.entrance() as entrance:
        waits = entrance.erasures.is_any_waiting()
    if waits:
        store.finish_erasures()
    return store


def migrate_store(url: str, *, clock: Clock = utc_now, new_id: NewId = new_id) -> Migration:
    """Bring a store to the present schema and say from which one; whole or not at all.

    A SQLite file is copied before it is changed.  Raises what `open_store` does, StoreFull.
    """
    engine, _ = _open_engine(url)
    try:
        with told_plainly():
            return _migrate(engine, clock, new_id)
    finally:
        engine.dispose()


def _open_engine(url: str) -> tuple[Engine, bool]:
    parsed = parse_url(url)
    on_sqlite = parsed.get_backend_name() == "sqlite"
    if on_sqlite:
        make_file(parsed)
    return make_engine(parsed, on_sqlite), on_sqlite


def parse_url(url: str) -> URL:
    """Raises BadSetting for an address that cannot be read."""
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername not in ENGINES:
            raise ArgumentError
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise BadSetting(
            "the store's address cannot be read",
            hint="write it like sqlite:////home/you/practice.db or postgresql://name@host/practice",
        ) from None
    if not parsed.database:
        raise BadSetting(
            "the store's address names no file or database",
            hint="write it like sqlite:////home/you/practice.db or postgresql://name@host/practice",
        )
    if parsed.get_backend_name() == "postgresql" and find_spec("psycopg") is None:
        raise BadSetting(
            "a store on PostgreSQL needs a driver that is not installed",
            hint="pip install 'phyassist[postgres]'",
        )
    return parsed


def make_file(url: URL) -> None:
    """Raises StoreUnusable where the SQLite file cannot be made."""
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its journal the mode of the file, so the mode is set before the first byte.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnusable(
            "the store's file cannot be opened for writing",
            hint="check that its folder exists and belongs to you",
        ) from error


def make_engine(url: URL, on_sqlite: bool) -> Engine:
    # Parameters and the names of rows never reach a message or a log.
    if on_sqlite:
        engine = create_engine(url, pool_size=8, max_overflow=56, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    engine = create_engine(
        _with_patience(url),
        pool_size=8,
        max_overflow=24,
        hide_parameters=True,
        # A connection that a restart or a failover cut is replaced before it is used.
        pool_pre_ping=True,
    )
    event.listen(engine, "begin", _begin_elsewhere)
    return engine


def _with_patience(url: URL) -> URL:
    """The address with what notices a lost server in seconds, where it does not say otherwise itself."""
    wanted = {**NOTICE_LOSS, "target_session_attrs": "read-write"}
    return url.update_query_dict({name: said for name, said in wanted.items() if name not in url.query})


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of transactions leaves out reads and schema changes; `_begin` starts ours.
    connection.isolation_level = None
    try:
        for setting in (
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            # FAST would leave what stood in pages that fell empty: wrapped keys among it, as measured.
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error as error:
        raise plain_fault(error) from error


def _begin(conn: Connection) -> None:
    # A write takes its lock at once: to read first and then fail to write would waste a person's change.
    writes = conn.get_execution_options().get("phyassist_writes", True)
    conn.exec_driver_sql(f"PRAGMA query_only={0 if writes else 1}")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_elsewhere(conn: Connection) -> None:
    # A read sees one moment; a write relies on the version that it names, and on the row that it locks.
    if not conn.get_execution_options().get("phyassist_writes", True):
        conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _migrate(engine: Engine, clock: Clock, new_id: NewId) -> Migration:
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            # SQLite's write lock is taken already; here two processes could make the same table.
            conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        found = find_schema(conn)
        if found == SCHEMA:
            return Migration(found, found)
        is_on_sqlite = conn.dialect.name == "sqlite"
        copy = copy_file(engine.url, SCHEMA) if found and is_on_sqlite else None
        upgrade(conn)
        if copy is not None:
            # An erasure's receipt counts this copy, since it still opens whom it holds.
            Backups(conn).add(Backup(BackupId(new_id()), clock(), expires_at=None))
        return Migration(found, SCHEMA, copy)


def find_schema(conn: Connection) -> str:
    """The schema of a store, empty for an empty database.  Raises StoreUnusable for another program's."""
    tables = set(inspect(conn).get_table_names())
    if "alembic_version" in tables:
        return conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
    if tables:
        raise StoreUnusable(
            "the store's file belongs to another program", hint="name another file in store_url"
        )
    return ""


def upgrade(conn: Connection, to: str = "head") -> None:
    """Bring a store's tables to a schema, the present one unless it is named.  Raises StoreUnusable."""
    # Alembic takes a while to load, and a store that is up to date does not need it.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = conn
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise StoreUnusable("a newer PhyAssist wrote this store", hint="update PhyAssist") from error


def _clean_journal(engine: Engine) -> bool:
    """Whether the journal is empty: what was deleted is then gone from the store's own files.

    A reader keeps the journal in use for a moment; SQLite waits for it, but a person should not for long.
    """
    try:
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_CLEAN_WAIT_MS}")
            in_use = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    except (sqlite3.Error, StoreError):
        in_use = 1
    if in_use:
        _log.warning("the store's journal is in use and could not be cleared yet")
    return not in_use
