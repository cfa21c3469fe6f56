"""One run of the engine's child: started with its settings through a pipe, asked how busy it is, ended."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from phyassist.errors import EngineDown, ModelDamaged
from phyassist.lm.client import Address
from phyassist.lm.memory import MemoryFile

START_WAIT_S = 300.0
END_WAIT_S = 5.0
CACHE_MIB = 1024
BATCH_TOKENS = 128
_BUSY = re.compile(r"^llamacpp:requests_(?:processing|deferred) (\d+)", re.MULTILINE)
_BUSY_WAIT_S = 10.0

AdapterSource = Path | MemoryFile


@dataclass(frozen=True, slots=True)
class ChildOptions:
    """The model and how it is served."""

    model: Path
    name: str
    context_tokens: int
    threads: int
    slots: int


class Child:
    """It starts at once and loads while the caller goes on.  Raises EngineDown where it cannot be started."""

    def __init__(self, options: ChildOptions, adapters: Mapping[str, AdapterSource]) -> None:
        self._name, self._adapters = options.name, tuple(adapters)
        self._key = secrets.token_urlsafe(32)
        self._address: Address | None = None
        self._lock = threading.Lock()
        held = [each.descriptor for each in adapters.values() if isinstance(each, MemoryFile)]
        settings = {
            "model": str(options.model),
            "name": options.name,
            "key": self._key,
            "context_tokens": options.context_tokens,
            "threads": options.threads,
            "slots": max(options.slots, 2) if adapters else options.slots,
            "batch_tokens": BATCH_TOKENS,
            "cache_mib": 0 if adapters else CACHE_MIB,
            "adapters": [
                each.path if isinstance(each, MemoryFile) else str(each) for each in adapters.values()
            ],
        }
        # What llama.cpp prints goes nowhere: a log must never hold a patient's words.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "phyassist.lm.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            pass_fds=held,
        )
        try:
            stdin = _pipe(self._process.stdin)
            stdin.write(json.dumps(settings) + "\n")
            stdin.flush()
        except OSError as error:
            self.end()
            raise EngineDown("the engine did not start", hint="run phyassist doctor") from error

    @property
    def pid(self) -> int:
        """0 when it has ended."""
        return self._process.pid if self._process.poll() is None else 0

    @property
    def has_died(self) -> bool:
        """Whether it ended after it had answered where it listens; one that died while loading says why."""
        return self._process.poll() is not None and self._address is not None

    def await_address(self) -> Address:
        """Where it listens, once the model is loaded.

        Raises EngineDown where it does not come up, ModelDamaged where it cannot read what it was given.
        """
        with self._lock:
            if self._address is None:
                self._address = self._read_address()
            return self._address

    def find_exit(self) -> int | None:
        """The exit status if it has ended or does within a moment (negative: a signal)."""
        try:
            return self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return None

    def is_busy(self) -> bool:
        """Whether it answers somebody just now; one that cannot be asked is taken to be."""
        if self._address is None or not self.pid:
            return False
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            with httpx.Client(trust_env=False, timeout=_BUSY_WAIT_S) as http:
                said = http.get(f"{self._address.url}/metrics", headers=headers).text
        except httpx.HTTPError:
            return bool(self.pid)
        return any(int(count) for count in _BUSY.findall(said))

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        # The child leaves by itself when its stdin closes; kill is for one that hangs.
        _close(self._process.stdin)
        try:
            self._process.wait(timeout=END_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _close(self._process.stdout)

    def _read_address(self) -> Address:
        line = _read_line(_pipe(self._process.stdout), START_WAIT_S)
        said = json.loads(line) if line.startswith("{") else {}
        if "url" in said:
            return Address(said["url"], self._key, self._adapters)
        self.end()
        if "failed" in said:
            raise ModelDamaged(
                f"the engine cannot load {self._name}", hint="fetch the model again, or choose another"
            )
        raise EngineDown(
            f"the engine ended while it loaded {self._name}",
            hint="there may be too little memory: close other programs or use a smaller model",
        )


def _read_line(pipe: IO[str], wait_s: float) -> str:
    """The first line, or nothing when the child ends or the time is over."""
    found: list[str] = []

    def read() -> None:
        try:
            found.append(pipe.readline())
        except (OSError, ValueError):
            return  # the pipe was closed from our side

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(wait_s)
    return found[0] if found else ""


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise EngineDown("the engine did not start", hint="run phyassist doctor")
    return pipe


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:
            return  # the other end is gone already
