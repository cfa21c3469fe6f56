"""The audit's guards and erasing on PostgreSQL, whose files keep what was deleted for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phyassist.services.auditing import verify_audit
from phyassist.services.erasing import erase_patient, list_receipts
from phyassist.services.patients import list_patients, new_patient
from phyassist.services.practice import set_up
from phyassist.services.workers import load_worker
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE, Clock
from tests.postgresql import Server, run_server
from tests.services.runs import sign_notes, start

psycopg = pytest.importorskip("psycopg")


@pytest.fixture
def server(postgresql: Server) -> Iterator[Server]:
    """A server of this test's own, whose files hold nothing of other tests."""
    with run_server() as running:
        yield running


@pytest.fixture
def database(server: Server) -> str:
    return server.make_database()


@pytest.fixture
def store(server: Server, database: str, clock: Clock) -> Iterator[Store]:
    with open_store(server.url(database), clock=clock, passphrase_cost=FAST_COST) as opened:
        yield opened


@pytest.fixture
def anna(store: Store) -> SignedIn:
    return set_up(
        store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
    ).signed_in


def wrapped_keys(server: Server, database: str, patient_id: str) -> list[bytes]:
    rows = server.ask(
        "SELECT wrapped FROM key_wraps JOIN data_keys ON data_keys.id = key_id"
        f" WHERE patient_id = '{patient_id}'",
        database,
    )
    return [bytes(row[0]) for row in rows]  # type: ignore[call-overload]  # bytea comes as bytes


def files_with(folder: Path, keys: list[bytes]) -> list[str]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found += [path.name for key in keys if key in data]
    return found


def test_no_table_file_holds_a_wrapped_key_after_an_erasure(
    server: Server, database: str, store: Store, anna: SignedIn
) -> None:
    patients = [new_patient(store, anna, name=f"someone {number}") for number in range(12)]
    keys = {patient.id: wrapped_keys(server, database, patient.id) for patient in patients}
    erased, kept = patients[::2], patients[1::2]
    server.ask("CHECKPOINT")
    tables = server.folder / "data" / "base"
    assert all(files_with(tables, keys[patient.id]) for patient in patients)

    for patient in erased:
        erase_patient(store, anna, patient_id=patient.id, typed=patient.name)

    server.ask("CHECKPOINT")
    assert [files_with(tables, keys[patient.id]) for patient in erased] == [[]] * len(erased)
    assert all(files_with(tables, keys[patient.id]) for patient in kept)
    assert {row.patient.id for row in list_patients(store, anna)} == {patient.id for patient in kept}
    assert all(receipt.erasure.cleaned_at is not None for receipt in list_receipts(store, anna))


def test_no_table_file_holds_the_key_of_a_run_that_an_erasure_broke_off(
    server: Server, database: str, store: Store, anna: SignedIn, clock: Clock, tmp_path: Path
) -> None:
    patients = [new_patient(store, anna, name=f"someone {number}") for number in range(2)]
    worker = load_worker(tmp_path)
    for patient in patients:
        sign_notes(store, anna, patient, clock)
        start(store, anna, [patient], worker)

    def keys_of(patient_id: str) -> list[bytes]:
        query = (
            "SELECT wrapped_worker FROM job_keys JOIN jobs ON jobs.id = job_id"
            f" WHERE patient_id = '{patient_id}'"
            f" UNION ALL SELECT key_sealed FROM adapters WHERE patient_id = '{patient_id}'"
        )
        return [bytes(row[0]) for row in server.ask(query, database)]  # type: ignore[call-overload]

    gone, stays = (keys_of(patient.id) for patient in patients)
    server.ask("CHECKPOINT")
    tables = server.folder / "data" / "base"
    before = files_with(tables, gone)

    erase_patient(store, anna, patient_id=patients[0].id, typed=patients[0].name)

    server.ask("CHECKPOINT")
    assert (len(gone), len(before)) == (2, 2)
    assert files_with(tables, gone) == []
    assert len(files_with(tables, stays)) == 2


def test_a_standby_that_streams_holds_no_wrapped_key_in_its_tables_after_an_erasure(
    server: Server, database: str, store: Store, anna: SignedIn
) -> None:
    gone, stays = (new_patient(store, anna, name=name) for name in ("someone", "somebody else"))
    keys, kept = (wrapped_keys(server, database, patient.id) for patient in (gone, stays))
    with run_server(standby_of=server) as standby:
        standby.await_replay(server)
        tables = standby.folder / "data" / "base"
        standby.ask("CHECKPOINT")
        before = files_with(tables, keys)

        erase_patient(store, anna, patient_id=gone.id, typed=gone.name)

        server.ask("CHECKPOINT")
        standby.await_replay(server)
        standby.ask("CHECKPOINT")
        assert before
        assert files_with(tables, keys) == []
        assert files_with(tables, kept)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET act = 'viewed'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET number = 0",
    ],
)
def test_the_database_refuses_to_change_the_audit(
    server: Server, database: str, store: Store, anna: SignedIn, change: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="only added to"):
        server.ask(change, database)

    assert verify_audit(store).is_whole
