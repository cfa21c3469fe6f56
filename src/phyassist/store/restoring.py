"""A backup's rows put into an empty store: all of them, compared afterwards, or none."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, func, insert, inspect, select

from phyassist.domain.clock import Clock
from phyassist.errors import AlreadySetUp, BackupUnusable, StoreUnusable
from phyassist.store.audit import Act, Audit, Kind
from phyassist.store.backup_file import BackupReader, End, Rows, TableShape, damaged, unpack_row
from phyassist.store.faults import told_plainly
from phyassist.store.opening import SCHEMA, make_engine, make_file, parse_url, upgrade
from phyassist.store.snapshot import LEFT_OUT, light_table, sum_rows
from phyassist.store.tables import metadata


def restore_rows(url: str, reader: BackupReader, *, clock: Clock, origin: str = "") -> End:
    """What the backup holds, in the store at `url`, brought to the present schema.

    It happens in one transaction: a backup that proves damaged at its end leaves the store empty.
    Raises BackupUnusable, AlreadySetUp where the store holds a practice, and what `open_store` does.
    """
    check_schema(reader.head.schema)
    parsed = parse_url(url)
    engine = open_target(parsed)
    try:
        with told_plainly(), engine.begin() as conn:
            clear_empty(conn, reader.head.schema)
            upgrade(conn, reader.head.schema)
            _check_shapes(conn, reader.head.tables)
            end = _insert_all(conn, reader)
            upgrade(conn)
            Audit(conn, clock, origin=origin).write(Act.RESTORED, Kind.BACKUP, reader.head.id)
    finally:
        engine.dispose()
    return end


def check_schema(schema: str) -> None:
    """Raises BackupUnusable for a schema that this PhyAssist does not know."""
    if not schema.isdecimal():
        raise damaged()
    if int(schema) > int(SCHEMA):
        raise BackupUnusable("a newer PhyAssist wrote this backup", hint="update PhyAssist")


def open_target(url: URL) -> Engine:
    on_sqlite = url.get_backend_name() == "sqlite"
    if on_sqlite:
        make_file(url)
    return make_engine(url, on_sqlite)


def clear_empty(conn: Connection, schema: str) -> None:
    """Leave no table behind that is not of this schema.

    Raises AlreadySetUp where one holds a row, StoreUnusable where they are not ours.
    """
    there = set(inspect(conn).get_table_names())
    if there and "alembic_version" not in there:
        raise StoreUnusable(
            "the store's file belongs to another program", hint="name another file in store_url"
        )
    for each in reversed(metadata.sorted_tables):
        if each.name not in there - LEFT_OUT:
            continue
        if conn.execute(select(func.count()).select_from(each)).scalar_one():
            raise AlreadySetUp(
                "the store already holds a practice; a backup is restored into an empty one",
                hint="name another store in store_url, or another folder with --home",
            )
    if not there or conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == schema:
        return
    for each in reversed(metadata.sorted_tables):
        each.drop(conn, checkfirst=True)
    conn.exec_driver_sql("DROP TABLE alembic_version")
    if conn.dialect.name == "postgresql":
        # What the audit's triggers call stays behind when they go with their table.
        conn.exec_driver_sql("DROP FUNCTION IF EXISTS phyassist_only_added")


def _check_shapes(conn: Connection, shapes: tuple[TableShape, ...]) -> None:
    # The names go into SQL, and a table that the backup lacks would be lost without a word.
    found = inspect(conn)
    wanted = set(found.get_table_names()) - LEFT_OUT - {"alembic_version"}
    if {shape.table for shape in shapes} != wanted:
        raise damaged()
    for shape in shapes:
        columns = {each["name"] for each in found.get_columns(shape.table)}
        if {name for name, _ in shape.columns} != columns:
            raise damaged()


def _insert_all(conn: Connection, reader: BackupReader) -> End:
    shapes = {shape.table: shape for shape in reader.head.tables}
    for block in reader.blocks():
        if isinstance(block, End):
            # What was put in is read back: the same rows, hash by hash.
            if any(sum_rows(conn, shapes[name]) != wanted for name, wanted in block.sums.items()):
                raise StoreUnusable(
                    "the database did not keep a row as it was", hint="restore into another store"
                )
            return block
        _insert(conn, shapes[block.table], block)
    raise damaged()


def _insert(conn: Connection, shape: TableShape, rows: Rows) -> None:
    names = [name for name, _ in shape.columns]
    try:
        values = [dict(zip(names, unpack_row(row), strict=True)) for row in rows.packed]
    except ValueError:
        raise damaged() from None
    conn.execute(insert(light_table(shape)), values)
