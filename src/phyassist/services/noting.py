"""Notes: a draft signed, withdrawn or locked, what is added to it, and how notes leave the house."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from phyassist.domain.drafts import Draft, DraftId, DraftState
from phyassist.domain.notes import Amendment, ByHand, Note, NoteId
from phyassist.domain.people import PatientId
from phyassist.domain.templates import keep_written
from phyassist.errors import BadInput, EmptyText, NotAllowed, TextTooLong, UnknownName
from phyassist.services.access import check_may_change, check_runs_practice
from phyassist.services.consent import drop_unneeded_versions
from phyassist.services.following import get_followed
from phyassist.services.note_forms import (
    make_export_json,
    name_file,
    render_note_markdown,
    render_note_text,
)
from phyassist.services.templates import get_template, list_heading_keys
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.entrance import PRACTICE_ID
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

Form = Literal["txt", "md", "json"]
BY_HAND_CHARS_MAX = 20_000
LOCK_DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class Export:
    """A file to be handed over; its name holds the practice's number for the patient, never a name."""

    file_name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotesCheck:
    """Ids of notes that are not what was signed, and of those whose fingerprint the audit does not know."""

    patients: int
    changed: tuple[str, ...]
    unanchored: tuple[str, ...]


def preview_note(
    store: Store,
    by: SignedIn,
    *,
    draft_id: DraftId,
    template: str = "",
    by_hand: Sequence[ByHand] | None = None,
) -> Note:
    """The note as it would be signed now; nothing is stored.

    Without a `template` it has the practice's usual form.  A draft that was signed and withdrawn before has
    the form of that note, and what was written by hand then, unless `by_hand` says otherwise.
    Raises NotFound, NotYourPatient, UnknownName, EmptyText where no item stands.
    """
    with store.read(by) as tx:
        draft = tx.drafts.get(draft_id)
        earlier = _find_withdrawn(tx, draft)
        if by_hand is None:
            by_hand = earlier.by_hand if earlier else ()
        template = template or (earlier.template if earlier else "")
        return _make_note(tx, by, draft, NoteId(""), now=store.clock(), template=template, by_hand=by_hand)


@again
def save_note(
    store: Store,
    by: SignedIn,
    *,
    draft_id: DraftId,
    after: int,
    template: str = "",
    by_hand: Sequence[ByHand] = (),
) -> Note:
    """The draft signed: a dated note whose words stand.  The draft is closed.

    Its earlier versions stay where the patient agreed to training, and are dropped where not.

    Its author may withdraw it for as many days as the practice has settled; then it locks by itself.
    Raises NotFound, NotYourPatient, NotAllowed, UnknownName, EmptyText, TextTooLong, ChangedMeanwhile.
    """
    with store.write(by) as tx:
        draft = get_followed(tx, draft_id, after=after, touching=None)
        if any(len(each.text) > BY_HAND_CHARS_MAX for each in by_hand):
            raise TextTooLong(
                f"more than {BY_HAND_CHARS_MAX:,} characters under one heading", hint="shorten what you wrote"
            )
        now, days = store.clock(), tx.settings.get().lock_after_days
        made = _make_note(tx, by, draft, NoteId(store.new_id()), now=now, template=template, by_hand=by_hand)
        note = tx.notes.add(replace(made, locks_at=now + timedelta(days=days)))
        tx.drafts.set_state(draft_id, DraftState.SAVED)
        drop_unneeded_versions(tx, note.patient_id)
        tx.audit.write(Act.SIGNED, Kind.NOTE, note.id)
    return note


@again
def lock_note(store: Store, by: SignedIn, *, note_id: NoteId) -> Note:
    """The note locked now: from here on it can only be amended.  One that is locked stays so.

    Raises NotFound, NotYourPatient, NotAllowed for everyone but its author.
    """
    with store.write(by) as tx:
        note = tx.notes.get(note_id)
        check_may_change(tx, note.patient_id)
        _check_author(note, by)
        if note.is_locked(store.clock()):
            return note
        locked = tx.notes.lock(note_id, store.clock())
        tx.audit.write(Act.LOCKED, Kind.NOTE, note_id)
    return locked


@again
def withdraw_note(store: Store, by: SignedIn, *, note_id: NoteId, reason: str) -> Draft:
    """The note's draft, open again.  What was signed stays as a trace, with author, time and reason.

    Raises NotFound, NotYourPatient, EmptyText without a reason, NotAllowed for everyone but its author, and
    once the note is locked or amended.
    """
    if not reason.strip():
        raise EmptyText(
            "to withdraw a note needs a reason", hint="say why it is withdrawn", reason="no-reason"
        )
    with store.write(by) as tx:
        note = tx.notes.get(note_id)
        check_may_change(tx, note.patient_id)
        _check_author(note, by)
        if note.is_locked(store.clock()):
            raise NotAllowed(f"note {note_id} is locked", hint="amend it; the note itself stays")
        tx.notes.withdraw(note_id, at=store.clock(), reason=reason.strip())
        tx.drafts.set_state(note.draft_id, DraftState.OPEN)
        tx.audit.write(Act.WITHDRAWN, Kind.NOTE, note_id)
        return tx.drafts.get(note.draft_id)


