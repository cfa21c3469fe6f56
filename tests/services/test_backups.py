"""Backups through the services: the same records come back, hash by hash, from one moment, or none at all."""

from __future__ import annotations

import gzip
import json
import random
import resource
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from phyassist.domain.people import PatientId
from phyassist.errors import AlreadySetUp, BackupUnusable, BadInput, NotSetUp, StoreFull
from phyassist.services.backups import (
    BackupFile,
    back_up,
    back_up_to,
    parse_keep,
    restore_backup,
    verify_backup,
)
from phyassist.services.patients import load_patient, new_patient
from phyassist.services.practice import sign_in
from phyassist.store.backup_file import BackupReader, BackupWriter, Head, Rows, TableSum
from phyassist.store.opening import open_store
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.snapshot import list_shapes
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE, Clock
from tests.postgresql import Server
from tests.services.random_practice import fill_at_random
from tests.store.making import make_consultation, make_note
from tests.vault.test_old_vaults import check_contents

OLD_BACKUP = Path(__file__).parent.parent / "vectors" / "backup-1"


def sums_of(store: Store) -> dict[str, TableSum]:
    """Rows and digest by table."""
    sums = {}
    with store.snapshot() as snapshot:
        for shape in list_shapes():
            total = TableSum()
            for row in snapshot.rows(shape):
                total = total.add(row)
            sums[shape.table] = total
    return sums


def but_audit(sums: dict[str, TableSum]) -> dict[str, TableSum]:
    # A restore writes itself into the audit, which is as it should be.
    return {name: each for name, each in sums.items() if not name.startswith("audit")}


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_practice_has_the_same_rows_hash_by_hash(
    store: Store, anna: SignedIn, tmp_path: Path, seed: int
) -> None:
    fill_at_random(store, anna, random.Random(seed))
    made = back_up(store, tmp_path / "one.phyassist")
    url = f"sqlite:///{tmp_path}/restored/practice.db"

    restore_backup(made.path, url)

    with open_store(url, passphrase_cost=FAST_COST) as restored:
        before, after = sums_of(store), sums_of(restored)
        assert before["notes"].rows > 0
        assert but_audit(before) == but_audit(after)
        assert after["audit"].rows == before["audit"].rows + 1
        by = sign_in(restored, passphrase=PASSPHRASE)
        with store.read(anna) as one, restored.read(by) as other:
            assert one.patients.list() == other.patients.list()
            ids = sorted(one.notes.marks())
            assert one.notes.list_of(ids) == other.notes.list_of(ids)
            assert other.audit.verify().first_broken is None


def test_a_practice_moves_between_the_engines_by_a_backup(
    store: Store, anna: SignedIn, postgresql: Server, tmp_path: Path
) -> None:
    fill_at_random(store, anna, random.Random(7))
    made, name = back_up(store, tmp_path / "one.phyassist"), postgresql.make_database()
    url = postgresql.url(name)
    try:
        restore_backup(made.path, url)

        with open_store(url, passphrase_cost=FAST_COST) as other:
            back = back_up(other, tmp_path / "back.phyassist")
            moved = sums_of(other)
    finally:
        postgresql.drop_database(name)
    restore_backup(back.path, f"sqlite:///{tmp_path}/back.db")
    with open_store(f"sqlite:///{tmp_path}/back.db", passphrase_cost=FAST_COST) as again:
        home = sums_of(again)
    for name in ("patients", "key_wraps", "consultations", "drafts", "draft_versions", "notes", "amendments"):
        assert home[name] == moved[name] == sums_of(store)[name]
    assert home["notes"].rows > 0


def test_an_older_backup_restores_into_an_empty_database_of_the_present_schema(
    postgresql: Server, tmp_path: Path
) -> None:
    path, name = tmp_path / "old.phyassist", postgresql.make_database()
    path.write_bytes(gzip.decompress((OLD_BACKUP / "practice.phyassist.gz").read_bytes()))
    opens = json.loads((OLD_BACKUP / "opens.json").read_text(encoding="utf-8"))
    try:
        open_store(postgresql.url(name)).close()

        restore_backup(path, postgresql.url(name))

        with open_store(postgresql.url(name), passphrase_cost=FAST_COST) as store:
            check_contents(store, sign_in(store, passphrase=opens["passphrase"]), opens["words"])
    finally:
        postgresql.drop_database(name)


