"""What many tests begin with: a home folder, a clock to set, ids to foresee, a store, a counsellor."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from phyassist.domain.people import Patient
from phyassist.services.patients import new_patient
from phyassist.services.practice import set_up
from phyassist.store.opening import open_store
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.tables import metadata
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Argon2Cost
from tests.postgresql import NoServer, Server, run_server

if "PYTEST_XDIST_WORKER" in os.environ:
    # Several workers share the cores: threads that spin while they wait would take them from each other.  The
    # limit holds for engines too, which say themselves how many they want.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")

# What is imported and collected stays to the end: to look through it again and again takes a tenth.
gc.set_threshold(50_000, 20, 20)

# Other work on the machine makes any test slow once: none is judged by the clock.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A store waits at every commit until the disk has written it, and tests commit many thousand times: on a disk
# they wait longer than they compute.  What they write fits into memory, as long as none keeps what it wrote.
MEMORY = Path("/dev/shm")  # noqa: S108  pytest makes a folder of its owner's alone in it
MEMORY_BYTES_MIN = 6_000_000_000


def _has_room_in_memory() -> bool:
    """Some containers lend a few megabytes there, and some let no program run from it, as a few tests do."""
    if not os.access(MEMORY, os.W_OK):
        return False
    found = os.statvfs(MEMORY)
    return found.f_bavail * found.f_frsize >= MEMORY_BYTES_MIN and not found.f_flag & os.ST_NOEXEC


if _has_room_in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

PASSPHRASE = "seven quiet herons at dawn"
# The cheapest that Argon2 takes: a test is about what happens, not about how long a guess lasts.
FAST_COST = Argon2Cost(memory_kib=64, passes=1, lanes=1)


# Where the engine matters: every test there that takes its store from `store` or `store_url` runs on both.
# One that asks for `store_path` looks at SQLite's own files and runs on SQLite alone.
ON_BOTH_ENGINES = ("tests/store", "tests/services", "tests/flows")
SQLITE, POSTGRESQL = "sqlite", "postgresql"


# Files there take minutes.  Begun last, one would keep a single worker busy while the others are done.
BEGUN_FIRST = ("tests/flows", "tests/browser", "tests/security", "tests/training", "tests/lm")


class Clock:
    """A clock that stands until it is set or moved on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def set(self, now: datetime) -> None:
        self.now = now

    def move(self, **by: float) -> datetime:
        """Later by what `timedelta` takes: `move(minutes=3)`."""
        self.now += timedelta(**by)
        return self.now


class Ids:
    """Ids that count: 32 hexadecimal digits, the last ones a number."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"{self.count:032x}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgresql",
        choices=("auto", "need", "off"),
        default="auto",
        help="tests on PostgreSQL: skip where no server starts (auto), fail there (need), leave out (off)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for `store_url` on both engines, in the folders where the engine matters."""
    asked = set(metafunc.fixturenames)
    if "store_url" not in asked or "store_path" in asked:
        return
    folder = metafunc.definition.path.relative_to(metafunc.config.rootpath).as_posix()
    if folder.startswith(ON_BOTH_ENGINES) and metafunc.config.getoption("--postgresql") != "off":
        metafunc.parametrize("store_engine", [SQLITE, POSTGRESQL], indirect=True, scope="function")


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    folders = [item.path.relative_to(config.rootpath).as_posix() for item in items]
    order = sorted(range(len(items)), key=lambda no: not folders[no].startswith(BEGUN_FIRST))
    items[:] = [items[no] for no in order]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own for every test, and no settings from outside."""
    for name in list(os.environ):
        if name.startswith("PHYASSIST_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("PHYASSIST_HOME", str(folder))
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ids() -> Ids:
    return Ids()


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "practice" / "practice.db"


@pytest.fixture(scope="session")
def sqlite_practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the present schema, without rows; a copy of it takes far less than to make another."""
    path = tmp_path_factory.mktemp("sqlite") / "practice.db"
    open_store(f"sqlite:///{path}").close()
    return path


def copy_practice(practice: Path, path: Path) -> str:
    """The address of the copy, which is for its owner's eyes alone like what it was copied from."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(practice, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The run's PostgreSQL server; a test that stops it starts one of its own (`tests.postgresql`)."""
    running = run_server()
    try:
        server = running.__enter__()
    except NoServer as error:
        if request.config.getoption("--postgresql") == "need":
            raise
        pytest.skip(f"no PostgreSQL server here: {error}")
    try:
        yield server
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def postgresql_practice(postgresql: Server) -> str:
    """A database of the present schema, without rows; `make_database(postgresql_practice)` copies it."""
    name = postgresql.make_database()
    open_store(postgresql.url(name)).close()
    return name


@pytest.fixture
def postgresql_url(postgresql: Server, postgresql_practice: str) -> Iterator[str]:
    """The address of a new practice's database on PostgreSQL.  Emptied afterwards: a copy takes longer."""
    yield postgresql.url(postgresql_practice)
    postgresql.empty_database(postgresql_practice, [table.name for table in metadata.sorted_tables])


@pytest.fixture
def store_engine(request: pytest.FixtureRequest) -> str:
    """Which database the store of this test is: "sqlite" or "postgresql"."""
    return getattr(request, "param", SQLITE)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, store_engine: str) -> str:
    """The address of this test's store, whichever engine it runs on."""
    if store_engine == POSTGRESQL:
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{request.getfixturevalue('store_path')}"


@pytest.fixture
def store(
    request: pytest.FixtureRequest, store_engine: str, store_url: str, clock: Clock, ids: Ids
) -> Iterator[Store]:
    if store_engine == SQLITE:
        copy_practice(request.getfixturevalue("sqlite_practice"), request.getfixturevalue("store_path"))
    with open_store(store_url, clock=clock, new_id=ids, passphrase_cost=FAST_COST) as opened:
        yield opened


@pytest.fixture
def practice(store: Store) -> SetUp:
    """A practice set up by Anna, with the recovery key that she was shown."""
    return set_up(
        store,
        name="Anna Weiss",
        passphrase=PASSPHRASE,
        language="en",
        jurisdiction="other",
        zone="Europe/Berlin",
    )


@pytest.fixture
def anna(practice: SetUp) -> SignedIn:
    return practice.signed_in


@pytest.fixture
def patient(store: Store, anna: SignedIn) -> Patient:
    return new_patient(store, anna, name="Sun Mei", number="0231", language="zh")
