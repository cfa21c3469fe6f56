"""Server-sent events: a service's generator runs in a thread, the reader gets what it yields.

When the reader leaves, the model is told to stop; what was found until then is in the store already.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from fastapi.responses import StreamingResponse

ALIVE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Bit:
    """One event: `html` goes into the page where its own marks say."""

    html: str = field(repr=False)
    event: str = "bit"

    def encode(self) -> bytes:
        lines = self.html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return "".join([f"event: {self.event}\n", *(f"data: {line}\n" for line in lines), "\n"]).encode()


END = Bit("", "end")
Bits = Callable[[threading.Event], Iterator[Bit]]


def stream(bits: Bits, stop: threading.Event, when_done: Callable[[], None]) -> StreamingResponse:
    """The reply that forwards `bits(stop)`, then an `end` event, after which the page does not call again."""
    return StreamingResponse(
        _forward(bits, stop, when_done),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def one_shot(*bits: Bit) -> StreamingResponse:
    """A stream that only says these, for a reader whose run is over."""
    body = b"".join(bit.encode() for bit in (*bits, END))
    return StreamingResponse(iter([body]), media_type="text/event-stream")


async def _forward(bits: Bits, stop: threading.Event, when_done: Callable[[], None]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Bit | None] = asyncio.Queue()

    def put(bit: Bit | None) -> None:
        # The loop may be gone when the server shuts down under a running model.
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, bit)

    def work() -> None:
        try:
            for bit in bits(stop):
                put(bit)
        finally:
            when_done()
            put(None)

    threading.Thread(target=work, name="run", daemon=True).start()
    try:
        while True:
            try:
                bit = await asyncio.wait_for(queue.get(), ALIVE_EVERY_S)
            except TimeoutError:
                # A comment line: readers ignore it, and a reader who has left is noticed by it.
                yield b": alive\n\n"
                continue
            if bit is None:
                break
            yield bit.encode()
        yield END.encode()
    finally:
        stop.set()
