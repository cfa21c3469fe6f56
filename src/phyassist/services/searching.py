"""Finding: patients and notes by the words in them, looked through in memory.

The store has no index of what was said.  The first search of a login opens every note that the login may
open; the words stay in this process's memory, and later searches open only what is new.  Before each one the
database is asked who may be seen and what has been added, by any process, so a search is never behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from phyassist.domain.folding import fold
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Patient, PatientId
from phyassist.store.kept import Card, NoteWords, Opened, sort_words
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

FOUND_MAX = 200
_EXCERPT_CHARACTERS = 80
_BEFORE_CHARACTERS = 24
_WORDS_MAX = 12
# Notes that are opened together: their texts are in memory twice for so long.
_PATIENTS_AT_ONCE = 200
_NOTES_AT_ONCE = 2000
_Word = tuple[str, str]


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
    wanted = tuple(_ways_to_write(word) for word in fold(words).split()[:_WORDS_MAX])
    if not wanted:
        return ()
    opened = store.kept.of(by)
    with opened.cards_lock, store.read(by) as tx:
        tx.patients.list(opened.cards)
        cards = dict(opened.cards)
    with opened.words_lock, store.read(by) as tx:
        notes = _open_notes(store, tx, opened)
    found = list(islice(_find_in_cards(cards, wanted), limit))
    return (*found, *islice(_find_in_notes(notes, cards, wanted), limit - len(found)))


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


def _find_in_cards(cards: dict[PatientId, Card], wanted: tuple[_Word, ...]) -> Iterator[Found]:
    for card in cards.values():
        if all(_is_in(word, card.folded) for word in wanted):
            name, patient = fold(card.patient.name), card.patient
            if any(_is_in(word, name) for word in wanted):
                yield Found(patient, "name", patient.name)
            else:
                yield Found(patient, "number", patient.number)


def _find_in_notes(
    notes: tuple[NoteWords, ...], cards: dict[PatientId, Card], wanted: tuple[_Word, ...]
) -> Iterator[Found]:
    """A note holds at least one of the words; those that it does not hold stand on its patient's card."""
    on_card = {
        word: {patient_id for patient_id, card in cards.items() if _is_in(word, card.folded)}
        for word in wanted
    }
    for start in range(0, len(notes), _NOTES_AT_ONCE):
        fitting = list(notes[start : start + _NOTES_AT_ONCE])
        for word in wanted:
            fitting = _keep_fitting(fitting, word, on_card[word])
        for note in fitting:
            at = next((at for word in wanted if (at := _at(word, note.folded)) >= 0), -1)
            card = cards.get(note.patient_id)
            if at >= 0 and card is not None:
                yield Found(card.patient, "note", _excerpt(note.text, at), note.note_id)


def _keep_fitting(notes: list[NoteWords], word: _Word, on_card: set[PatientId]) -> list[NoteWords]:
    # Every note goes through here at every keystroke, so each case is a loop without a call in it.
    first, other = word[0], word[-1]
    if on_card:
        return [
            note
            for note in notes
            if first in note.folded or other in note.folded or note.patient_id in on_card
        ]
    if first == other:
        return [note for note in notes if first in note.folded]
    return [note for note in notes if first in note.folded or other in note.folded]


def _take_words(note: Note) -> NoteWords:
    text = note_words(note)
    folded = text.casefold()
    # Most Chinese texts are their own small letters, and need to be kept only once.
    return NoteWords(note.id, note.patient_id, note.at, note.number, text, text if folded == text else folded)


def note_words(note: Note) -> str:
    """Everything a reader sees of a note, as one text."""
    items = [part for item in note.items if not item.deleted for part in (item.text, item.quote) if part]
    by_hand = [each.text for each in note.by_hand]
    added = [part for each in note.amendments for part in (each.reason, each.text) if part]
    return "\n".join((note.question, *items, *by_hand, *added))


def _ways_to_write(word: str) -> _Word:
    # To bring every note to one width takes ten times as long as to look for a word in both of its widths.
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in word)
    return word, wide.casefold()


def _is_in(word: _Word, text: str) -> bool:
    return word[0] in text or word[-1] in text


def _at(word: _Word, text: str) -> int:
    """Where the word stands in a text, in either width; -1 where it does not."""
    return next((at for way in word if (at := text.find(way)) >= 0), -1)


def _excerpt(text: str, at: int) -> str:
    # `at` was found in the folded text, which is a few characters longer or shorter at most.
    start = max(0, min(at, len(text)) - _BEFORE_CHARACTERS)
    piece = " ".join(text[start : start + _EXCERPT_CHARACTERS].split())
    return ("…" if start else "") + piece + ("…" if start + _EXCERPT_CHARACTERS < len(text) else "")
