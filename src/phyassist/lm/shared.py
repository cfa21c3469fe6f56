"""One engine for several processes: the one that holds it answers the others' questions about it.

The address and the key go through a pipe that only the two processes have; they stand on no disk and in no
environment.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from phyassist.errors import EngineDown, PhyAssistError, find_error
from phyassist.lm.client import Address, OpenAIClient
from phyassist.lm.engine import ChildServer, Engine
from phyassist.lm.protocol import LanguageModel


class Pipe(Protocol):
    """One end of a two-way pipe (`multiprocessing.connection.Connection`)."""

    def send_bytes(self, message: bytes) -> None: ...
    def recv_bytes(self) -> bytes: ...


def answer_questions(pipe: Pipe, get_engine: Callable[[], Engine]) -> None:
    """Answer what the process at the other end asks, until it has gone."""
    while True:
        try:
            told = json.loads(pipe.recv_bytes())
            # An adapter's bytes follow in a message of their own; they go on to memory alone.
            data = pipe.recv_bytes() if told["ask"] == "adapter" else b""
            pipe.send_bytes(json.dumps(_answer(told, data, get_engine)).encode())
        except (EOFError, OSError):
            return


def _answer(told: Mapping[str, str], data: bytes, get_engine: Callable[[], Engine]) -> dict[str, Any]:
    asked = told["ask"]
    try:
        engine = get_engine()
        if asked == "address":
            address = engine.get_address()
            return {"url": address.url, "key": address.key, "adapters": address.adapters}
        if asked == "adapter":
            engine.take_adapter(told["name"], data)
            return {}
        if asked == "exit":
            return {"status": engine.find_exit()}
        if asked == "restart":
            engine.restart()
            return {}
        return {
            "name": engine.model.name,
            "context_tokens": engine.model.context_tokens,
            "base_sha256": engine.model.base_sha256,
        }
    except PhyAssistError as error:
        return {"code": error.code, "what": error.what, "hint": error.hint}


class SharedEngine:
    """An engine that lives in another process, as the client sees it."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._model: LanguageModel | None = None

    @property
    def model(self) -> LanguageModel:
        """Raises ModelMissing, ModelDamaged, UnknownName; a later call asks again."""
        if self._model is None:
            told = self._ask("model")
            self._model = OpenAIClient(
                ChildServer(self),
                name=told["name"],
                context_tokens=told["context_tokens"],
                base_sha256=told["base_sha256"],
            )
        return self._model

    def get_address(self) -> Address:
        """Raises what the engine's own does."""
        told = self._ask("address")
        return Address(told["url"], told["key"], tuple(told["adapters"]))

    def find_exit(self) -> int | None:
        status = self._ask("exit")["status"]
        return None if status is None else int(status)

    def restart(self) -> None:
        """For all processes: what the engine had read is gone."""
        self._ask("restart")

    def take_adapter(self, name: str, data: bytes) -> None:
        """For all processes.  Raises what the engine's own does."""
        self._ask("adapter", name, data)

    def _ask(self, asked: str, name: str = "", data: bytes = b"") -> dict[str, Any]:
        try:
            with self._lock:
                self._pipe.send_bytes(json.dumps({"ask": asked, "name": name}).encode())
                if data:
                    self._pipe.send_bytes(data)
                told: dict[str, Any] = json.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            raise EngineDown(
                "the process that holds the engine has ended", hint="start PhyAssist again"
            ) from None
        if "code" in told:
            raise find_error(told["code"])(told["what"], hint=told["hint"])
        return told
