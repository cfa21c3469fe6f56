"""Who may use the engine now: questions in the order in which they came, reading ahead in the quiet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from phyassist.lm.protocol import Stop

# How often one who waits looks whether it was stopped.
LOOK_EVERY_S = 0.1


class Turns:
    """Queues the writers of each lane, and stacks the warmers: the newest is what the person looks at now."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writers: list[Turn] = []
        self._warmers: list[Warmer] = []

    @contextmanager
    def writing(self, lane: str | None) -> Iterator[Turn]:
        """A place in the queue of a lane; it holds everybody who only reads in advance.

        Without a lane it is this one's turn at once.
        """
        turn = Turn(self, lane)
        with self._changed:
            self._writers.append(turn)
        try:
            yield turn
        finally:
            with self._changed:
                self._writers.remove(turn)
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
        return bool(self._writers) or self._warmers[-1] is not warmer

    def wait(self, warmer: Warmer) -> None:
        """Return when it is this one's turn."""
        with self._changed:
            self._changed.wait_for(lambda: not self.must_wait(warmer))

    def count_ahead(self, turn: Turn) -> int:
        """How many of the same lane came before and are not done."""
        if turn.lane is None:
            return 0
        before = self._writers[: self._writers.index(turn)]
        return sum(other.lane == turn.lane for other in before)

    def await_change(self, turn: Turn, ahead: int) -> int:
        """How many are ahead now; comes back after a moment where nothing has changed."""
        with self._changed:
            self._changed.wait_for(lambda: self.count_ahead(turn) != ahead, LOOK_EVERY_S)
            return self.count_ahead(turn)


class Turn:
    """A writer's place in the queue of its lane."""

    def __init__(self, turns: Turns, lane: str | None) -> None:
        self._turns, self.lane = turns, lane

    def wait(self, stop: Stop) -> Iterator[int]:
        """How many are ahead, each time that this changes; ends when it is this one's turn, or at a stop."""
        told, ahead = 0, self._turns.await_change(self, -1)
        while ahead and not stop.is_set():
            if ahead != told:
                yield ahead
                told = ahead
            ahead = self._turns.await_change(self, ahead)


class Warmer:
    """One reading in advance.  It is a Stop: set as soon as it should give way."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def is_set(self) -> bool:
        return self._turns.must_wait(self)

    def wait(self) -> None:
        """Return when nobody writes and nothing newer is to be read."""
        self._turns.wait(self)
