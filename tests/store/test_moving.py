"""A practice moves from any store to any other, whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from phyassist.domain.drafts import Change
from phyassist.domain.people import Patient
from phyassist.errors import AlreadySetUp, BadSetting, Locked, StoreClosed, StoreUnusable
from phyassist.services.patients import load_patient, new_patient
from phyassist.services.practice import open_login, resume_login, sign_in
from phyassist.store.moving import move_rows, reopen
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.tables import metadata
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE, Clock
from tests.postgresql import Server
from tests.store.making import make_amendment, make_consultation, make_draft, make_line, make_note

MOVER = """
import os, sys
from phyassist.domain.clock import utc_now
from phyassist.store.moving import move_rows

def show(table, done, total):
    print(table, done, flush=True)
    if table == "notes":
        sys.stdin.readline()

move_rows(sys.argv[1], sys.argv[2], clock=utc_now, on_progress=show)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store to move to."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/elsewhere/practice.db"
    server: Server = request.getfixturevalue("postgresql")
    return server.url(server.make_database())


@pytest.fixture
def full(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    """A patient with something in every part of the file."""
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id))
        tx.consultations.save_source(make_consultation(patient.id).id, "孙某 sleeps badly " * 200, after=0)
        tx.records.save(patient.id, (make_line("heron"),), after=0)
        tx.drafts.add(make_draft(patient.id, items=3), Change.STARTED)
        for number in range(30):
            tx.notes.add(make_note(patient.id, number=number))
        tx.notes.amend(make_note(patient.id).id, make_amendment())
    return patient


def silent(_table: str, _done: int, _total: int) -> None:
    return


def count_rows(url: str) -> dict[str, int]:
    with create_engine(url).connect() as conn:
        return {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_a_practice_is_the_same_at_its_new_place(
    store: Store, store_url: str, target_url: str, anna: SignedIn, full: Patient, clock: Clock
) -> None:
    before, rows = load_patient(store, anna, full.id), count_rows(store_url)

    moved = move_rows(store_url, target_url, clock=clock, on_progress=silent)

    with open_store(target_url, passphrase_cost=FAST_COST, clock=clock) as new:
        by = sign_in(new, passphrase=PASSPHRASE)
        after = load_patient(new, by, full.id)
        with new.read(by) as tx:
            assert tx.audit.verify().first_broken is None
    assert after == before
    assert {name: each.rows for name, each in moved.sums.items() if each.rows} == {
        name: count for name, count in rows.items() if count
    }


def test_a_login_does_not_move(
    store: Store, store_url: str, target_url: str, anna: SignedIn, clock: Clock
) -> None:
    cookie = open_login(store, anna).reveal_text()

    move_rows(store_url, target_url, clock=clock, on_progress=silent)

    with open_store(target_url, clock=clock) as new, pytest.raises(Locked):
        resume_login(new, cookie, idle_lock_min=0)


def test_the_old_store_can_be_read_and_takes_no_changes_until_it_is_reopened(
    store: Store, store_url: str, target_url: str, anna: SignedIn, full: Patient, clock: Clock
) -> None:
    move_rows(store_url, target_url, clock=clock, on_progress=silent)

    with pytest.raises(StoreClosed, match="moved to another one"):
        new_patient(store, anna, name="Lee")
    with pytest.raises(StoreClosed):
        sign_in(store, passphrase=PASSPHRASE)
    with pytest.raises(StoreClosed):
        move_rows(store_url, target_url, clock=clock, on_progress=silent)
    still = load_patient(store, anna, full.id)
    reopened = reopen(store_url, clock=clock)
    new_patient(store, anna, name="Lee")

    assert still.patient == full
    assert reopened
    assert not reopen(store_url, clock=clock)


def test_a_trial_leaves_the_old_store_open(
    store: Store, store_url: str, target_url: str, anna: SignedIn, clock: Clock
) -> None:
    move_rows(store_url, target_url, clock=clock, on_progress=silent, leave_open=True)

    assert new_patient(store, anna, name="Lee").name == "Lee"


def test_a_target_that_holds_a_practice_is_refused_and_left_alone(
    store: Store, store_url: str, target_url: str, anna: SignedIn, clock: Clock
) -> None:
    move_rows(store_url, target_url, clock=clock, on_progress=silent, leave_open=True)
    before = count_rows(target_url)
    new_patient(store, anna, name="Lee")

    with pytest.raises(AlreadySetUp):
        move_rows(store_url, target_url, clock=clock, on_progress=silent)

    assert count_rows(target_url) == before
    assert new_patient(store, anna, name="Sun").name == "Sun"


def test_a_store_is_not_moved_to_itself_nor_from_nowhere(
    store_url: str, tmp_path: Path, clock: Clock
) -> None:
    with pytest.raises(BadSetting):
        move_rows(store_url, store_url, clock=clock, on_progress=silent)
    with pytest.raises(StoreUnusable, match="no store at this address"):
        move_rows(f"sqlite:///{tmp_path}/nowhere.db", store_url, clock=clock, on_progress=silent)

    assert not (tmp_path / "nowhere.db").exists()


def test_nobody_writes_while_a_store_is_moved(
    store: Store, store_url: str, target_url: str, anna: SignedIn, full: Patient, clock: Clock
) -> None:
    begun, go_on, refused = threading.Event(), threading.Event(), []

    def hold(table: str, _done: int, _total: int) -> None:
        if table == "notes":
            begun.set()
            go_on.wait(60)

    mover = threading.Thread(
        target=move_rows, args=(store_url, target_url), kwargs={"clock": clock, "on_progress": hold}
    )
    mover.start()
    begun.wait(60)
    try:
        new_patient(store, anna, name="Lee")
    except (StoreClosed, StoreUnusable) as error:
        refused.append(error)
    finally:
        go_on.set()
        mover.join()

    assert len(refused) == 1
    with open_store(target_url, passphrase_cost=FAST_COST, clock=clock) as new:
        assert load_patient(new, sign_in(new, passphrase=PASSPHRASE), full.id).patient == full


def test_a_move_that_is_killed_leaves_the_old_store_as_it_was_and_the_new_one_empty(
    store: Store, store_url: str, target_url: str, anna: SignedIn, full: Patient, clock: Clock
) -> None:
    before = count_rows(store_url)
    mover = subprocess.Popen(
        [sys.executable, "-c", MOVER, store_url, target_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert mover.stdout is not None
    for line in mover.stdout:
        if line.startswith("notes"):
            break

    mover.send_signal(signal.SIGKILL)
    mover.communicate()

    assert count_rows(store_url) == before
    assert new_patient(store, anna, name="Lee").name == "Lee"
    move_rows(store_url, target_url, clock=clock, on_progress=silent)
    with open_store(target_url, passphrase_cost=FAST_COST, clock=clock) as new:
        assert load_patient(new, sign_in(new, passphrase=PASSPHRASE), full.id).patient == full
