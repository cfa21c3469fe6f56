"""Whose turn it is: one after the other in a lane, in the order in which they came."""

from __future__ import annotations

import threading

from phyassist.lm.protocol import Never
from phyassist.lm.turns import Turns


class Writer(threading.Thread):
    """Waits for its turn, keeps it until it is let go; says which places it was told."""

    def __init__(self, turns: Turns, lane: str | None, served: list[str], name: str) -> None:
        super().__init__(daemon=True)
        self.turns, self.lane, self.served, self.told = turns, lane, served, list[int]()
        self.name, self.let_go, self.queued, self.stop = (
            name,
            threading.Event(),
            threading.Event(),
            threading.Event(),
        )

    def run(self) -> None:
        with self.turns.writing(self.lane) as turn:
            self.queued.set()
            for ahead in turn.wait(self.stop):
                self.told.append(ahead)
            self.served.append(self.name)
            self.let_go.wait(10)

    def begin(self) -> Writer:
        self.start()
        assert self.queued.wait(10)
        return self


def until(served: list[str], count: int) -> None:
    moment = threading.Event()
    for _ in range(500):
        if len(served) >= count:
            return
        moment.wait(0.01)
    raise AssertionError(f"only {served} were served")


def test_a_lane_serves_one_after_the_other_and_tells_each_its_place() -> None:
    turns, served = Turns(), list[str]()
    writers = [Writer(turns, "base", served, name).begin() for name in ("first", "second", "third")]
    until(served, 1)

    for number, writer in enumerate(writers, 1):
        until(served, number)
        assert len(served) == number
        writer.let_go.set()

    for writer in writers:
        writer.join(10)
    assert served == ["first", "second", "third"]
    assert [writer.told for writer in writers] == [[], [1], [2, 1]]


def test_another_lane_and_a_server_of_many_wait_for_nobody() -> None:
    turns, served = Turns(), list[str]()
    for name, lane in (("base", "base"), ("adapter", "adapter"), ("one", None), ("other", None)):
        Writer(turns, lane, served, name).begin()

    until(served, 4)

    assert set(served) == {"base", "adapter", "one", "other"}


def test_who_is_stopped_waits_no_longer_and_holds_nobody_up() -> None:
    turns, served = Turns(), list[str]()
    first = Writer(turns, "base", served, "first").begin()
    second = Writer(turns, "base", served, "second").begin()
    third = Writer(turns, "base", served, "third").begin()

    second.stop.set()
    until(served, 2)
    second.let_go.set()
    first.let_go.set()
    until(served, 3)

    assert served == ["first", "second", "third"]
    third.let_go.set()


def test_reading_in_advance_waits_for_every_writer() -> None:
    turns = Turns()

    with turns.warming() as warmer:
        before = warmer.is_set()
        with turns.writing("base") as turn:
            list(turn.wait(Never()))
            during = warmer.is_set()
        after = warmer.is_set()

    assert (before, during, after) == (False, True, False)
