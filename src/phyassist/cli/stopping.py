"""Ctrl C as a stop: the first one ends the writing in good order, a second one ends the command."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from phyassist.cli.screen import tell


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that Ctrl C sets while the block runs."""
    stop = threading.Event()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("stopping; what was written is kept")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
