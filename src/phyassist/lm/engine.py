"""Our own model server: starts the child process, keeps it running, and lends a client to it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from phyassist.errors import AdapterMissing, EngineDown, ModelDamaged, ModelError
from phyassist.lm.choices import make_grammar
from phyassist.lm.client import Address, OpenAIClient
from phyassist.lm.ggufs import read_head
from phyassist.lm.protocol import Ask, LanguageModel

START_WAIT_S = 300.0
END_WAIT_S = 5.0
CACHE_MIB = 1024
BATCH_TOKENS = 128
# With adapters the base has a lane of its own.  llama.cpp throws a slot's cache away when the adapter
# changes, and its cache in memory does not know which adapter a prompt was read with: so requests are pinned,
# every one says the scale of every adapter, and that second cache is off.
BASE_SLOT, ADAPTER_SLOT = 0, 1


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`context_tokens` for each slot; `threads` 0 leaves the number to llama.cpp (the physical cores)."""

    context_tokens: int = 8192
    threads: int = 0
    slots: int = 1


class Engine:
    """A llama.cpp server in a child process, started at once and again whenever it has died."""

    def __init__(
        self,
        model: Path,
        *,
        name: str = "",
        sha256: str = "",
        adapters: Mapping[str, Path] | None = None,
        options: EngineOptions | None = None,
    ) -> None:
        """Start the child; it loads the model while the caller goes on.

        Raises ModelMissing, ModelDamaged, AdapterMissing by looking at the files.
        """
        head = read_head(model)
        if head.kind != "model":
            raise ModelDamaged(
                f"{model} is an adapter, not a model", hint="name the model that it was made for"
            )
        self._model_path, self._name = model, name or model.stem
        self._architecture = head.architecture
        self._adapters = _check_adapters(adapters or {}, head.architecture)
        self._options = options or EngineOptions()
        self._context_tokens = min(self._options.context_tokens, head.context_tokens or sys.maxsize)
        self._lock = threading.RLock()
        self._child: subprocess.Popen[str] | None = None
        self._address: Address | None = None
        self._closed = False
        self._client = OpenAIClient(
            ChildServer(self), name=self._name, context_tokens=self._context_tokens, base_sha256=sha256
        )
        self._spawn()

    @property
    def model(self) -> LanguageModel:
        return self._client

    @property
    def adapters(self) -> Mapping[str, Path]:
        return dict(self._adapters)

    @property
    def pid(self) -> int:
        """The child's process id; 0 when none runs."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def load_adapters(self, adapters: Mapping[str, Path]) -> None:
        """Start anew with these adapters in place of the present ones; what is being written breaks off."""
        checked = _check_adapters(adapters, self._architecture)
        with self._lock:
            self._end_child()
            self._adapters = checked
            self._spawn()

    def restart(self) -> None:
        """Start anew: what the child had read is gone with its memory."""
        with self._lock:
            if not self._closed:
                self._spawn()

    def close(self) -> None:
        """End the child; the model of a closed engine raises EngineDown."""
        self._closed = True
        child = self._child
        if child is not None:
            child.kill()  # somebody may hold the lock, waiting for it to load
        with self._lock:
            self._end_child()
        self._client.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get_address(self) -> Address:
        """The address of the running child, which is started if it has died; waits until the model is loaded.

        Raises EngineDown where it does not come up, ModelDamaged where it cannot read the model.
        """
        with self._lock:
            if self._closed:
                raise EngineDown("the engine is closed", hint="start PhyAssist again")
            # One that died while loading has said why; that is read below before it is started again.
            died = self._child is not None and self._child.poll() is not None and self._address is not None
            if self._child is None or died:
                self._spawn()
            if self._address is None:
                self._address = self._await_address()
            return self._address

    def find_exit(self) -> int | None:
        """The exit status of the child if it has ended or does within a moment (negative: a signal)."""
        child = self._child
        if child is None:
            return None
        try:
            return child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return None

    def _spawn(self) -> None:
        self._end_child()
        self._key = secrets.token_urlsafe(32)
        lanes = max(self._options.slots, 2) if self._adapters else self._options.slots
        settings = {
            "model": str(self._model_path),
            "name": self._name,
            "key": self._key,
            "context_tokens": self._context_tokens,
            "threads": self._options.threads,
            "slots": lanes,
            "batch_tokens": BATCH_TOKENS,
            "cache_mib": 0 if self._adapters else CACHE_MIB,
            "adapters": [str(path) for path in self._adapters.values()],
        }
        # What llama.cpp prints goes nowhere: a log must never hold a patient's words.
        self._child = subprocess.Popen(
            [sys.executable, "-m", "phyassist.lm.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            stdin = _pipe(self._child.stdin)
            stdin.write(json.dumps(settings) + "\n")
            stdin.flush()
        except OSError as error:
            raise EngineDown("the engine did not start", hint="run phyassist doctor") from error

    def _await_address(self) -> Address:
        child = self._child
        assert child is not None  # noqa: S101
        line = _read_line(_pipe(child.stdout), START_WAIT_S)
        said = json.loads(line) if line.startswith("{") else {}
        if "url" in said:
            return Address(said["url"], self._key)
        self._end_child()
        if "failed" in said and self._adapters:
            # The architecture was the same: what is left is another size, or a file that is broken inside.
            names = ", ".join(self._adapters)
            raise ModelDamaged(
                f"the engine cannot load {self._name} with {names}",
                hint="use adapters with the base model that they were trained on",
            )
        if "failed" in said:
            raise ModelDamaged(
                f"the engine cannot load {self._name}", hint="fetch the model again, or choose another"
            )
        raise EngineDown(
            f"the engine ended while it loaded {self._name}",
            hint="there may be too little memory: close other programs or use a smaller model",
        )

    def _end_child(self) -> None:
        child, self._child, self._address = self._child, None, None
        if child is None:
            return
        # The child leaves by itself when its stdin closes; kill is for one that hangs.
        _close(child.stdin)
        try:
            child.wait(timeout=END_WAIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        _close(child.stdout)


class RunningEngine(Protocol):
    """An engine of this process, or one that another process holds."""

    @property
    def adapters(self) -> Mapping[str, Path]: ...
    def get_address(self) -> Address: ...
    def find_exit(self) -> int | None: ...
    def restart(self) -> None: ...


class ChildServer:
    """The child as the client sees it."""

    def __init__(self, engine: RunningEngine) -> None:
        self._engine = engine

    def get_address(self) -> Address:
        return self._engine.get_address()

    def shape(self, body: dict[str, Any], ask: Ask) -> dict[str, Any]:
        """Adds progress, the prompt cache, no hidden thinking, and which adapter at which scale."""
        names = list(self._engine.adapters)
        if ask.adapter and ask.adapter not in names:
            raise AdapterMissing(f"adapter {ask.adapter} is not loaded", hint="load it, or ask without it")
        body |= {
            "return_progress": True,
            "cache_prompt": True,
            "chat_template_kwargs": {"enable_thinking": False},
        }
        if names:
            body["lora"] = [{"id": no, "scale": float(name == ask.adapter)} for no, name in enumerate(names)]
            body["id_slot"] = ADAPTER_SLOT if ask.adapter else BASE_SLOT
            # The settings that the engine used come back with the last event: it says which adapter answered.
            body["verbose"] = True
        return body

    def hold_to_choices(self, ask: Ask) -> Mapping[str, Any]:
        return {"grammar": make_grammar(ask.choices, goes_on=ask.goes_on)}

    def read_adapter(self, data: Mapping[str, Any], ask: Ask) -> str | None:
        """What the engine says of itself, whatever was asked for."""
        del ask
        used = ((data.get("__verbose") or {}).get("generation_settings") or {}).get("lora") or ()
        names = list(self._engine.adapters)
        return next((names[each["id"]] for each in used if each["scale"]), None)

    def explain_loss(self, *, begun: bool) -> ModelError:
        status = self._engine.find_exit()
        when = "in the middle of an answer" if begun else "before it answered"
        if status is None:
            return EngineDown(f"the connection to the engine broke {when}", hint="ask again")
        why = f"signal {-status}" if status < 0 else f"status {status}"
        return EngineDown(f"the engine stopped {when} ({why})", hint="ask again: it is started anew")

    def can_warm(self) -> bool:
        return True

    def forget_prompts(self) -> None:
        self._engine.restart()


def _check_adapters(adapters: Mapping[str, Path], architecture: str) -> dict[str, Path]:
    for name, path in adapters.items():
        if not path.is_file():
            raise AdapterMissing(f"the file of adapter {name} is not there", hint="train or import it again")
        head = read_head(path)
        if head.kind != "adapter":
            raise ModelDamaged(f"the file of adapter {name} is not an adapter", hint="import it again")
        if head.architecture != architecture:
            raise AdapterMissing(
                f"adapter {name} was made for a {head.architecture} model and this one is {architecture}",
                hint="use it with the base model that it was trained on",
            )
    return dict(adapters)


def _read_line(pipe: IO[str], wait_s: float) -> str:
    """The first line, or nothing when the child ends or the time is over."""
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.readline()), daemon=True)
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
