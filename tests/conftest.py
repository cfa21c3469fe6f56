"""What many tests begin with: a home folder, a clock to set, ids to foresee, a store, a counsellor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from phyassist.domain.people import Patient
from phyassist.services.patients import new_patient
from phyassist.services.practice import set_up
from phyassist.store.opening import open_store
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Argon2Cost

PASSPHRASE = "seven quiet herons at dawn"
# The cheapest that Argon2 takes: a test is about what happens, not about how long a guess lasts.
FAST_COST = Argon2Cost(memory_kib=64, passes=1, lanes=1)


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


@pytest.fixture
def store(store_path: Path, clock: Clock, ids: Ids) -> Iterator[Store]:
    with open_store(f"sqlite:///{store_path}", clock=clock, new_id=ids, passphrase_cost=FAST_COST) as opened:
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
