"""Preparing the search by meaning in the background, while everybody goes on working."""

from __future__ import annotations

import logging
import threading

from phyassist.errors import PhyAssistError
from phyassist.knowledge.meaning import Embedder
from phyassist.services.library import embed_missing
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

_log = logging.getLogger(__name__)


class Shelver:
    """Makes vectors for what was added, one counsellor's documents after the other's.  `close` it at the end.

    What is not done when it closes is done at the next `embed_soon`: a document is kept whole or not at all.
    """

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store, self._embedder = store, embedder
        self._changed = threading.Condition()
        self._waiting: dict[str, SignedIn] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shelving", daemon=True)
        self._thread.start()

    def embed_soon(self, by: SignedIn) -> None:
        """Come back at once."""
        with self._changed:
            self._waiting[by.id] = by
            self._changed.notify()

    def close(self, *, wait_s: float = 2.0) -> None:
        with self._changed:
            self._closing.set()
            self._changed.notify()
        self._thread.join(wait_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing.is_set() or bool(self._waiting))
                if self._closing.is_set():
                    return
                by = self._waiting.pop(next(iter(self._waiting)))
            try:
                for _ in embed_missing(self._store, by, self._embedder, self._closing):
                    pass
            except PhyAssistError as error:
                # Nobody waits for this: words alone are searched until it is done.
                _log.info("the search by meaning was not prepared (%s)", error.code)
