"""A guesser at the door learns nothing from how long an answer takes: the same work is done for each."""

from __future__ import annotations

from typing import Any

import argon2.low_level
import pytest

from phyassist.domain.people import CounsellorId
from phyassist.errors import WrongPassphrase
from phyassist.services.people import end_account
from phyassist.services.practice import sign_in
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST
from tests.services.joining import BO_PASSPHRASE, let_in


class Counting:
    """The library's own code, and what it was asked to do: passes, KiB, lanes."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.asked: list[tuple[int, int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def argon2_hash(self, passes: int, memory_kib: int, lanes: int, *rest: Any) -> Any:
        self.asked.append((passes, memory_kib, lanes))
        return self._library.argon2_hash(passes, memory_kib, lanes, *rest)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counter = Counting(argon2.low_level.lib)
    monkeypatch.setattr(argon2.low_level, "lib", counter)
    return counter


@pytest.fixture
def bo(store: Store, anna: SignedIn) -> SignedIn:
    return let_in(store, anna, "Bo")


ONE = [(FAST_COST.passes, FAST_COST.memory_kib, FAST_COST.lanes)]


@pytest.mark.parametrize("name", ["Bo", "Anna Weiss", "Nobody Here", "x" * 200, "' OR 1=1 --"])
def test_a_name_that_nobody_has_costs_what_a_wrong_passphrase_costs(
    name: str, store: Store, bo: SignedIn, counting: Counting
) -> None:
    counting.asked.clear()

    with pytest.raises(WrongPassphrase) as caught:
        sign_in(store, name=name, passphrase="a wrong one that is long")

    assert counting.asked == ONE
    assert str(caught.value) == "the passphrase does not fit; try again, or use the recovery key"


def test_an_account_that_has_ended_answers_like_none_and_costs_as_much(
    store: Store, anna: SignedIn, bo: SignedIn, counting: Counting
) -> None:
    end_account(store, anna, counsellor_id=bo.id)
    counting.asked.clear()

    for passphrase in ("a wrong one that is long", BO_PASSPHRASE):
        with pytest.raises(WrongPassphrase):
            sign_in(store, name="Bo", passphrase=passphrase)

    assert counting.asked == ONE * 2


def test_a_right_passphrase_is_seen_to_be_right_once(store: Store, bo: SignedIn, counting: Counting) -> None:
    counting.asked.clear()

    by = sign_in(store, name="Bo", passphrase=BO_PASSPHRASE)

    assert by.id == CounsellorId(bo.id)
    assert counting.asked == ONE
