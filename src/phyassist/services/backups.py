"""Backups: made while people work, checked, kept for a time, restored into an empty store."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from phyassist import __version__
from phyassist.domain.clock import Clock, utc_now
from phyassist.domain.erasures import Backup, BackupId
from phyassist.errors import BackupUnusable, BadInput, PhyAssistError, StoreFull
from phyassist.store.audit import Act, Kind
from phyassist.store.backup_file import BackupReader, BackupWriter, End, Head
from phyassist.store.backup_seal import is_seal_of, seal_backup
from phyassist.store.opening import SCHEMA
from phyassist.store.people import SignedIn
from phyassist.store.restoring import check_schema, restore_rows
from phyassist.store.snapshot import list_shapes
from phyassist.store.transactions import Store

SUFFIX = ".phyassist"
_PART = ".part"
_NAMES = f"practice-*{SUFFIX}"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_KEEP = re.compile(r"([1-9][0-9]{0,4})([dw])")


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A whole backup: `sealed` where it says so itself, `proven` where a key at hand opened that seal."""

    path: Path
    id: str
    practice: str
    schema: str
    made_at: datetime
    expires_at: datetime | None
    rows: int
    tables: int
    size_bytes: int
    sealed: bool
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A new backup in a folder, and what was removed from there because its time was over."""

    backup: BackupFile
    removed: tuple[Path, ...]


def back_up(
    store: Store, path: Path, *, by: SignedIn | None = None, keep: timedelta | None = None, origin: str = ""
) -> BackupFile:
    """A backup of one moment at `path`, read back and found whole; others go on writing meanwhile.

    With `by` its checksum is sealed under the practice's key.  Nothing that looks whole stands at `path`
    before it is.  Raises BadInput where something is there, NotSetUp, StoreFull, BackupUnusable.
    """
    if path.exists():
        raise BadInput(f"{path} is there already", hint="give the backup a name of its own")
    backup_id, made_at = BackupId(store.new_id()), store.clock().astimezone(UTC)
    expires_at = None if keep is None else made_at + keep
    # Its row comes first: an erasure that follows must count it, even one whose making was cut short.
    with store.entrance(writes=True) as entrance:
        entrance.recovery_public()
        entrance.backups.add(Backup(backup_id, made_at, expires_at))
        entrance.audit("" if by is None else by.id, origin).write(Act.BACKED_UP, Kind.BACKUP, backup_id)
    try:
        with _written(path) as out, store.snapshot() as snapshot:
            shapes = list_shapes()
            head = Head(backup_id, snapshot.practice(), SCHEMA, made_at, expires_at, __version__, shapes)
            writer = BackupWriter(out, head)
            for shape in shapes:
                for row in snapshot.rows(shape):
                    writer.add(shape.table, row)
            writer.finish(None if by is None else _seal(store, by, backup_id, writer.close_rows()))
    except PhyAssistError:
        _forget(store, [backup_id])
        raise
    return verify_backup(path)


def back_up_to(
    store: Store, folder: Path, *, keep: timedelta, by: SignedIn | None = None, origin: str = ""
) -> Kept:
    """A backup in a folder; then those of this practice whose time is over go.

    The new one is whole before any other is touched, so the newest good one always stays.
    Raises what `back_up` does.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    now = store.clock().astimezone(UTC)
    path = folder / f"practice-{now:%Y%m%dT%H%M%S}-{store.new_id()[:8]}{SUFFIX}"
    made = back_up(store, path, by=by, keep=keep, origin=origin)
    removed = _remove_expired(folder, made, keep=keep, now=now)
    _forget(store, list(removed))
    return Kept(made, tuple(removed.values()))


def verify_backup(path: Path, *, store: Store | None = None, by: SignedIn | None = None) -> BackupFile:
    """What a backup holds, every block of it checked.

    With a store and someone signed in to it, the seal of a sealed one is opened too: nobody without the
    practice's key can have made it.  Raises BackupUnusable.
    """
    with _opened(path) as source:
        reader = BackupReader(source)
        check_schema(reader.head.schema)
        end = _read_through(reader)
        size_bytes = os.fstat(source.fileno()).st_size
    proven = False
    if end.seal is not None and store is not None and by is not None:
        _check_seal(store, by, reader.head.id, end)
        proven = True
    return _describe(path, reader.head, end, size_bytes, proven)


