"""What only a database server can do: refuse, go away, and come back."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from phyassist.errors import StoreUnusable
from phyassist.services.patients import list_patients, new_patient
from phyassist.services.practice import set_up
from phyassist.store import opening
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE
from tests.postgresql import Server, run_server
from tests.store.making import make_consultation


@pytest.fixture
def own_server(postgresql: Server) -> Iterator[Server]:
    """A server of this test's own, which it may stop."""
    with run_server() as server:
        yield server


@pytest.fixture
def far(own_server: Server) -> Iterator[Store]:
    with open_store(own_server.url(own_server.make_database()), passphrase_cost=FAST_COST) as store:
        yield store


@pytest.fixture
def anna(far: Store) -> SignedIn:
    return set_up(
        far, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
    ).signed_in


def test_a_store_outlives_its_server(own_server: Server, far: Store, anna: SignedIn) -> None:
    lee = new_patient(far, anna, name="Lee")
    # Whether it waits for a minute or for a moment, it gives up in the same way.
    far.patience_s = 1.0
    own_server.stop()

    with pytest.raises(StoreUnusable, match="does not answer"):
        new_patient(far, anna, name="Sun")
    own_server.start()
    sun = new_patient(far, anna, name="Sun")

    assert {row.patient for row in list_patients(far, anna)} == {lee, sun}


def test_a_write_that_is_cut_in_the_middle_can_be_made_again(
    own_server: Server, far: Store, anna: SignedIn
) -> None:
    lee = new_patient(far, anna, name="Lee")
    consultation = make_consultation(lee.id, text="she sleeps badly")

    with pytest.raises(StoreUnusable, match="does not answer"), far.write(anna) as tx:
        tx.consultations.add(consultation)
        own_server.stop(signal.SIGQUIT)
    own_server.start()
    with far.write(anna) as tx:
        tx.consultations.add(consultation)
        # The answer to this commit is taken for lost: the caller does the same once more.
    with far.write(anna) as tx:
        tx.consultations.add(consultation)

    with far.read(anna) as tx:
        assert [each.source.text for each in tx.consultations.list(lee.id)] == ["she sleeps badly"]


@pytest.mark.parametrize(
    "change",
    [("/postgres?", "/elsewhere?"), ("postgres@/", "nobody@/")],
    ids=["no such database", "no such user"],
)
def test_a_database_that_lets_nobody_in_is_said_without_its_address(
    postgresql: Server, change: tuple[str, str]
) -> None:
    url = postgresql.url().replace(*change)

    with pytest.raises(StoreUnusable, match="does not let PhyAssist in") as raised:
        open_store(url)

    assert str(postgresql.folder) not in str(raised.value)


def test_an_address_without_a_server_is_said(postgresql: Server) -> None:
    with pytest.raises(StoreUnusable, match="does not answer"):
        open_store("postgresql://postgres@127.0.0.1:1/practice")


def test_another_programs_database_on_a_server_is_left_alone(postgresql: Server) -> None:
    name = postgresql.make_database()
    postgresql.ask("CREATE TABLE songs (title TEXT)", name)

    with pytest.raises(StoreUnusable, match="another program"):
        open_store(postgresql.url(name))

    assert postgresql.ask(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", name
    ) == [("songs",)]


def test_a_store_asks_for_a_server_that_takes_writes_and_notices_a_lost_one(postgresql: Server) -> None:
    url = opening._with_patience(opening.parse_url("postgresql://n@a,b/practice?connect_timeout=9"))

    assert url.query["connect_timeout"] == "9"
    assert url.query["target_session_attrs"] == "read-write"
    assert url.query["tcp_user_timeout"] == "6000"


def test_a_read_sees_one_moment(postgresql_url: str) -> None:
    with open_store(postgresql_url, passphrase_cost=FAST_COST) as store:
        anna = set_up(
            store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
        ).signed_in

        with store.read(anna) as tx:
            before = tx.patients.list()
            new_patient(store, anna, name="Lee")
            after = tx.patients.list()

    assert before == after == ()


def test_a_lock_that_lasts_is_said_in_place_of_waited_for(postgresql: Server, postgresql_url: str) -> None:
    with open_store(f"{postgresql_url}&options=-c%20lock_timeout%3D200", passphrase_cost=FAST_COST) as store:
        anna = set_up(
            store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
        ).signed_in
        store.patience_s = 1.0
        with store.write(anna) as other:
            other.audit._conn.execute(text("SELECT * FROM audit_head FOR UPDATE"))

            with pytest.raises(StoreUnusable, match="nothing of this was saved"):
                new_patient(store, anna, name="Lee")
