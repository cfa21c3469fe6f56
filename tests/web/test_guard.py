from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.datastructures import Headers

from phyassist.services.running import Stops
from phyassist.web.faults import describe_error
from phyassist.web.guard import is_own_page
from phyassist.web.pages.choices import own_path
from phyassist.web.sse import Bit, _forward


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"host": "127.0.0.1:8420", "origin": "http://127.0.0.1:8420"}, True),
        ({"host": "127.0.0.1:8420", "sec-fetch-site": "same-origin"}, True),
        ({"host": "127.0.0.1:8420", "origin": "http://evil.example"}, False),
        ({"host": "127.0.0.1:8420", "origin": "null"}, False),
        ({"host": "127.0.0.1:8420", "sec-fetch-site": "cross-site"}, False),
        ({"host": "127.0.0.1:8420", "sec-fetch-site": "same-site"}, False),
        ({"host": "127.0.0.1:8420"}, False),
    ],
)
def test_a_write_is_taken_from_our_own_page_alone(headers: dict[str, str], own: bool) -> None:
    assert is_own_page(Headers(headers), "http") is own


def test_a_page_without_tls_does_not_write_to_one_with_tls() -> None:
    headers = Headers({"host": "practice.example", "origin": "http://practice.example"})

    assert is_own_page(headers, "http")
    assert not is_own_page(headers, "https")


@pytest.mark.parametrize("path", ["//evil.example", "http://evil.example", "/\\evil.example", "patients"])
def test_unlocking_leads_nowhere_else(path: str) -> None:
    assert own_path(path) == "/"
    assert own_path("/patients/1/notes?note=2") == "/patients/1/notes?note=2"


def test_an_event_keeps_its_lines_together() -> None:
    assert Bit("<p>\n</p>").encode() == b"event: bit\ndata: <p>\ndata: </p>\n\n"


def test_a_reader_who_leaves_stops_the_model() -> None:
    stop, stops = threading.Event(), Stops()

    def bits(stop: threading.Event) -> Iterator[Bit]:
        while not stop.is_set():
            yield Bit("more")
            time.sleep(0.01)

    async def read_one() -> bytes:
        stream = _forward(bits, stop, lambda: stops.close("run"))
        first = await anext(stream)
        await stream.aclose()
        return first

    # A thread of its own: the browser tests keep a loop running in this one.
    with ThreadPoolExecutor() as pool:
        first = pool.submit(lambda: asyncio.run(read_one())).result(10)

    assert first.startswith(b"event: bit")
    assert stop.is_set()


def test_one_run_at_a_time_has_a_name() -> None:
    stops = Stops()

    first, second = stops.open("d1"), stops.open("d1")
    stops.stop("d1")

    assert first is not None
    assert first.is_set()
    assert second is None


def test_the_log_line_of_a_fault_holds_no_message() -> None:
    try:
        try:
            raise ValueError("she said it in confidence")
        except ValueError as error:
            raise RuntimeError("she said it again") from error
    except RuntimeError as error:
        said = describe_error(error)

    assert "she said" not in said
    assert "RuntimeError" in said
    assert "because of builtins.ValueError" in said
    assert "test_guard.py" in said
