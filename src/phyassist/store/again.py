"""Acts that outlive the loss of their database: tried again until it answers, done once.

When a server dies in the middle of a commit, nobody is told whether it was kept.  `Store.write` looks for the
audit's row of that very write once the database answers again; what was kept is not done a second time.  What
was not is done again with the same ids and times, so that the same write repeated changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Concatenate, Generic, ParamSpec, TypeVar

from phyassist.errors import StoreAway
from phyassist.store.transactions import Store

_FIRST_WAIT_S, _WAIT_S_MAX = 0.1, 1.0
P = ParamSpec("P")
R = TypeVar("R")


def again(act: Callable[Concatenate[Store, P], R]) -> Callable[Concatenate[Store, P], R]:
    """A service that is tried again while its store is away, for `Store.patience_s` at most.

    It has to write in one transaction at most.  Raises StoreAway when the time is over, and what `act` does.
    """

    @wraps(act)
    def acting(store: Store, /, *args: P.args, **kwargs: P.kwargs) -> R:
        steady, ids, clock = copy(store), _Replay(store.new_id), _Replay(store.clock)
        steady.new_id, steady.clock = ids, clock
        until, wait_s = time.monotonic() + store.patience_s, _FIRST_WAIT_S
        while True:
            try:
                return act(steady, *args, **kwargs)
            except StoreAway:
                if time.monotonic() + wait_s > until:
                    raise
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _WAIT_S_MAX)
            ids.rewind()
            clock.rewind()

    return acting


class _Replay(Generic[R]):
    """Gives the same values in the same order after `rewind`."""

    def __init__(self, make: Callable[[], R]) -> None:
        self._make = make
        self._made: list[R] = []
        self._at = 0

    def __call__(self) -> R:
        if self._at == len(self._made):
            self._made.append(self._make())
        self._at += 1
        return self._made[self._at - 1]

    def rewind(self) -> None:
        self._at = 0