def test_a_backup_is_of_one_moment_while_others_write(store: Store, anna: SignedIn, tmp_path: Path) -> None:
    patient, stop, written = new_patient(store, anna, name="Sun Mei"), threading.Event(), []

    def write() -> None:
        # Without any pause SQLite's lock is free for microseconds only, and whoever waits may never have it.
        while not stop.wait(0.005):
            with store.write(anna) as tx:
                tx.notes.add(make_note(patient.id, number=len(written) + 1))
                tx.patients.update(tx.patients.get(patient.id))
            written.append(len(written) + 1)

    writer = threading.Thread(target=write)
    writer.start()
    made: list[BackupFile] = []
    try:
        while len(made) < 4 or len(written) < 5:
            made.append(back_up(store, tmp_path / f"{len(made)}.phyassist"))
    finally:
        stop.set()
        writer.join()

    for number, backup in enumerate(made):
        url = f"sqlite:///{tmp_path}/restored-{number}.db"
        restore_backup(backup.path, url)
        with open_store(url, passphrase_cost=FAST_COST) as restored, restored.snapshot() as seen:
            notes = seen._conn.exec_driver_sql("SELECT count(*) FROM notes").scalar_one()
            version = seen._conn.exec_driver_sql("SELECT version FROM patients").scalar_one()
            assert version == notes + 1


def test_a_restored_practice_has_no_logins(store: Store, practice: SetUp, tmp_path: Path) -> None:
    from phyassist.services.practice import open_login

    open_login(store, practice.signed_in)
    made = back_up(store, tmp_path / "one.phyassist")

    restore_backup(made.path, f"sqlite:///{tmp_path}/restored.db")

    with sqlite3.connect(tmp_path / "restored.db") as database:
        assert database.execute("SELECT count(*) FROM logins").fetchone() == (0,)


def test_a_store_that_holds_a_practice_is_left_as_it_is(
    store: Store, store_path: Path, anna: SignedIn, tmp_path: Path
) -> None:
    made, before = back_up(store, tmp_path / "one.phyassist"), None
    before = sums_of(store)

    with pytest.raises(AlreadySetUp, match="already holds a practice"):
        restore_backup(made.path, f"sqlite:///{store_path}")

    assert sums_of(store) == before


