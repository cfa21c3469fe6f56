"""`phyassist serve --workers N`: several web processes on one port, one store and one engine.

The first process holds the port and the engine, starts the others, and starts again one that has died.  What
they need goes to them through pipes; when the first one ends, however it ends, the others do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from phyassist.cli.screen import tell
from phyassist.errors import PhyAssistError, WorkersDied

if TYPE_CHECKING:
    from phyassist.lm.engine import Engine
    from phyassist.lm.protocol import LanguageModel
    from phyassist.settings import Settings

WORKERS_MAX = 32
_ENDS_IN_S = 8.0
# One that dies again and again soon after its start would keep a processor busy with starting it.
_LONG_LIFE_S = 60.0
_PAUSE_MAX_S = 60.0


@dataclass
class Worker:
    number: int
    process: BaseProcess
    started_at: float
    deaths: int = 0


def choose_pause(deaths: int) -> float:
    """Seconds before the next start of one that died so often in a row without a long life."""
    return min(2.0 ** (deaths - 2), _PAUSE_MAX_S) if deaths > 1 else 0.0


class EngineHolder:
    """Calling it gives the engine of the settings, opened once; closed at the end of the block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._engine: Engine | None = None

    def __call__(self) -> Engine:
        """Raises ModelMissing, ModelDamaged, UnknownName; a later call tries again."""
        from phyassist.lm.opening import open_engine

        with self._lock:
            if self._engine is None:
                engine, _ = open_engine(
                    model=self._settings.model,
                    models_dir=self._settings.models_dir,
                    context_tokens=self._settings.context_tokens,
                    threads=self._settings.threads,
                )
                self._engine = self._open.enter_context(engine)
            return self._engine

    def __enter__(self) -> EngineHolder:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def run_workers(settings: Settings, sock: socket.socket, count: int, announce: Callable[[], None]) -> None:
    """Serve with `count` processes until interrupted; `announce` is called when the first one listens.

    Raises StoreUnusable, WorkersDied.
    """
    from phyassist.cli.keeping import WorkerKeeper
    from phyassist.services.workers import load_worker
    from phyassist.store.opening import open_store

    # Brought up to date once, and what is wrong with it is said once.
    with (
        open_store(settings.store_url) as store,
        EngineHolder(settings) as engine,
        WorkerKeeper(settings, store, load_worker(settings.home)),
    ):
        if not settings.model_url:
            try:
                engine()
            except PhyAssistError as error:
                tell(f"no model yet: {error} [{error.code}]")
        crew = _Crew(settings, sock, engine, announce)
        # A process that was started in the background inherits that Ctrl C means nothing; and what stops a
        # service sends SIGTERM.  Both end the crew in good order.
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, signal.default_int_handler)
        try:
            with suppress(KeyboardInterrupt):
                crew.keep(count)
        finally:
            crew.end()


class _Crew:
    """The workers that run now."""

    def __init__(
        self, settings: Settings, sock: socket.socket, engine: EngineHolder, announce: Callable[[], None]
    ) -> None:
        self._settings, self._sock, self._engine = settings, sock, engine
        self._announce = announce
        self._is_announced = threading.Lock()
        self._spawning = multiprocessing.get_context("spawn")
        self._workers: list[Worker] = []

    def keep(self, count: int) -> None:
        """Start them, and again whichever dies.  Raises WorkersDied where that does not help."""
        self._workers = [self._start(number) for number in range(1, count + 1)]
        resting: list[tuple[float, Worker]] = []
        while True:
            until = min((at for at, _ in resting), default=None)
            ended = wait(
                [each.process.sentinel for each in self._workers],
                None if until is None else max(0.0, until - time.monotonic()),
            )
            for due in [each for each in resting if each[0] <= time.monotonic()]:
                resting.remove(due)
                self._workers.append(self._start(due[1].number, due[1].deaths))
            for worker in [each for each in self._workers if each.process.sentinel in ended]:
                worker.process.join()
                self._workers.remove(worker)
                # Where none has served yet, what is wrong would be wrong again.
                if not self._is_announced.locked():
                    raise WorkersDied(
                        f"web process {worker.number} ended before it could serve",
                        hint="look into the log, or start without --workers",
                    )
                now = time.monotonic()
                worker.deaths = 1 if now - worker.started_at > _LONG_LIFE_S else worker.deaths + 1
                pause_s = choose_pause(worker.deaths)
                when = f" in {pause_s:g} s" if pause_s else ""
                code = worker.process.exitcode
                tell(f"web process {worker.number} ended ({code}) and is started again{when}")
                resting.append((now + pause_s, worker))

    def end(self) -> None:
        """Let each finish what it answers, then end it."""
        for worker in self._workers:
            worker.process.terminate()
        until = time.monotonic() + _ENDS_IN_S
        for worker in self._workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _start(self, number: int, deaths: int = 0) -> Worker:
        from phyassist.lm.shared import answer_questions

        ours, theirs = self._spawning.Pipe()
        alive, watched = self._spawning.Pipe(duplex=False)
        process = self._spawning.Process(
            target=work, args=(self._settings, self._sock, theirs, alive), name=f"phyassist-{number}"
        )
        process.start()
        # Ours alone hold the pipes open now: each side notices when the other has gone.
        theirs.close()
        alive.close()

        def serve_questions() -> None:
            with suppress(EOFError, OSError):
                ours.recv_bytes()
                if self._is_announced.acquire(blocking=False):
                    self._announce()
                answer_questions(ours, self._engine)
            watched.close()

        threading.Thread(target=serve_questions, name=f"worker-{number}", daemon=True).start()
        return Worker(number, process, time.monotonic(), deaths)


def work(settings: Settings, sock: socket.socket, questions: Connection, alive: Connection) -> None:
    """One web process, until it is ended or the first process has gone."""
    from phyassist.cli.run import Run
    from phyassist.cli.workspace import SharedModel, serve_app
    from phyassist.lm.shared import SharedEngine
    from phyassist.store.opening import open_store

    # Ctrl C in a terminal reaches the whole group; it is the first process that decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), name="alive", daemon=True).start()
    run = Run(home=settings.home)
    run.load_settings()
    with ExitStack() as stack:
        stack.callback(run.close)
        store = stack.enter_context(open_store(settings.store_url))
        model: Callable[[], LanguageModel]
        if settings.model_url:
            model = stack.enter_context(SharedModel(settings, store))
        else:
            engine = SharedEngine(questions)
            model = lambda: engine.model  # noqa: E731  a property, asked again each time
        serve_app(settings, sock, store, model, lambda: questions.send_bytes(b"{}"))


def _end_with(alive: Connection) -> None:
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_ENDS_IN_S)
    os._exit(1)
