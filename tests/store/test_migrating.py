"""A store of an earlier release becomes one of this release, whole or not at all."""

from __future__ import annotations

import gzip
import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from phyassist.errors import StoreUnusable
from phyassist.store.opening import SCHEMA, migrate_store, open_store, upgrade
from tests.postgresql import Server

OLD_VAULT = Path(__file__).parent.parent / "vectors" / "vault-1" / "practice.db.gz"


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of the first schema, without rows."""
    url = f"sqlite:///{tmp_path}/practice.db"
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        url = server.url(server.make_database())
    with create_engine(url).begin() as conn:
        upgrade(conn, "0001")
    return url


def schema_of(url: str) -> str:
    with create_engine(url).connect() as conn:
        return str(conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def test_a_migration_says_from_where_to_where(old_url: str) -> None:
    first, second = migrate_store(old_url), migrate_store(old_url)

    assert (first.before, first.after) == ("0001", SCHEMA)
    assert (second.before, second.after, second.copy) == (SCHEMA, SCHEMA, None)


def test_a_file_is_copied_before_and_the_copy_counts_as_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "practice.db"
    path.write_bytes(gzip.decompress(OLD_VAULT.read_bytes()))

    done = migrate_store(f"sqlite:///{path}")

    assert done.copy == tmp_path / f"practice.before-{SCHEMA}.db"
    assert stat.S_IMODE(done.copy.stat().st_mode) == 0o600
    assert schema_of(f"sqlite:///{done.copy}") == "0001"
    assert sorted(each.name for each in tmp_path.iterdir() if "before" in each.name) == [done.copy.name]
    with open_store(f"sqlite:///{path}") as store, store.entrance() as entrance:
        assert [each.expires_at for each in entrance.backups.list()] == [None]


def test_a_new_store_is_copied_by_nobody(tmp_path: Path) -> None:
    done = migrate_store(f"sqlite:///{tmp_path}/practice.db")

    assert (done.before, done.after, done.copy) == ("", SCHEMA, None)


def test_a_migration_that_fails_half_way_changes_nothing(old_url: str) -> None:
    # The last of the migrations finds its table there already.
    with create_engine(old_url).begin() as conn:
        conn.execute(text("CREATE TABLE marks (id TEXT)"))
    with create_engine(old_url).connect() as conn:
        before = sorted(inspect(conn).get_table_names())

    with pytest.raises(StoreUnusable):
        migrate_store(old_url)

    with create_engine(old_url).connect() as conn:
        assert sorted(inspect(conn).get_table_names()) == before
    assert schema_of(old_url) == "0001"


def test_a_copy_that_cannot_be_made_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "practice.db"
    path.write_bytes(gzip.decompress(OLD_VAULT.read_bytes()))
    (tmp_path / f"practice.before-{SCHEMA}.db.part").mkdir()

    with pytest.raises(StoreUnusable):
        migrate_store(f"sqlite:///{path}")

    assert schema_of(f"sqlite:///{path}") == "0001"