def test_a_damaged_backup_leaves_the_store_empty(store: Store, anna: SignedIn, tmp_path: Path) -> None:
    fill_at_random(store, anna, random.Random(1))
    whole = back_up(store, tmp_path / "one.phyassist").path.read_bytes()
    bad, url = tmp_path / "bad.phyassist", f"sqlite:///{tmp_path}/restored.db"

    for broken in (whole[:-1], whole[: len(whole) // 2], whole[:-200] + b"\0" + whole[-199:], whole + b"\0"):
        bad.write_bytes(broken)
        with pytest.raises(BackupUnusable, match=r"cut off|damaged"):
            verify_backup(bad)
        with pytest.raises(BackupUnusable, match=r"cut off|damaged"):
            restore_backup(bad, url)

    restore_backup(tmp_path / "one.phyassist", url)
    with open_store(url, passphrase_cost=FAST_COST) as restored:
        assert but_audit(sums_of(restored)) == but_audit(sums_of(store))


def test_a_backup_of_an_earlier_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path, url = tmp_path / "old.phyassist", f"sqlite:///{tmp_path}/restored.db"
    path.write_bytes(gzip.decompress((OLD_BACKUP / "practice.phyassist.gz").read_bytes()))
    opens = json.loads((OLD_BACKUP / "opens.json").read_text(encoding="utf-8"))

    restored = restore_backup(path, url)

    assert restored.schema == "0001"
    with open_store(url, passphrase_cost=FAST_COST) as store:
        check_contents(store, sign_in(store, passphrase=opens["passphrase"]), opens["words"])


def test_a_backup_of_a_newer_schema_is_refused_with_the_next_step(
    store: Store, anna: SignedIn, tmp_path: Path
) -> None:
    made = back_up(store, tmp_path / "one.phyassist")
    newer = rewrite(made.path, tmp_path / "newer.phyassist", schema="9999")

    for act in (verify_backup, lambda path: restore_backup(path, f"sqlite:///{tmp_path}/r.db")):
        with pytest.raises(BackupUnusable, match="update PhyAssist"):
            act(newer)


def test_a_seal_opens_with_the_practices_key_and_shows_a_forgery(
    store: Store, anna: SignedIn, tmp_path: Path
) -> None:
    made = back_up(store, tmp_path / "one.phyassist", by=anna)
    # Someone without the key can make the checksums fit, but not the seal.
    forged = rewrite(made.path, tmp_path / "forged.phyassist", written_by="someone else")

    proven = verify_backup(made.path, store=store, by=anna)

    assert (made.sealed, made.proven, proven.proven) == (True, False, True)
    assert verify_backup(forged).sealed
    with pytest.raises(BackupUnusable, match="seal does not open"):
        verify_backup(forged, store=store, by=anna)


def test_old_backups_go_and_the_newest_good_one_stays(
    store: Store, anna: SignedIn, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    first = back_up_to(store, folder, keep=timedelta(days=30)).backup.path
    clock.move(days=20)
    second = back_up_to(store, folder, keep=timedelta(days=30)).backup.path
    strange = folder / "practice-of-somebody-else.phyassist"
    strange.write_bytes(b"not ours")
    clock.move(days=15)

    third = back_up_to(store, folder, keep=timedelta(days=90))

    assert third.removed == (first,)
    with store.entrance() as entrance:
        known = {each.id: each.expires_at for each in entrance.backups.list()}
    assert known == {each.id: each.expires_at for each in map(verify_backup, (second, third.backup.path))}
    assert sorted(folder.iterdir()) == sorted([second, third.backup.path, strange])


def test_when_no_backup_can_be_made_none_is_removed(
    store: Store, anna: SignedIn, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    patient = new_patient(store, anna, name="Sun Mei")
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="a long day " * 200_000))
    good = back_up_to(store, folder, keep=timedelta(days=1)).backup.path
    clock.move(days=9)
    # The database has room for its own few rows: its journal begins anew.
    assert store._clean_journal()

    with file_size_limit(good.stat().st_size // 2), pytest.raises(StoreFull, match="no backup was made"):
        back_up_to(store, folder, keep=timedelta(days=1))

    assert list(folder.iterdir()) == [good]
    with store.entrance() as entrance:
        assert [each.id for each in entrance.backups.list()] == [verify_backup(good).id]
    assert verify_backup(good).rows > 0


def test_nothing_is_written_over(store: Store, anna: SignedIn, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague")

    with pytest.raises(BadInput, match="is there already"):
        back_up(store, path)

    assert path.read_text() == "Dear colleague"


def test_an_empty_store_and_a_closed_folder_are_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotSetUp):
        back_up(store, tmp_path / "one.phyassist")
    with pytest.raises(BackupUnusable, match="cannot be read"):
        verify_backup(tmp_path / "one.phyassist")


def test_a_backup_cannot_go_where_nothing_can_be_written(
    store: Store, anna: SignedIn, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BackupUnusable, match="cannot be written"):
        back_up_to(store, tmp_path / "file" / "folder", keep=timedelta(days=1))


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("12w", 84), (" 1d ", 1)])
def test_a_time_to_keep_is_days_or_weeks(text: str, days: int) -> None:
    assert parse_keep(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "0d", "30", "d", "-1d", "1y", "999999d"])
def test_another_time_to_keep_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="30d or 12w"):
        parse_keep(text)


def test_the_file_holds_no_word_that_was_said(store: Store, anna: SignedIn, tmp_path: Path) -> None:
    patient = new_patient(store, anna, name="Canary Name")
    with store.write(anna) as tx:
        tx.notes.add(make_note(patient.id, text="canary words"))

    made = back_up(store, tmp_path / "one.phyassist")

    data = made.path.read_bytes()
    assert b"anary" not in data
    assert "孙".encode() not in data
    assert load_patient(store, anna, PatientId(patient.id)).notes


def rewrite(path: Path, to: Path, **changed: str) -> Path:
    """The same backup with a changed head and checksums that fit it."""
    from dataclasses import replace

    with path.open("rb") as source, to.open("wb") as out:
        reader = BackupReader(source)
        head: Head = replace(reader.head, **changed)
        writer = BackupWriter(out, head)
        for block in reader.blocks():
            if isinstance(block, Rows):
                for row in block.packed:
                    writer.add(block.table, row)
            else:
                writer.finish(block.seal)
    return to


class file_size_limit:  # noqa: N801  reads as what it does
    """No file of this process may grow past a size, as on a disk that is nearly full."""

    def __init__(self, size_bytes: int) -> None:
        self._size = size_bytes

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
