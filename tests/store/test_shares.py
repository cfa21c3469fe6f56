"""Who could plant a key by writing to the database, and what a process can open past all services."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from phyassist.domain.drafts import Change
from phyassist.domain.people import CounsellorId, Patient, PatientId
from phyassist.errors import CannotOpen, NotYourPatient
from phyassist.services.patients import load_patient, new_patient
from phyassist.services.practice import sign_in
from phyassist.services.sharing import hand_over, renew_patient, share, take_up, withdraw
from phyassist.store.desk import Desk
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.resealing import PATIENT_COLUMNS
from phyassist.store.tables import key_wraps
from phyassist.store.transactions import Store, Tx
from phyassist.store.wraps import Wrap, wrap_place
from phyassist.vault.keyring import Keyring, give_key
from phyassist.vault.sealing import DataKey
from tests.conftest import FAST_COST, PASSPHRASE, Clock
from tests.services.joining import let_in
from tests.store.making import make_amendment, make_consultation, make_draft, make_line, make_note


@pytest.fixture
def bo(store: Store, anna: SignedIn) -> SignedIn:
    return let_in(store, anna, "Bo Lind")


@pytest.fixture
def full(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="heron"))
        tx.records.save(patient.id, (make_line("heron"),), after=0)
        tx.drafts.add(make_draft(patient.id, text="heron"), Change.STARTED)
        tx.notes.add(make_note(patient.id, text="heron"))
        tx.notes.amend(make_note(patient.id).id, make_amendment("heron"))
    return patient


@contextmanager
def bare_tx(store: Store, by: SignedIn) -> Iterator[tuple[Tx, Desk]]:
    """The repositories alone: nothing of `services` was imported on the way, nothing decides but keys."""
    with store._reader.begin() as conn:
        desk = Desk(conn, by, store.clock, store.new_id)
        yield Tx(desk, []), desk


def test_without_the_services_a_colleagues_process_opens_no_field_of_any_table(
    store: Store, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    own = new_patient(store, bo, name="Lee")
    opened = 0
    with bare_tx(store, bo) as (tx, desk):
        with pytest.raises(NotYourPatient):
            tx.patients.get(full.id)
        # Every key that this process can come by: its own, the practice's, those of its own patients.
        keys = [desk.keys_of(own.id), tx.people.practice.keys, bo.keyring.own]
        for column in PATIENT_COLUMNS:
            for row in desk.conn.execute(select(column.table)).mappings():
                if row[column.column] is None or row.get("id") == own.id:
                    continue
                opened += 1
                for key in keys:
                    with pytest.raises(CannotOpen):
                        key.open_sealed(row[column.column], column.place(row))
        for wrap in desk.conn.execute(select(key_wraps)).mappings():
            if wrap["holder_id"] != bo.id:
                with pytest.raises(CannotOpen):
                    bo.keyring.open_given(wrap["wrapped"], wrap_place(wrap["key_id"], wrap["holder_id"], 1))
    assert opened >= 8


def test_a_wrapped_key_copied_from_a_colleague_opens_for_nobody_else(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    with sqlite3.connect(store_path) as database:
        database.execute(
            "INSERT INTO key_wraps SELECT key_id, ?, wrapped, may_write, until, added_at, ?, x'00'"
            " FROM key_wraps JOIN data_keys ON data_keys.id = key_id WHERE holder_id = ? AND patient_id = ?",
            [bo.id, anna.id, anna.id, full.id],
        )

    with bare_tx(store, bo) as (tx, _), pytest.raises(CannotOpen):
        tx.patients.get(full.id)


def plant(store: Store, path: Path, wrap: Wrap, to: SignedIn, key: DataKey, signer: Keyring) -> None:
    """What somebody who can write to the database would put there: a key of their own, well wrapped."""
    wrapped = give_key(key, to.keyring.public, wrap_place(wrap.key_id, to.id, wrap.term))
    planted = replace(wrap, wrapped=wrapped)
    signature = signer.sign(planted.statement(to.keyring.public))
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO data_keys (id, patient_id, term, created_at) VALUES (?, ?, ?, '2026-03-02')",
            [wrap.key_id, wrap.patient_id, wrap.term],
        )
        database.execute(
            "INSERT INTO key_wraps (key_id, holder_id, wrapped, may_write, until, added_at, giver_id,"
            " signature) VALUES (?, ?, ?, 1, NULL, '2026-03-02', ?, ?)",
            [wrap.key_id, to.id, wrapped, wrap.giver_id, signature],
        )


def make_wrap(patient: Patient, to: SignedIn, giver_id: CounsellorId, clock: Clock) -> Wrap:
    return Wrap("planted", 2, patient.id, to.id, b"", True, None, clock.now, giver_id)


def test_a_key_signed_by_nobody_of_the_practice_is_not_taken(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    stranger = Keyring.make()
    plant(store, store_path, make_wrap(full, anna, bo.id, clock), anna, DataKey.make(2), stranger)

    with pytest.raises(CannotOpen, match="signature"), store.write(anna) as tx:
        tx.consultations.save_source("consultation1", "for the thief", after=0)  # type: ignore[arg-type]


def test_a_key_of_somebody_who_is_not_in_charge_is_not_taken(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    plant(store, store_path, make_wrap(full, anna, bo.id, clock), anna, DataKey.make(2), bo.keyring)

    with pytest.raises(CannotOpen, match="not in charge"), store.write(anna) as tx:
        tx.consultations.save_source("consultation1", "for the thief", after=0)  # type: ignore[arg-type]


def test_a_holder_takes_a_new_key_from_the_keeper_alone(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    cora = let_in(store, anna, "Cora")
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    share(store, anna, patient_id=full.id, with_id=cora.id, may_write=True)
    take_up(store, bo)
    plant(store, store_path, make_wrap(full, bo, cora.id, clock), bo, DataKey.make(2), cora.keyring)
    with sqlite3.connect(store_path) as database:
        # A row that says that Cora was put in charge, which Anna never signed.
        database.execute(
            "INSERT INTO handovers VALUES (?, 2, ?, ?, '2026-03-02', ?)",
            [full.id, anna.id, cora.id, cora.keyring.sign(b"handover")],
        )

    with pytest.raises(CannotOpen), store.write(bo) as tx:
        tx.consultations.save_source("consultation1", "for the thief", after=0)  # type: ignore[arg-type]


def test_keys_put_in_the_place_of_a_colleagues_are_not_given_anything(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    thief = Keyring.make()
    with sqlite3.connect(store_path) as database:
        database.execute("UPDATE counsellors SET public_key = ? WHERE id = ?", [thief.public, bo.id])

    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)

    with sqlite3.connect(store_path) as database:
        wrapped = database.execute(
            "SELECT wrapped, key_id FROM key_wraps WHERE holder_id = ?", [bo.id]
        ).fetchall()
    for value, key_id in wrapped:
        with pytest.raises(CannotOpen):
            thief.open_given(value, wrap_place(key_id, bo.id, 1))
    assert load_patient(store, bo, full.id).patient == full


@pytest.mark.parametrize("column", ["until = NULL", "may_write = 1", "giver_id = holder_id"])
@pytest.mark.parametrize("adopted", [False, True])
def test_the_terms_of_a_share_are_not_changed_in_the_database(
    store: Store,
    store_path: Path,
    anna: SignedIn,
    bo: SignedIn,
    full: Patient,
    clock: Clock,
    column: str,
    adopted: bool,
) -> None:
    until = clock.now + timedelta(days=3)
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=False, until=until)
    if adopted:
        take_up(store, bo)

    with sqlite3.connect(store_path) as database:
        database.execute(
            f"UPDATE key_wraps SET {column} WHERE holder_id = ? AND giver_id IS NOT NULL", [bo.id]
        )

    with store.read(bo) as tx, pytest.raises(CannotOpen):
        tx.patients.get(full.id)


def test_a_practice_key_by_somebody_who_never_held_one_is_not_taken(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, clock: Clock
) -> None:
    wrap = Wrap("planted", 2, None, bo.id, b"", True, None, clock.now, anna.id)
    plant(store, store_path, wrap, bo, DataKey.make(2), Keyring.make())

    with store.read(bo) as tx, pytest.raises(CannotOpen):
        tx.people.members()


def test_a_wrapped_row_put_back_after_a_withdrawal_opens_nothing(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient
) -> None:
    share(store, anna, patient_id=full.id, with_id=bo.id, may_write=True)
    take_up(store, bo)
    with sqlite3.connect(store_path) as database:
        kept = database.execute("SELECT * FROM key_wraps WHERE holder_id = ?", [bo.id]).fetchall()
        old = database.execute("SELECT * FROM data_keys WHERE patient_id = ?", [full.id]).fetchall()

    withdraw(store, anna, patient_id=full.id, counsellor_id=bo.id)

    with sqlite3.connect(store_path) as database:
        for table, rows in (("data_keys", old), ("key_wraps", kept)):
            marks = ",".join("?" * len(rows[0]))
            for row in rows:
                database.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)
    with store.read(bo) as tx, pytest.raises(CannotOpen):
        tx.patients.get(full.id)
    with store.read(bo) as tx, pytest.raises(CannotOpen):
        tx.notes.get("note1")  # type: ignore[arg-type]


def test_after_a_hand_over_the_last_keepers_new_keys_are_not_taken(
    store: Store, store_path: Path, anna: SignedIn, bo: SignedIn, full: Patient, clock: Clock
) -> None:
    cora = let_in(store, anna, "Cora")
    share(store, anna, patient_id=full.id, with_id=cora.id, may_write=True)
    take_up(store, cora)
    hand_over(store, anna, to_id=bo.id)

    plant(store, store_path, make_wrap(full, cora, anna.id, clock), cora, DataKey.make(2), anna.keyring)

    with pytest.raises(CannotOpen, match="not in charge"), store.write(cora) as tx:
        tx.consultations.save_source("consultation1", "for Anna", after=0)  # type: ignore[arg-type]


_RENEWS = """
import sys
from phyassist.services.practice import sign_in
from phyassist.services.sharing import renew_patient
from phyassist.store.opening import open_store
from tests.conftest import FAST_COST, PASSPHRASE
with open_store(sys.argv[1], passphrase_cost=FAST_COST) as store:
    by = sign_in(store, passphrase=PASSPHRASE)
    print("ready", flush=True)
    while True:
        renew_patient(store, by, patient_id=sys.argv[2])
        print("renewed", flush=True)
"""


def test_a_renewal_that_is_killed_loses_nothing_and_is_finished_by_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/practice.db"
    with open_store(url, passphrase_cost=FAST_COST) as store:
        anna, patient_id = fill_for_killing(store)
        before = load_patient(store, anna, patient_id)

    for kills in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", _RENEWS, url, patient_id],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        for _ in range(1 + kills % 3):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()

    with open_store(url, passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        assert load_patient(store, by, patient_id) == before
        renew_patient(store, by, patient_id=patient_id)
        assert load_patient(store, by, patient_id) == before
        with store.read(by) as tx:
            assert not tx.shares.is_renewing(patient_id)


def fill_for_killing(store: Store) -> tuple[SignedIn, PatientId]:
    from phyassist.services.practice import set_up

    anna = set_up(
        store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="cn", zone="UTC"
    ).signed_in
    patient = new_patient(store, anna, name="Sun Mei")
    with store.write(anna) as tx:
        for number in range(1, 500):
            tx.consultations.add(make_consultation(patient.id, number=number, text="heron " * 40))
    return anna, patient.id
