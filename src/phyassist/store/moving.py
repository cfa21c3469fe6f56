"""All rows of one store put into another, empty one, and compared there: all of them, or none.

The source is read in one transaction that keeps every writer out, the target is written in one transaction
that is committed after its rows were read back.  Killed at any moment, the source is as it was and the target
is empty or complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import URL, Connection, func, insert, select

from phyassist.domain.clock import Clock
from phyassist.errors import BadSetting, StoreUnusable
from phyassist.store.audit import Act, Audit, Kind
from phyassist.store.backup_file import TableShape, TableSum, unpack_row
from phyassist.store.checking import Checked, check_rows
from phyassist.store.closing import check_open, close_to_writers, mark_moved, unmark_moved
from phyassist.store.entrance import PRACTICE_ID
from phyassist.store.faults import told_plainly
from phyassist.store.opening import SCHEMA, find_schema, make_engine, parse_url, upgrade
from phyassist.store.people import SignedIn
from phyassist.store.restoring import clear_empty, open_target
from phyassist.store.snapshot import count_at_once, light_table, list_shapes, read_rows, sum_rows

# A table's name, how many of its rows are in the target, how many there are.
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved, by table: how many rows, and the sum of their digests, the same in both stores."""

    sums: Mapping[str, TableSum]

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.sums.values())


def move_rows(
    source_url: str,
    target_url: str,
    *,
    clock: Clock,
    on_progress: OnProgress,
    leave_open: bool = False,
    origin: str = "",
) -> Moved:
    """Every row of the source in the target; the source takes no writes afterwards unless it is left open.

    Logins are not moved: everyone signs in again.  Raises BadSetting, AlreadySetUp where the target holds a
    practice, StoreClosed where the source was moved before, StoreUnusable where somebody is writing all the
    time or a row is not kept as it was, StoreFull.
    """
    source_at, target_at = parse_url(source_url), parse_url(target_url)
    if source_at == target_at:
        raise BadSetting("a store cannot be moved to itself", hint="name another store to move to")
    with _begun(_existing(source_at)) as source:
        close_to_writers(source)
        check_open(source)
        _check_schema(source)
        with _begun(target_at, is_target=True) as target:
            clear_empty(target, SCHEMA)
            upgrade(target)
            moved = Moved(
                {each.table: _move_table(source, target, each, on_progress) for each in list_shapes()}
            )
            Audit(target, clock, origin=origin).write(Act.MOVED, Kind.PRACTICE, PRACTICE_ID)
        if not leave_open:
            Audit(source, clock, origin=origin).write(Act.MOVED, Kind.PRACTICE, PRACTICE_ID)
            mark_moved(source, clock())
    return moved


def reopen(url: str, *, clock: Clock, origin: str = "") -> bool:
    """Let a store be written again after its rows were moved; False where it was open all the time."""
    with _begun(_existing(parse_url(url))) as conn:
        _check_schema(conn)
        if not unmark_moved(conn):
            return False
        Audit(conn, clock, origin=origin).write(Act.REOPENED, Kind.PRACTICE, PRACTICE_ID)
        return True


def check_store(url: str, by: SignedIn | None = None) -> Checked:
    """The store at `url` looked through at one moment, while others go on.  Raises StoreUnusable."""
    with _begun(_existing(parse_url(url)), writes=False) as conn:
        return check_rows(conn, by)


def _existing(url: URL) -> URL:
    # To look at a store must not make one.
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise StoreUnusable("there is no store at this address", hint="look at the path again")
    return url


@contextmanager
def _begun(url: URL, *, is_target: bool = False, writes: bool = True) -> Iterator[Connection]:
    """A transaction in which everything happens."""
    engine = open_target(url) if is_target else make_engine(url, url.get_backend_name() == "sqlite")
    try:
        with told_plainly(), engine.execution_options(phyassist_writes=writes).begin() as conn:
            yield conn
    finally:
        engine.dispose()


def _check_schema(conn: Connection) -> None:
    if find_schema(conn) != SCHEMA:
        raise StoreUnusable(
            "the store is not of the present schema", hint="run phyassist store migrate first"
        )


def _move_table(
    source: Connection, target: Connection, shape: TableShape, on_progress: OnProgress
) -> TableSum:
    into, names = light_table(shape), [name for name, _ in shape.columns]
    total = source.execute(select(func.count()).select_from(into)).scalar_one()
    found = TableSum()
    packed = read_rows(source, shape)
    while rows := tuple(islice(packed, count_at_once(shape))):
        values = [dict(zip(names, unpack_row(row), strict=True)) for row in rows]
        target.execute(insert(into), values)
        for row in rows:
            found = found.add(row)
        on_progress(shape.table, found.rows, total)
    # What was put in is read back: the same rows, hash by hash.
    if found.rows != total or sum_rows(target, shape) != found:
        raise StoreUnusable("the new store did not keep a row as it was", hint="move to another one")
    return found