def restore_backup(path: Path, url: str, *, clock: Clock = utc_now, origin: str = "") -> BackupFile:
    """The backup's practice in the empty store at `url`, as it was; an older one is brought up to date.

    Raises BackupUnusable, AlreadySetUp where the store holds a practice, what `open_store` does.
    """
    with _opened(path) as source:
        reader = BackupReader(source)
        end = restore_rows(url, reader, clock=clock, origin=origin)
        return _describe(path, reader.head, end, os.fstat(source.fileno()).st_size, proven=False)


def parse_keep(text: str) -> timedelta:
    """30d or 4w as a time.  Raises BadInput."""
    found = _KEEP.fullmatch(text.strip())
    if found is None:
        raise BadInput("the time to keep backups cannot be read", hint="write it like 30d or 12w")
    return timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))


def _remove_expired(
    folder: Path, newest: BackupFile, *, keep: timedelta, now: datetime
) -> dict[BackupId, Path]:
    """A file goes when its own date is over or it is older than `keep`; what cannot be read stays."""
    removed = {}
    for path in sorted(folder.glob(_NAMES)):
        head = _find_head(path)
        if head is None or head.practice != newest.practice or head.id == newest.id:
            continue
        ends_at = min(filter(None, (head.expires_at, head.made_at + keep)))
        if ends_at <= now:
            with suppress(OSError):
                path.unlink()
                removed[BackupId(head.id)] = path
    return removed


def _forget(store: Store, gone: list[BackupId]) -> None:
    """Take them off the list of backups that an erasure's receipt looks at."""
    with store.entrance(writes=True) as entrance:
        for backup_id in gone:
            entrance.backups.remove(backup_id)


def _find_head(path: Path) -> Head | None:
    try:
        with _opened(path) as source:
            return BackupReader(source).head
    except BackupUnusable:
        return None


def _read_through(reader: BackupReader) -> End:
    for block in reader.blocks():
        if isinstance(block, End):
            return block
    raise BackupUnusable("the backup has no end", hint="use another backup")


def _describe(path: Path, head: Head, end: End, size_bytes: int, proven: bool) -> BackupFile:
    return BackupFile(
        path=path,
        id=head.id,
        practice=head.practice,
        schema=head.schema,
        made_at=head.made_at,
        expires_at=head.expires_at,
        rows=sum(each.rows for each in end.sums.values()),
        tables=len(end.sums),
        size_bytes=size_bytes,
        sealed=end.seal is not None,
        proven=proven,
    )


def _seal(store: Store, by: SignedIn, backup_id: str, digest: bytes) -> bytes:
    with store.entrance() as entrance:
        return seal_backup(entrance, by, backup_id, digest)


def _check_seal(store: Store, by: SignedIn, backup_id: str, end: End) -> None:
    with store.entrance() as entrance:
        if not is_seal_of(entrance, by, backup_id, seal=end.seal or b"", digest=end.digest):
            raise BackupUnusable(
                "the backup's seal does not open with this practice's key: it was changed, or is another's",
                hint="do not restore it; use another backup",
            )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as source:
            yield source
    except OSError as error:
        raise BackupUnusable(
            f"{path} cannot be read ({error.strerror})", hint="name a file that phyassist backup wrote"
        ) from error


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name only when all of it is on the disk and was read back."""
    part = path.with_name(path.name + _PART)
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            yield out
        verify_backup(part)
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from error
        raise


def _cannot_write(path: Path, error: OSError) -> StoreFull | BackupUnusable:
    if error.errno in _FULL:
        return StoreFull(
            "the disk is full, so no backup was made; the practice itself is intact",
            hint="free some space, or write it to another disk",
        )
    return BackupUnusable(
        f"the backup cannot be written to {path} ({error.strerror})",
        hint="name a folder that you may write to",
    )
