"""Opening a store: what is made, what is refused, and what a full disk leaves."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from phyassist.domain.people import Patient
from phyassist.errors import BadSetting, ChangedMeanwhile, StoreFull, StoreUnusable
from phyassist.services.patients import new_patient
from phyassist.services.practice import is_set_up, set_up
from phyassist.store import opening
from phyassist.store.opening import SCHEMA, open_store
from phyassist.store.people import SignedIn
from phyassist.store.tables import metadata
from phyassist.store.transactions import Store
from phyassist.vault.keyring import DEFAULT_COST
from tests.conftest import FAST_COST, PASSPHRASE
from tests.postgresql import Server
from tests.store.making import make_consultation, make_note


def test_a_new_store_is_made_for_its_owners_eyes_alone(
    store: Store, store_path: Path, anna: SignedIn
) -> None:
    for path in store_path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store_path.parent.stat().st_mode) == 0o700


def test_the_schema_is_the_newest_migration_and_says_what_the_tables_say(
    store: Store, store_url: str
) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))

    with create_engine(store_url).connect() as conn:
        differences = compare_metadata(MigrationContext.configure(conn), metadata)

    assert differences == []
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_a_connection_keeps_what_it_writes_and_forgets_what_it_deletes(
    store: Store, store_path: Path
) -> None:
    with store.entrance() as entrance:
        ask = entrance._conn.exec_driver_sql
        said = {
            name: ask(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
        }

    assert said == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "nosuchdb:///x",
        "postgresql+nosuchdriver://h/x",
        "mysql://h/x",
        "postgres://h",
    ],
)
def test_an_address_that_cannot_be_read_is_a_bad_setting(url: str) -> None:
    with pytest.raises(BadSetting, match="store's address"):
        open_store(url)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear colleague, " * 500)

    with pytest.raises(StoreUnusable, match="damaged or is not a PhyAssist store"):
        open_store(f"sqlite:///{path}")

    assert path.read_bytes() == b"Dear colleague, " * 500


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "music.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE songs (title TEXT)")

    with pytest.raises(StoreUnusable, match="another program"):
        open_store(f"sqlite:///{path}")

    with sqlite3.connect(path) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


def test_a_newer_store_is_refused_with_the_next_step(store: Store, store_url: str) -> None:
    with create_engine(store_url).begin() as database:
        database.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    try:
        with pytest.raises(StoreUnusable, match="update PhyAssist"):
            open_store(store_url)
    finally:
        with create_engine(store_url).begin() as database:
            database.execute(text(f"UPDATE alembic_version SET version_num = '{SCHEMA}'"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnusable, match="cannot be opened for writing"):
        open_store(f"sqlite:///{tmp_path}/file/practice.db")


def test_a_damaged_page_is_said_and_not_read_as_something_else(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    store.close()
    data = bytearray(store_path.read_bytes())
    data[4096 * 2 :] = b"\xa5" * len(data[4096 * 2 :])
    store_path.write_bytes(bytes(data))

    with pytest.raises(StoreUnusable):
        open_store(f"sqlite:///{store_path}")


def test_a_full_disk_says_so_and_keeps_what_was_saved(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="saved before"))
    with store.entrance() as entrance:
        pages = entrance._conn.exec_driver_sql("PRAGMA page_count").scalar_one()

    with (
        pytest.raises(StoreFull, match="all that was saved before is intact") as raised,
        store.write(anna) as tx,
    ):
        tx.notes._desk.conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        tx.consultations.save_source(make_consultation(patient.id).id, "canary " * 20_000, after=0)

    assert "canary" not in f"{raised.value}{raised.value.__cause__}"
    with store.read(anna) as tx:
        assert tx.consultations.get(make_consultation(patient.id).id).source.text == "saved before"
    with store.write(anna) as tx:
        tx.notes._desk.conn.exec_driver_sql("PRAGMA max_page_count=1073741823")
        tx.consultations.save_source(make_consultation(patient.id).id, "room again", after=0)
    with sqlite3.connect(store_path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_two_processes_may_open_and_migrate_at_once(
    tmp_path: Path, request: pytest.FixtureRequest, where: str
) -> None:
    url, opened, failed = f"sqlite:///{tmp_path}/practice.db", [], []
    if where == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        url = server.url(server.make_database())

    def open_it() -> None:
        try:
            opened.append(open_store(url))
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert not any(is_set_up(each) for each in opened)
    for each in opened:
        each.close()


def test_many_writers_lose_nothing_and_double_nothing(
    store: Store, store_url: str, anna: SignedIn, patient: Patient
) -> None:
    other = open_store(store_url, passphrase_cost=FAST_COST)

    def write(through: Store, first: int) -> None:
        for number in range(first, first + 10):
            with through.write(anna) as tx:
                tx.notes.add(make_note(patient.id, number=number))

    threads = [
        threading.Thread(target=write, args=(through, first))
        for through, first in ((store, 0), (other, 10), (store, 20))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.read(anna) as tx:
        assert sorted(note.number for note in tx.notes.list(patient.id)) == list(range(1, 31))
    other.close()


def test_of_many_tabs_that_follow_one_version_exactly_one_is_heard(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consultation, heard, refused = make_consultation(patient.id), [], []
    with store.write(anna) as tx:
        tx.consultations.add(consultation)

    def save(number: int) -> None:
        try:
            with store.write(anna) as tx:
                tx.consultations.save_source(consultation.id, f"tab {number}", after=0)
            heard.append(number)
        except ChangedMeanwhile:
            refused.append(number)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(heard), len(refused)) == (1, 7)
    with store.read(anna) as tx:
        assert tx.consultations.get(consultation.id).source.text == f"tab {heard[0]}"


def test_what_one_store_wrote_another_reads(store: Store, store_url: str, anna: SignedIn) -> None:
    with open_store(store_url) as other:
        written = new_patient(store, anna, name="Lee")

        with other.read(anna) as tx:
            assert tx.patients.get(written.id).name == "Lee"


def test_a_read_writes_nothing(store: Store, anna: SignedIn) -> None:
    with pytest.raises(StoreUnusable), store.read(anna) as tx:
        tx.patients.add(Patient("p9", "Lee"))  # type: ignore[arg-type]


def test_a_store_locks_passphrases_at_the_decided_cost_unless_told_otherwise(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/practice.db") as plain:
        assert plain.passphrase_cost == DEFAULT_COST


def test_a_disk_that_is_really_full_says_so_and_keeps_what_was_saved(tmp_path: Path) -> None:
    """On a file system of one megabyte, where this machine lets a test make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody make a small disk")
    try:
        with open_store(f"sqlite:///{disk}/practice.db", passphrase_cost=FAST_COST) as store:
            by = set_up(
                store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
            ).signed_in
            patient = new_patient(store, by, name="Lee")
            with store.write(by) as tx:
                tx.consultations.add(make_consultation(patient.id, text="saved before"))

            with pytest.raises((StoreFull, StoreUnusable)) as raised, store.write(by) as tx:
                tx.consultations.save_source(make_consultation(patient.id).id, "x" * 3_000_000, after=0)

            assert "saved before is intact" in str(raised.value)
            with store.read(by) as tx:
                source = tx.consultations.get(make_consultation(patient.id).id).source
            assert source.text == "saved before"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
