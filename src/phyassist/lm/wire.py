"""One streamed POST that can be stopped at any moment, also while the server is silent."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from phyassist.lm.protocol import Stop

STOP_POLL_S = 0.05
_REFUSAL_BYTES_MAX = 64_000


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, parsed."""

    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answered with an error status; `body` may repeat what was asked, so it is never shown."""

    status: int
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection did not come about (`begun` false) or broke."""

    begun: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The asker wanted no more."""


class Exchange:
    """A POST whose answer is read by a thread of its own.

    Reading a long prompt takes an engine minutes in which no byte comes.  The thread may wait for it; whoever
    wants to stop shuts the socket, which ends the thread and tells the engine that nobody listens.
    """

    def __init__(
        self, client: httpx.Client, url: str, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> None:
        self._client, self._url, self._headers, self._body = client, url, dict(headers), body
        self._found: queue.SimpleQueue[Event | Refused | Lost | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._over = False
        self._begun = False
        self._thread = threading.Thread(target=self._read, name="lm-exchange", daemon=True)

    def events(self, stop: Stop) -> Iterator[Event | Refused | Lost | Stopped]:
        """Events as they come; Refused, Lost or Stopped is the last one if it comes at all."""
        self._thread.start()
        try:
            while not stop.is_set():
                try:
                    found = self._found.get(timeout=STOP_POLL_S)
                except queue.Empty:
                    continue
                if found is None:
                    return
                yield found
                if not isinstance(found, Event):
                    return
            yield Stopped()
        finally:
            self._shut()

    def _read(self) -> None:
        try:
            with self._client.stream(
                "POST",
                self._url,
                json=self._body,
                headers=self._headers,
                extensions={"trace": self._watch_connection},
            ) as response:
                self._begun = True
                if response.status_code != httpx.codes.OK:
                    text = response.read()[:_REFUSAL_BYTES_MAX].decode("utf-8", "replace")
                    self._found.put(Refused(response.status_code, text))
                    return
                for event in parse_events(response.iter_bytes()):
                    self._found.put(event)
        except (httpx.HTTPError, OSError, json.JSONDecodeError):
            self._found.put(Lost(self._begun))
        finally:
            self._found.put(None)

    def _watch_connection(self, name: str, info: Mapping[str, Any]) -> None:
        """Learn the socket while the request is still under way: a queued one has no response to close."""
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = info["return_value"]
            with self._lock:
                self._socket = stream.get_extra_info("socket")
                self._begun = False
                if self._over:
                    _shut(self._socket)

    def _shut(self) -> None:
        with self._lock:
            self._over = True
            _shut(self._socket)


def _shut(connection: socket.socket | None) -> None:
    if connection is not None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was closed already, which is what we want


def parse_events(pieces: Iterable[bytes]) -> Iterator[Event]:
    """The data of server-sent events up to `[DONE]`.

    Lines end at a line feed only: text may hold U+2028 or U+0085, at which `str.splitlines` would cut it.
    Raises json.JSONDecodeError where the data is not JSON.
    """
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            name, _, data = line.partition(b":")
            data = data.strip()
            if data == b"[DONE]":
                return
            if name == b"data" and data:
                yield Event(json.loads(data))
            elif name == b"error" and data:
                yield Event({"error": json.loads(data)})
