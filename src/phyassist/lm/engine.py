"""Our own model server: starts the child process, keeps it running, and lends a client to it.

Adapters come and go while it answers.  A new one means a new child, which is started beside the one that
serves; it takes over when it has loaded, and the old one ends when it has said what it was saying.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from phyassist.errors import AdapterMissing, EngineDown, ModelDamaged, ModelError
from phyassist.lm.child_process import AdapterSource, Child, ChildOptions
from phyassist.lm.choices import make_grammar
from phyassist.lm.client import Address, OpenAIClient
from phyassist.lm.ggufs import read_head
from phyassist.lm.memory import MemoryFile
from phyassist.lm.protocol import GGUF_FILE, Ask, LanguageModel, ReadFile

# With adapters the base has a lane of its own.  llama.cpp throws a slot's cache away when the adapter
# changes, and its cache in memory does not know which adapter a prompt was read with: so requests are pinned,
# every one says the scale of every adapter, and that second cache is off.
BASE_SLOT, ADAPTER_SLOT = 0, 1
# What adapters may take in memory beside the model, and how many there may be: each change reads all of them
# anew.  The one that came first goes first, and comes back when it is asked for.
SHELF_BYTES_MAX = 1 << 30
SHELF_MAX = 12
# Who was told the old address a moment ago may still be on the way to it.
_LINGER_S = 2.0
_LOOK_EVERY_S = 0.5


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
        chosen = options or EngineOptions()
        context_tokens = min(chosen.context_tokens, head.context_tokens or sys.maxsize)
        self._options = ChildOptions(model, name or model.stem, context_tokens, chosen.threads, chosen.slots)
        self._architecture = head.architecture
        self._adapters: dict[str, AdapterSource] = dict(_check_adapters(adapters or {}, head.architecture))
        self._lock = threading.RLock()
        # One change of adapters at a time; answers need not wait for it.
        self._changing = threading.Lock()
        self._retired: list[Child] = []
        self._closed = False
        self._client = OpenAIClient(
            ChildServer(self), name=self._options.name, context_tokens=context_tokens, base_sha256=sha256
        )
        self._child: Child | None = Child(self._options, self._adapters)

    @property
    def model(self) -> LanguageModel:
        return self._client

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of those that it answers with now."""
        return tuple(self._adapters)

    @property
    def pid(self) -> int:
        """The child's process id; 0 when none runs."""
        child = self._child
        return 0 if child is None else child.pid

    def take_adapter(self, name: str, data: bytes) -> None:
        """Answer with this adapter too, opened in memory alone; what is being written goes on.

        Raises AdapterMissing where the system has no files in memory, ModelDamaged where it does not fit the
        model, EngineDown; the adapters of before then stay.
        """
        with self._changing:
            if name in self._adapters:
                return
            taken = MemoryFile(data)
            try:
                _check_adapters({name: Path(taken.path)}, self._architecture)
                self._change({**_fit_shelf(self._adapters, taken.size_bytes), name: taken})
            except ModelError:
                taken.close()
                raise

    def forget_adapters(self, names: Iterable[str]) -> None:
        """Answer without these from now on; what is being written goes on."""
        gone = set(names)
        with self._changing:
            kept = {name: source for name, source in self._adapters.items() if name not in gone}
            if len(kept) < len(self._adapters):
                self._change(kept)

    def restart(self) -> None:
        """Start anew without what was taken since: what the child had read is gone with its memory."""
        with self._changing, self._lock:
            if not self._closed:
                self._end_children()
                _close_all(self._adapters.values())
                self._adapters = {
                    name: source for name, source in self._adapters.items() if isinstance(source, Path)
                }
                self._child = Child(self._options, self._adapters)

    def close(self) -> None:
        """End the child; the model of a closed engine raises EngineDown."""
        self._closed = True
        for child in (self._child, *self._retired):
            if child is not None:
                child.kill()  # somebody may hold the lock, waiting for it to load
        with self._changing, self._lock:
            self._end_children()
            _close_all(self._adapters.values())
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
            if self._child is not None and self._child.has_died:
                self._child.end()
                self._child = None
            if self._child is None:
                self._child = Child(self._options, self._adapters)
            try:
                return self._child.await_address()
            except ModelError:
                self._child = None
                raise

    def find_exit(self) -> int | None:
        """The exit status of the child if it has ended or does within a moment (negative: a signal)."""
        child = self._child
        return None if child is None else child.find_exit()

    def _change(self, adapters: Mapping[str, AdapterSource]) -> None:
        """A child with these adapters takes the place of the present one."""
        beside = Child(self._options, adapters)
        try:
            beside.await_address()
        except ModelError as error:
            if isinstance(error, ModelDamaged):
                raise ModelDamaged(
                    "the engine cannot load this adapter",
                    hint="it was trained on another model: train it anew",
                ) from error
            raise
        with self._lock:
            if self._closed:
                beside.end()
                raise EngineDown("the engine is closed", hint="start PhyAssist again")
            old, self._child = self._child, beside
            gone = [source for name, source in self._adapters.items() if name not in adapters]
            self._adapters = dict(adapters)
            if old is not None:
                self._retired.append(old)
                threading.Thread(target=self._retire, args=(old,), name="retiring", daemon=True).start()
        # The child has read them; only one that is started again would need them.
        _close_all(gone)

    def _retire(self, child: Child) -> None:
        """End a child as soon as nobody is being answered by it."""
        time.sleep(_LINGER_S)
        while child.is_busy() and not self._closed:
            time.sleep(_LOOK_EVERY_S)
        with self._lock:
            if child in self._retired:
                self._retired.remove(child)
                child.end()

    def _end_children(self) -> None:
        for child in (self._child, *self._retired):
            if child is not None:
                child.end()
        self._child, self._retired = None, []