@again
def amend_note(store: Store, by: SignedIn, *, note_id: NoteId, reason: str, text: str) -> Note:
    """The note with words added below it, with author, time and reason; an amended note is locked.

    Raises NotFound, NotYourPatient, EmptyText where either is missing.
    """
    if not text.strip():
        raise EmptyText("an amendment needs words", hint="write what is to be added", reason="no-words")
    if not reason.strip():
        raise EmptyText("an amendment needs a reason", hint="say why it is added", reason="no-reason")
    amendment = Amendment(store.clock(), by.counsellor.name, reason.strip(), text.strip())
    with store.write(by) as tx:
        check_may_change(tx, tx.notes.get(note_id).patient_id)
        tx.notes.lock(note_id, store.clock())
        note = tx.notes.amend(note_id, amendment)
        tx.audit.write(Act.AMENDED, Kind.NOTE, note_id)
    return note


def export_notes(
    store: Store, by: SignedIn, *, patient_id: PatientId, form: Form, template: str = ""
) -> Export:
    """All notes of a patient in one file, in the clear; written down in the audit.

    Each stands in the form that it was signed in unless a `template` is named.  A counsellor's private
    process notes are not among them.  Raises NotFound, NotYourPatient, CannotOpen, UnknownName.
    """
    if template:
        get_template(template)
    with store.write(by) as tx:
        patient, record = tx.patients.get(patient_id), tx.records.get(patient_id)
        notes, gone = tx.notes.list(patient_id), tx.notes.list_withdrawn(patient_id)
        tx.audit.write(Act.EXPORTED, Kind.PATIENT, patient_id)
    zone, language = by.counsellor.zone, patient.language
    if form == "json":
        body = make_export_json(patient, record, notes, language, template=template, withdrawn=gone)
        text = json.dumps(body, ensure_ascii=False, indent=2) + "\n"
    else:
        render = render_note_markdown if form == "md" else render_note_text
        text = render(patient, record, notes, language, zone=zone, template=template, withdrawn=gone)
    return Export(name_file(patient, form), text.encode("utf-8"))


def check_notes(store: Store, by: SignedIn) -> NotesCheck:
    """Every note that one may open, compared with its fingerprint; all fingerprints with the audit log.

    The second needs no key, and finds what somebody changed who can write to the database.
    """
    with store.read(by) as tx:
        patients = tuple(patient.id for patient in tx.patients.list())
        changed = tuple(note_id for patient_id in patients for note_id in tx.notes.check(patient_id))
        return NotesCheck(len(patients), changed, tx.notes.list_unanchored())


def save_note_settings(store: Store, by: SignedIn, *, template: str, lock_after_days: int) -> None:
    """The usual form of a note in this practice, and how long a signed one may be withdrawn.

    A note that is signed already keeps the time at which it locks.
    Raises NotAllowed for everyone but who runs the practice, UnknownName, BadInput.
    """
    get_template(template)
    if not 0 <= lock_after_days <= LOCK_DAYS_MAX:
        raise BadInput("the days until a note locks are not within a year", hint="give 0 to 365 days")
    with store.write(by) as tx:
        check_runs_practice(by)
        settings = tx.settings.get()
        tx.settings.save(replace(settings, note_template=template, lock_after_days=lock_after_days))
        tx.audit.write(Act.SETTINGS_CHANGED, Kind.PRACTICE, PRACTICE_ID)


def _make_note(
    tx: Tx,
    by: SignedIn,
    draft: Draft,
    note_id: NoteId,
    *,
    now: datetime,
    template: str,
    by_hand: Sequence[ByHand],
) -> Note:
    if not draft.standing:
        raise EmptyText(
            "the draft has no items to sign", hint="write an analysis, or add an item", reason="no-items"
        )
    consultation = tx.consultations.get(draft.consultation_id)
    # Comments are instructions to the model, not part of what is signed; they stay with the draft.
    items = tuple(replace(item, comments=()) for item in draft.standing)
    return Note(
        id=note_id,
        patient_id=draft.patient_id,
        consultation_id=draft.consultation_id,
        draft_id=draft.id,
        number=tx.notes.next_number(draft.patient_id),
        at=consultation.at,
        signed_at=now,
        author=by.counsellor.name,
        question=draft.question,
        items=items,
        template=get_template(template or tx.settings.get().note_template).label,
        by_hand=_check_written(by_hand),
    )


def _check_written(by_hand: Sequence[ByHand]) -> tuple[ByHand, ...]:
    written, known = keep_written(by_hand), list_heading_keys()
    if any(each.heading not in known for each in written):
        raise UnknownName("there is no such heading", hint="load the page again")
    return written


def _find_withdrawn(tx: Tx, draft: Draft) -> Note | None:
    """The note that this draft was before it was withdrawn, the last of them."""
    for trace in tx.notes.list_withdrawn(draft.patient_id):
        if trace.note.draft_id == draft.id:
            return trace.note
    return None


def _check_author(note: Note, by: SignedIn) -> None:
    if note.author_id != by.id:
        raise NotAllowed(f"note {note.id} was signed by somebody else", hint="amend it, or ask its author")
