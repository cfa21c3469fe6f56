"""Patients: the list, the card, the whole file, and finding."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from phyassist.domain.drafts import Draft
from phyassist.domain.notes import Note, NoteId, Withdrawn
from phyassist.domain.people import Language, Patient, PatientId
from phyassist.domain.records import Consultation, Record
from phyassist.errors import BadInput
from phyassist.services.access import check_counsels, check_may_change
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

NAME_CHARACTERS_MAX = 200
NUMBER_CHARACTERS_MAX = 60
_EXCERPT_CHARACTERS = 80
_BEFORE_CHARACTERS = 24
_WORDS_MAX = 12
_Word = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A line of the list: `last_at` is when anything last happened."""

    patient: Patient
    has_open_draft: bool
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A patient, or one of their notes, that holds every word looked for."""

    patient: Patient
    where: Literal["name", "number", "note"]
    excerpt: str = field(repr=False)
    note_id: NoteId | None = None


@dataclass(frozen=True, slots=True)
class PatientFile:
    """All that a patient's pages show; consultations, notes and drafts newest first."""

    patient: Patient
    record: Record
    consultations: tuple[Consultation, ...]
    notes: tuple[Note, ...]
    open_draft: Draft | None
    drafts: tuple[Draft, ...]
    withdrawn: tuple[Withdrawn, ...] = ()


@again
def new_patient(
    store: Store, by: SignedIn, *, name: str, number: str = "", language: Language = "zh"
) -> Patient:
    """A patient with a data key of their own.

    Raises BadInput for an empty or overlong name, NotAllowed for an administrator, StoreFull.
    """
    check_counsels(by)
    patient = Patient(PatientId(store.new_id()), _check_name(name), _check_number(number), language)
    with store.write(by) as tx:
        stored = tx.patients.add(patient)
        tx.audit.write(Act.CREATED, Kind.PATIENT, patient.id)
    return stored


@again
def edit_patient(
    store: Store,
    by: SignedIn,
    *,
    patient_id: PatientId,
    name: str,
    number: str,
    language: Language,
    after: datetime | None = None,
) -> Patient:
    """The card as it stands now; `after` is the `updated_at` of the card it was edited from.

    Raises BadInput, NotFound, NotYourPatient, ChangedMeanwhile.
    """
    name, number = _check_name(name), _check_number(number)
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        card = replace(tx.patients.get(patient_id), name=name, number=number, language=language)
        stored = tx.patients.update(replace(card, updated_at=after or card.updated_at))
        tx.audit.write(Act.CHANGED, Kind.PATIENT, patient_id)
    return stored


def delete_patient(store: Store, by: SignedIn, *, patient_id: PatientId) -> None:
    """Destroy the patient's key, and with it everything about them, for good.

    Copies in backups open no more once the last backup that holds the key has expired.
    Raises NotFound, NotYourPatient.
    """
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        tx.patients.delete(patient_id)
        tx.audit.write(Act.DELETED, Kind.PATIENT, patient_id)


def list_patients(store: Store, by: SignedIn) -> tuple[PatientRow, ...]:
    """Every patient one may open, the one something happened with last at the top."""
    with store.read(by) as tx:
        known, activity = tx.patients.list(), tx.patients.activity()
    rows = [
        PatientRow(patient, activity[patient.id].has_open_draft, activity[patient.id].last_at)
        for patient in known
    ]
    return tuple(sorted(rows, key=lambda row: row.last_at, reverse=True))


def load_patient(store: Store, by: SignedIn, patient_id: PatientId) -> PatientFile:
    """Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        drafts = tx.drafts.list(patient_id)
        return PatientFile(
            patient=tx.patients.get(patient_id),
            record=tx.records.get(patient_id),
            consultations=tx.consultations.list(patient_id),
            notes=tx.notes.list(patient_id),
            open_draft=tx.drafts.open_of(patient_id),
            drafts=drafts,
            withdrawn=tx.notes.list_withdrawn(patient_id),
        )


def find(store: Store, by: SignedIn, words: str) -> tuple[Found, ...]:
    """Patients and notes that hold all of `words`, which spaces part; case and width do not matter.

    Patients come first, then notes, newest first.  A note is found by words of its own together with the
    patient's name and number.  All is looked through in memory: the store has no index of what was said.
    """
    wanted = tuple(_ways_to_write(word) for word in _plain(words).split()[:_WORDS_MAX])
    if not wanted:
        return ()
    with store.read(by) as tx:
        known = {patient.id: patient for patient in tx.patients.list()}
        notes = tx.notes.list_all()
    cards = [_find_in_card(patient, wanted) for patient in known.values()]
    found = [_find_in_note(known[note.patient_id], note, wanted) for note in notes]
    return tuple(each for each in (*cards, *found) if each is not None)


def _find_in_card(patient: Patient, wanted: tuple[_Word, ...]) -> Found | None:
    name, number = _plain(patient.name), _plain(patient.number)
    in_name = [_at(word, name) >= 0 for word in wanted]
    if not all(inside or _at(word, number) >= 0 for inside, word in zip(in_name, wanted, strict=True)):
        return None
    if any(in_name):
        return Found(patient, "name", patient.name)
    return Found(patient, "number", patient.number)


def _find_in_note(patient: Patient, note: Note, wanted: tuple[_Word, ...]) -> Found | None:
    text = note_words(note)
    folded, card = text.casefold(), _plain(f"{patient.name}\n{patient.number}")
    places = [_at(word, folded) for word in wanted]
    if max(places) < 0 or not all(
        at >= 0 or _at(word, card) >= 0 for at, word in zip(places, wanted, strict=True)
    ):
        return None
    return Found(patient, "note", _excerpt(text, next(at for at in places if at >= 0)), note.id)


def note_words(note: Note) -> str:
    """Everything a reader sees of a note, as one text."""
    items = [part for item in note.items if not item.deleted for part in (item.text, item.quote) if part]
    by_hand = [each.text for each in note.by_hand]
    added = [part for each in note.amendments for part in (each.reason, each.text) if part]
    return "\n".join((note.question, *items, *by_hand, *added))


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


def _check_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain:
        raise BadInput("a patient needs a name, or initials", hint="type one")
    if len(plain) > NAME_CHARACTERS_MAX:
        raise BadInput(f"the name is longer than {NAME_CHARACTERS_MAX} characters", hint="shorten it")
    return plain


def _check_number(number: str) -> str:
    plain = " ".join(number.split())
    if len(plain) > NUMBER_CHARACTERS_MAX:
        raise BadInput(f"the number is longer than {NUMBER_CHARACTERS_MAX} characters", hint="shorten it")
    return plain
