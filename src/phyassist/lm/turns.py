"""Who may use the engine now: a person's question at once, reading in advance only in the quiet between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Counts the writers, and stacks the warmers: the newest is what the person looks at now."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writers = 0
        self._warmers: list[Warmer] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold everybody who only reads in advance."""
        with self._changed:
            self._writers += 1
        try:
            yield
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()

    @contextmanager
    def warming(self) -> Iterator[Warmer]:
        """A place among those who read in advance, left at the end."""
        warmer = Warmer(self)
        with self._changed:
            self._warmers.append(warmer)
        try:
            yield warmer
        finally:
            with self._changed:
                self._warmers.remove(warmer)
                self._changed.notify_all()

    def must_wait(self, warmer: Warmer) -> bool:
        return self._writers > 0 or self._warmers[-1] is not warmer

    def wait(self, warmer: Warmer) -> None:
        """Return when it is this one's turn."""
        with self._changed:
            self._changed.wait_for(lambda: not self.must_wait(warmer))


class Warmer:
    """One reading in advance.  It is a Stop: set as soon as it should give way."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def is_set(self) -> bool:
        return self._turns.must_wait(self)

    def wait(self) -> None:
        """Return when nobody writes and nothing newer is to be read."""
        self._turns.wait(self)
