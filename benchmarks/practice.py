"""The invented practice in a store of its own, signed in: what benchmarks of the workspace ask about."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from phyassist.services.demo import PastClock, fill_practice
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Argon2Cost


@contextmanager
def open_practice() -> Iterator[tuple[Store, SignedIn]]:
    """It is gone afterwards."""
    clock = PastClock(datetime.now(UTC))
    cheap = Argon2Cost(memory_kib=64, passes=1, lanes=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(f"sqlite:///{folder}/practice.db", clock=clock, passphrase_cost=cheap) as store,
    ):
        yield store, fill_practice(store, clock, now=datetime.now(UTC)).signed_in
