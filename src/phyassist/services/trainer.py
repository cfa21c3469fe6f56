"""The training process as its worker sees it: text goes in through a pipe, frames come out of another."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from phyassist.domain.frames import Frame, read_frame, write_frame
from phyassist.services.run_files import RunExample

MODULE = "phyassist.training.pipe"


@dataclass(frozen=True, slots=True)
class TrainerTask:
    """What is trained on what.  `gguf` is the base's file, to be made ready in `base` at the first time.

    `others` are the files of other adapters, by adapter and name.  `join` is the way in which those called
    `JOINED` and a number become one; empty: one is trained.
    """

    base: str
    gguf: str
    recipe: Mapping[str, str]
    examples: tuple[RunExample, ...] = field(repr=False)
    others: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    checkpoint: bytes | None = field(default=None, repr=False)
    join: str = ""


class TrainerProcess:
    """It starts at once.  `close` ends it, in whatever it is doing; so does the end of the worker."""

    def __init__(self, task: TrainerTask, module: str = MODULE) -> None:
        # What libraries print may hold what they were given, and goes nowhere.
        self._process = subprocess.Popen(  # noqa: S603  # a module of our own
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._found: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        for run in (lambda: self._tell(task), self._listen):
            threading.Thread(target=run, name="trainer", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def frames(self, look_every_s: float) -> Iterator[Frame | None]:
        """What it says, as it comes; None now and then while it says nothing.  Ends when it has ended."""
        while True:
            try:
                frame = self._found.get(timeout=look_every_s)
            except queue.Empty:
                yield None
                continue
            if frame is None:
                return
            yield frame

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def __enter__(self) -> TrainerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, task: TrainerTask) -> None:
        # A thread of its own: the process may read slowly while it loads what it needs.
        with suppress(OSError, ValueError):
            # It stays open: its end is how the process learns that the worker has ended.
            write_task(_pipe(self._process.stdin), task)

    def _listen(self) -> None:
        with suppress(OSError, ValueError):
            while (frame := read_frame(_pipe(self._process.stdout))) is not None:
                self._found.put(frame)
        self._found.put(None)


def write_task(to: IO[bytes], task: TrainerTask) -> None:
    """All that the process is to know: a frame with the examples, and one for each file beside them."""
    rows = json.dumps([each.to_json() for each in task.examples], ensure_ascii=False)
    more: list[tuple[dict[str, Any], bytes]] = [
        ({"kind": "file", "of": of, "name": name}, data)
        for of, files in task.others.items()
        for name, data in files.items()
    ]
    if task.checkpoint is not None:
        more.append(({"kind": "checkpoint"}, task.checkpoint))
    head = {
        "kind": "train",
        "base": task.base,
        "gguf": task.gguf,
        "recipe": dict(task.recipe),
        "join": task.join,
        "more": len(more),
    }
    write_frame(to, head, rows.encode("utf-8", "surrogatepass"))
    for said, data in more:
        write_frame(to, said, data)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("no pipe")
    return pipe
