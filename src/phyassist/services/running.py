"""Runs that any process of a practice may show and stop: who writes, whether it lives, how it is stopped.

A run lives in one process and its row in the store.  The process says every few seconds that it is alive and
looks whether somebody wants it to stop; a run whose process fell silent has broken off and may be taken up.
"""

from __future__ import annotations

import logging
import threading
import time

from phyassist.domain.people import PatientId
from phyassist.domain.runs import ModelRun, RunKind
from phyassist.errors import ChangedMeanwhile, NotFound, StoreError
from phyassist.services.access import check_may_change
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

BEAT_EVERY_S = 3.0
LOOK_EVERY_S = 0.4
_log = logging.getLogger(__name__)


class Stops:
    """The runs that are going on in this process, so that a Stop button finds its own."""

    def __init__(self) -> None:
        self._events: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def open(self, name: str) -> threading.Event | None:
        """A new stop for the run `name`; None while one of that name is still going on."""
        with self._lock:
            if name in self._events:
                return None
            return self._events.setdefault(name, threading.Event())

    def close(self, name: str) -> None:
        with self._lock:
            self._events.pop(name, None)

    def stop(self, name: str) -> bool:
        """Whether there was such a run here."""
        with self._lock:
            event = self._events.get(name)
        if event is not None:
            event.set()
        return event is not None

    def stop_all(self) -> None:
        with self._lock:
            events = list(self._events.values())
        for event in events:
            event.set()

    def __bool__(self) -> bool:
        with self._lock:
            return bool(self._events)


class RunKeeper:
    """The runs of this process, known to all others through the store.  `close` it at the end."""

    def __init__(self, store: Store, *, owner_id: str = "") -> None:
        self._store = store
        self._owner_id = owner_id or store.new_id()
        self._stops = Stops()
        self._over: set[str] = set()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def begin(
        self, by: SignedIn, run_id: str, *, patient_id: PatientId | None, kind: RunKind
    ) -> threading.Event | None:
        """What stops the run that begins now; None while the same is being written, here or elsewhere.

        Raises NotYourPatient, ReadOnly, StoreUnusable.
        """
        stop = self._stops.open(run_id)
        if stop is None:
            return None
        is_ours = False
        try:
            is_ours = self._enter(by, run_id, patient_id, kind)
        finally:
            if not is_ours:
                self._stops.close(run_id)
        if not is_ours:
            return None
        with self._changed:
            self._over.discard(run_id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="runs", daemon=True)
                self._thread.start()
            self._changed.notify()
        return stop

    def end(self, run_id: str) -> None:
        """The run is over, however it ended; where the store is away, its row goes as soon as it is back."""
        self._stops.close(run_id)
        with self._changed:
            self._over.add(run_id)
            self._changed.notify()
        self._forget_over()

    def stop(self, run_id: str) -> None:
        """Stop a run wherever it is: at once here, within half a second elsewhere."""
        if self._stops.stop(run_id):
            return
        with self._store.entrance(writes=True) as entrance:
            entrance.runs.want_stop(run_id)

    def close(self) -> None:
        """Stop all runs of this process; what they have written is kept."""
        self._stops.stop_all()
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _enter(self, by: SignedIn, run_id: str, patient_id: PatientId | None, kind: RunKind) -> bool:
        now = self._store.clock()
        run = ModelRun(run_id, patient_id, kind, self._owner_id, by.id, now, now)
        try:
            with self._store.write(by) as tx:
                if patient_id is not None:
                    check_may_change(tx, patient_id)
                return tx.runs.begin(run)
        except ChangedMeanwhile:
            return False  # another process began the same in this moment

    def _watch(self) -> None:
        beat_at = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or bool(self._stops) or bool(self._over))
                if self._is_closed and not self._stops and not self._over:
                    return
            self._forget_over()
            try:
                if time.monotonic() - beat_at >= BEAT_EVERY_S:
                    with self._store.entrance(writes=True) as entrance:
                        entrance.runs.beat(self._owner_id)
                    beat_at = time.monotonic()
                with self._store.entrance() as entrance:
                    unwanted = entrance.runs.list_unwanted(self._owner_id)
            except StoreError as error:
                _log.warning("the runs of this process could not be looked at (%s)", error.code)
                unwanted = ()
            for run_id in unwanted:
                self._stops.stop(run_id)
            if self._is_closed:
                return
            time.sleep(LOOK_EVERY_S)

    def _forget_over(self) -> None:
        with self._changed:
            over = set(self._over)
        if not over:
            return
        try:
            with self._store.entrance(writes=True) as entrance:
                entrance.runs.end(over, self._owner_id)
        except StoreError as error:
            _log.warning("a run that is over still stands in the store (%s)", error.code)
            return
        with self._changed:
            self._over -= over


def find_run(store: Store, by: SignedIn, run_id: str) -> ModelRun | None:
    """The run that writes this, alive or broken off.  Raises NotFound, NotYourPatient."""
    with store.read(by) as tx:
        run = tx.runs.find(run_id)
        if run is not None and run.patient_id is not None:
            tx.patients.get(run.patient_id)
        elif run is not None and run.by_id != by.id:
            raise NotFound(f"no run {run_id}", hint="load the page again")
        return run
