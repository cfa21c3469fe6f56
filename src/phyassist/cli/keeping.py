"""The worker of a computer that serves: a process of its own, started when a run waits and ended with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from phyassist.errors import PhyAssistError

if TYPE_CHECKING:
    from phyassist.settings import Settings
    from phyassist.store.transactions import Store
    from phyassist.store.workers import WorkerKeys

LOOK_EVERY_S = 2.0
# Below whoever waits for a page or an answer; what it starts inherits it.
NICE = 10
_ENDS_IN_S = 5.0
_log = logging.getLogger(__name__)


class WorkerKeeper:
    """Looks every two seconds whether a run waits for this computer's worker; `close` ends what it started.

    A run that is broken off goes on from its last checkpoint at the next start.
    """

    def __init__(self, settings: Settings, store: Store, worker: WorkerKeys, *, nice: int = NICE) -> None:
        self._settings, self._store, self._worker = settings, store, worker
        self._nice = nice
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._look, name="worker-keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=_ENDS_IN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> WorkerKeeper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self) -> None:
        from phyassist.services.workers import is_work_waiting

        while not self._over.wait(LOOK_EVERY_S):
            if self._process is not None and self._process.poll() is None:
                continue
            try:
                if is_work_waiting(self._store, self._worker):
                    self._start()
            except PhyAssistError as error:
                _log.warning("nobody could look whether a run waits (%s)", error.code)

    def _start(self) -> None:
        command = [sys.executable, "-m", "phyassist.cli.main", "--home", str(self._settings.home), "worker"]
        if self._settings.model:
            command += ["--model", self._settings.model]
        # What it prints goes nowhere: how its run fares stands with the run.
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            [*command, "--once"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, self._nice)
