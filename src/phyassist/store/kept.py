"""What this process keeps open for a login, so that a list or a search opens only what is new.

Cards and the words of notes, in memory alone: nothing here is ever written to a disk, and none of it decides
who may see whom.  Each reading asks the database again what the login may open, and takes from here what has
not changed since.  A login that ends, locks or idles takes its own with it; so does an erased patient.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple
from weakref import WeakValueDictionary

from phyassist.domain.clock import Clock
from phyassist.domain.notes import NoteId
from phyassist.domain.people import Patient, PatientId
from phyassist.store.people import SignedIn

KEPT_BYTES_MAX = 256 * 1024 * 1024
_SWEEP_S = 30.0


class Card(NamedTuple):
    """A patient's card at one version; `folded` is the name and the number as a search compares them."""

    version: int
    patient: Patient
    folded: str

    def __repr__(self) -> str:
        return f"Card({self.version}, {self.patient!r})"


class NoteMark(NamedTuple):
    """Changes whenever a note or an amendment of a patient was added or went."""

    notes: int
    last_number: int
    amendments: int


@dataclass(frozen=True, slots=True)
class NoteWords:
    """What a reader sees of a note as one text, and the same without capitals."""

    note_id: NoteId
    patient_id: PatientId
    at: datetime
    number: int
    text: str = field(repr=False)
    folded: str = field(repr=False)

    @property
    def size(self) -> int:
        shared = 0 if self.folded is self.text else sys.getsizeof(self.folded)
        return 400 + sys.getsizeof(self.text) + shared


class Opened:
    """What one login has open.  Hold `cards_lock` or `words_lock` from before the reading to its end:
    what is put in here is then never older than what `forget` has thrown away.
    """

    def __init__(self) -> None:
        self.cards_lock, self.words_lock = threading.Lock(), threading.Lock()
        self.cards: dict[PatientId, Card] = {}
        self.size = 0
        self._words: dict[PatientId, tuple[NoteMark, tuple[NoteWords, ...]]] = {}
        self._newest_first: tuple[NoteWords, ...] | None = None
        # The index of the library, which only `services.library` makes and reads.
        self.library_lock = threading.Lock()
        self.library: object | None = None

    def mark_of(self, patient_id: PatientId) -> NoteMark | None:
        found = self._words.get(patient_id)
        return None if found is None else found[0]

    def put(self, patient_id: PatientId, mark: NoteMark, words: tuple[NoteWords, ...]) -> None:
        self.drop(patient_id)
        self._words[patient_id] = mark, words
        self.size += sum(each.size for each in words)
        self._newest_first = None

    def drop(self, patient_id: PatientId) -> None:
        _, words = self._words.pop(patient_id, (None, ()))
        if words:
            self.size -= sum(each.size for each in words)
            self._newest_first = None

    def keep_only(self, patient_ids: Iterable[PatientId]) -> None:
        """Drop the words of every patient but these."""
        for patient_id in self._words.keys() - set(patient_ids):
            self.drop(patient_id)

    def newest_first(self) -> tuple[NoteWords, ...]:
        if self._newest_first is None:
            self._newest_first = sort_words(each for _, words in self._words.values() for each in words)
        return self._newest_first


def sort_words(words: Iterable[NoteWords]) -> tuple[NoteWords, ...]:
    """Newest first, as the notes of a patient stand."""
    by_id = sorted(words, key=attrgetter("note_id"))
    return tuple(sorted(by_id, key=attrgetter("at", "number"), reverse=True))


class Kept:
    """What is open, by login; bounded by `bytes_max`, past which the login used longest ago gives way."""

    def __init__(self, clock: Clock, *, bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._clock = clock
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._opened: dict[str, Opened] = {}
        # An index of the same documents serves every login that may open them, as long as one has it.
        self.libraries: WeakValueDictionary[frozenset[tuple[str, int]], object] = WeakValueDictionary()
        self._until: dict[str, datetime] = {}
        self._timer: threading.Timer | None = None

    def of(self, by: SignedIn) -> Opened:
        """What this login has open; something empty, which nobody keeps, where no browser has signed in."""
        with self._lock:
            if by.login_id not in self._until:
                return Opened()
            opened = self._opened.pop(by.login_id, None) or Opened()
            # The one used last stands at the end.
            self._opened[by.login_id] = opened
            return opened

    def has_room(self, opened: Opened, size: int) -> bool:
        """Whether so many bytes more may be kept there; other logins give way, the one used last at last."""
        with self._lock:
            for login_id in list(self._opened):
                if sum(each.size for each in self._opened.values()) + size <= self._bytes_max:
                    return True
                if self._opened[login_id] is not opened:
                    self._opened.pop(login_id)
            return opened.size + size <= self._bytes_max

    def hold(self, login_id: str, until: datetime) -> None:
        """The login is alive, and locks by itself at `until` unless it is used again."""
        with self._lock:
            self._until[login_id] = until
            self._wake()

    def end(self, login_id: str) -> None:
        """The login has ended: what it had open goes."""
        with self._lock:
            self._until.pop(login_id, None)
            self._opened.pop(login_id, None)

    def forget(self, patient_id: PatientId) -> None:
        """Nothing of an erased patient stays, whoever had it open; returns when it is gone."""
        with self._lock:
            everyone = list(self._opened.values())
        for opened in everyone:
            with opened.cards_lock:
                opened.cards.pop(patient_id, None)
            with opened.words_lock:
                opened.drop(patient_id)

    def sweep(self) -> None:
        """Drop what belongs to logins whose idle time is over."""
        now = self._clock()
        for login_id in [each for each, until in list(self._until.items()) if until <= now]:
            self.end(login_id)

    def close(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        for login_id in list(self._until):
            self.end(login_id)

    def _wake(self) -> None:
        # A timer that runs only while something may be open, and never keeps the process from ending.
        if self._timer is None and self._until:
            self._timer = threading.Timer(_SWEEP_S, self._tick)
            self._timer.daemon = True
            self._timer.start()

    def _tick(self) -> None:
        self.sweep()
        with self._lock:
            if self._timer is not None:
                self._timer = None
                self._wake()