class RunningEngine(Protocol):
    """An engine of this process, or one that another process holds."""

    def get_address(self) -> Address: ...
    def find_exit(self) -> int | None: ...
    def restart(self) -> None: ...
    def take_adapter(self, name: str, data: bytes) -> None: ...


class ChildServer:
    """The child as the client sees it."""

    def __init__(self, engine: RunningEngine) -> None:
        self._engine = engine

    def get_address(self) -> Address:
        return self._engine.get_address()

    def shape(self, body: dict[str, Any], ask: Ask, address: Address) -> dict[str, Any]:
        """Adds progress, the prompt cache, no hidden thinking, and which adapter at which scale."""
        names = address.adapters
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

    def read_adapter(self, data: Mapping[str, Any], ask: Ask, address: Address) -> str | None:
        """What the engine says of itself, whatever was asked for."""
        del ask
        used = ((data.get("__verbose") or {}).get("generation_settings") or {}).get("lora") or ()
        return next((address.adapters[each["id"]] for each in used if each["scale"]), None)

    def explain_loss(self, *, begun: bool) -> ModelError:
        status = self._engine.find_exit()
        when = "in the middle of an answer" if begun else "before it answered"
        if status is None:
            return EngineDown(f"the connection to the engine broke {when}", hint="ask again")
        why = f"signal {-status}" if status < 0 else f"status {status}"
        return EngineDown(f"the engine stopped {when} ({why})", hint="ask again: it is started anew")

    def can_warm(self) -> bool:
        return True

    def find_lane(self, ask: Ask) -> str | None:
        """One after the other; with adapters loaded, the base and they have a lane each."""
        return "adapter" if ask.adapter else "base"

    def forget_prompts(self) -> None:
        self._engine.restart()

    def has_adapter(self, name: str) -> bool:
        return name in self._engine.get_address().adapters

    def take_adapter(self, name: str, read: ReadFile) -> None:
        self._engine.take_adapter(name, read(GGUF_FILE))

    def close(self) -> None:
        """The engine is closed by who opened it."""


def _check_adapters(adapters: Mapping[str, Path], architecture: str) -> Mapping[str, Path]:
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
    return adapters


def _fit_shelf(adapters: Mapping[str, AdapterSource], more_bytes: int) -> dict[str, AdapterSource]:
    """Those that may stay where so much is added, the ones that came first leaving first."""
    kept = dict(adapters)
    sizes = {name: each.size_bytes for name, each in kept.items() if isinstance(each, MemoryFile)}
    while sizes and (len(kept) >= SHELF_MAX or sum(sizes.values()) + more_bytes > SHELF_BYTES_MAX):
        oldest = next(iter(sizes))
        del sizes[oldest], kept[oldest]
    return kept


def _close_all(sources: Iterable[AdapterSource]) -> None:
    for source in sources:
        if isinstance(source, MemoryFile):
            source.close()
