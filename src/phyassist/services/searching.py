"""Finding: patients and notes by the words in them, looked through in memory.

The store has no index of what was said.  The first search of a login opens every note that the login may
open; the words stay in this process's memory, and later searches open only what is new.  Before each one the
database is asked who may be seen and what has been added, by any process, so a search is never behind.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Patient, PatientId
from phyassist.store.kept import NoteWords, Opened, sort_words
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

FOUND_MAX = 200
_EXCERPT_CHARACTERS = 80
_BEFORE_CHARACTERS = 24
_WORDS_MAX = 12
# Notes that are opened together: their texts are in memory twice for so long.
_PATIENTS_AT_ONCE = 200
_Word = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A patient, or one of their notes, that holds every word looked for."""

    patient: Patient
    where: Literal["name", "number", "note"]
    excerpt: str = field(repr=False)
    note_id: NoteId | None = None


def find(store: Store, by: SignedIn, words: str, *, limit: int = FOUND_MAX) -> tuple[Found, ...]:
    """Patients and notes that hold all of `words`, which spaces part; case and width do not matter.

    Patients come first, then notes, newest first, `limit` in all.  A note is found by words of its own
    together with the patient's name and number.
    """
    wanted = tuple(_ways_to_write(word) for word in _plain(words).split()[:_WORDS_MAX])
    if not wanted:
        return ()
    opened = store.kept.of(by)
    with opened.cards_lock, store.read(by) as tx:
        known = {patient.id: patient for patient in tx.patients.list(opened.cards)}
    with opened.words_lock, store.read(by) as tx:
        notes = _open_notes(store, tx, opened)
    cards = (_find_in_card(patient, wanted) for patient in known.values())
    found = [each for each in cards if each is not None][:limit]
    return (*found, *islice(_find_in_notes(notes, known, wanted), limit - len(found)))


def _open_notes(store: Store, tx: Tx, opened: Opened) -> tuple[NoteWords, ...]:
    """The words of every note that may be seen, newest first; only what is not yet open is opened."""
    marks = tx.notes.marks()
    opened.keep_only(marks)
    missing = [patient_id for patient_id, mark in marks.items() if opened.mark_of(patient_id) != mark]
    unkept: list[NoteWords] = []
    for start in range(0, len(missing), _PATIENTS_AT_ONCE):
        by_patient: dict[PatientId, list[NoteWords]] = {}
        for note in tx.notes.list_of(missing[start : start + _PATIENTS_AT_ONCE]):
            by_patient.setdefault(note.patient_id, []).append(_take_words(note))
        for patient_id, words in by_patient.items():
            if store.kept.has_room(opened, sum(each.size for each in words)):
                opened.put(patient_id, marks[patient_id], tuple(words))
            else:
                opened.drop(patient_id)
                unkept += words
    return sort_words((*opened.newest_first(), *unkept)) if unkept else opened.newest_first()


def _find_in_card(patient: Patient, wanted: tuple[_Word, ...]) -> Found | None:
    name, number = _plain(patient.name), _plain(patient.number)
    in_name = [_at(word, name) >= 0 for word in wanted]
    if not all(inside or _at(word, number) >= 0 for inside, word in zip(in_name, wanted, strict=True)):
        return None
    if any(in_name):
        return Found(patient, "name", patient.name)
    return Found(patient, "number", patient.number)


def _find_in_notes(
    notes: tuple[NoteWords, ...], known: dict[PatientId, Patient], wanted: tuple[_Word, ...]
) -> Iterator[Found]:
    """A note holds at least one of the words; those that it does not hold stand on its patient's card."""
    on_card: dict[_Word, set[PatientId]] = {word: set() for word in wanted}
    for patient_id, patient in known.items():
        card = _plain(f"{patient.name}\n{patient.number}")
        for word, those in on_card.items():
            if _at(word, card) >= 0:
                those.add(patient_id)
    for note in notes:
        patient = known.get(note.patient_id)
        if patient is None:
            continue
        first = -1
        for word in wanted:
            at = _at(word, note.folded)
            if at < 0 and note.patient_id not in on_card[word]:
                break
            first = at if first < 0 else first
        else:
            if first >= 0:
                yield Found(patient, "note", _excerpt(note.text, first), note.note_id)


def _take_words(note: Note) -> NoteWords:
    text = note_words(note)
    folded = text.casefold()
    # Most Chinese texts are their own small letters, and need to be kept only once.
    return NoteWords(note.id, note.patient_id, note.at, note.number, text, text if folded == text else folded)


def note_words(note: Note) -> str:
    """Everything a reader sees of a note, as one text."""
    items = [part for item in note.items if not item.deleted for part in (item.text, item.quote) if part]
    added = [part for each in note.amendments for part in (each.reason, each.text) if part]
    return "\n".join((note.question, *items, *added))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _ways_to_write(word: str) -> _Word:
    # To bring every note to one width takes ten times as long as to look for a word in both of its widths.
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in word)
    return tuple({word, wide.casefold()})


def _at(word: _Word, text: str) -> int:
    """Where the word stands in a text, in either width; -1 where it does not."""
    return next((at for way in word if (at := text.find(way)) >= 0), -1)


def _excerpt(text: str, at: int) -> str:
    # `at` was found in the folded text, which is a few characters longer or shorter at most.
    start = max(0, min(at, len(text)) - _BEFORE_CHARACTERS)
    piece = " ".join(text[start : start + _EXCERPT_CHARACTERS].split())
    return ("…" if start else "") + piece + ("…" if start + _EXCERPT_CHARACTERS < len(text) else "")
