"""The notes of a patient, newest first: how each stands, what may be done with it, and what was withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.adapters import AdapterState
from phyassist.domain.drafts import Draft
from phyassist.domain.notes import Note, NoteState, Withdrawn
from phyassist.domain.templates import Arranged
from phyassist.services.adapters import list_shelf
from phyassist.services.patients import PatientFile
from phyassist.services.templates import arrange_note, list_templates
from phyassist.web.desk import Desk
from phyassist.web.views.consultation import view_head
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.when import When
from phyassist.web.wording import Words

FINGERPRINT_SHOWN = 16


@dataclass(frozen=True, slots=True)
class EarlierDraft:
    href: str
    at: str
    question: str = field(repr=False)
    state: str


@dataclass(frozen=True, slots=True)
class LineView:
    part: str
    text: str = field(repr=False)
    basis: str
    quote: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeadingView:
    """`is_open`: there is nothing under it, and one may write there before the note is signed."""

    key: str
    title: str
    hint: str
    lines: tuple[LineView, ...] = field(repr=False)
    by_hand: str = field(repr=False)
    is_open: bool


@dataclass(frozen=True, slots=True)
class AmendmentView:
    at: str
    author: str = field(repr=False)
    reason: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoteView:
    """`form` is the name of the template it is shown in, empty for the original's.

    `may_withdraw` is about who looks at it.  `fingerprint` is its beginning, in groups that can be compared
    with a printed one.
    """

    note_id: str
    number: int
    at: str
    signed_at: str
    author: str = field(repr=False)
    question: str = field(repr=False)
    headings: tuple[HeadingView, ...] = field(repr=False)
    amendments: tuple[AmendmentView, ...] = field(repr=False)
    form: str
    state: str
    locks_at: str
    may_withdraw: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class WithdrawnView:
    note: NoteView
    at: str
    by: str = field(repr=False)
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FormChoice:
    """A form that a note can take; with an empty `label`, the one in which it was signed."""

    label: str
    title: str
    about: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TrainedView:
    """An assistant in the timeline: when it was trained, and what is said of it there."""

    at: str
    said: str


@dataclass(frozen=True, slots=True)
class NotesPage:
    template: ClassVar[str] = "notes.html"
    w: Words
    frame: Frame
    head: PatientHead
    notes: tuple[NoteView, ...]
    drafts: tuple[EarlierDraft, ...]
    fresh: str
    opened: str
    withdrawn: tuple[WithdrawnView, ...] = ()
    forms: tuple[FormChoice, ...] = ()
    form: str = ""
    trained: Mapping[str, tuple[TrainedView, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoteCard:
    template: ClassVar[str] = "_note_card.html"
    w: Words
    note: NoteView


@dataclass(frozen=True, slots=True)
class NotePreview:
    """The note as it will stand, before it is signed; empty headings can be written under."""

    template: ClassVar[str] = "_note_preview.html"
    w: Words
    note: NoteView
    draft_id: str
    version: int
    forms: tuple[FormChoice, ...]
    lock_after_days: int
    problem: str = ""
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class NoteSettingsPage:
    """The practice's usual form of a note, and how long a signed one may be withdrawn."""

    template: ClassVar[str] = "note_settings.html"
    w: Words
    frame: Frame
    forms: tuple[FormChoice, ...]
    lock_after_days: int
    said: str = ""
    problem: str = ""


def make_notes_page(
    desk: Desk, frame: Frame, file: PatientFile, *, fresh: str, opened: str, form: str
) -> NotesPage:
    """`form` is the template that all notes are shown in; empty: each in its own.  Raises UnknownName."""
    return NotesPage(
        w=desk.w,
        frame=frame,
        head=view_head(file, desk),
        notes=tuple(view_note(note, desk.when, me=desk.by.id, form=form) for note in file.notes),
        drafts=tuple(view_earlier(draft, desk.when) for draft in file.drafts),
        fresh=fresh,
        opened=opened,
        withdrawn=tuple(view_withdrawn(each, desk.when) for each in file.withdrawn),
        forms=(FormChoice("", desk.w("forms.as_signed"), "", not form), *view_forms(desk.w, form)),
        form=form,
        trained=view_trained(desk, file),
    )


def view_trained(desk: Desk, file: PatientFile) -> dict[str, tuple[TrainedView, ...]]:
    """The assistants of this file, newest first, each under the id of the note that it stands above."""
    found: dict[str, tuple[TrainedView, ...]] = {}
    for card in list_shelf(desk.house.store, desk.by, patient_id=file.patient.id).cards:
        under = next((note.id for note in file.notes if note.signed_at <= card.trained_at), None)
        if under is None:
            continue
        said = desk.w("assistant.timeline", no=card.number, notes=card.notes)
        if card.state == AdapterState.TRAINING:
            said = f"{said} · {desk.w('assistant.training')}"
        found[under] = (*found.get(under, ()), TrainedView(desk.when.moment(card.trained_at), said))
    return found


def view_earlier(draft: Draft, when: When) -> EarlierDraft:
    href = f"/patients/{draft.patient_id}/consultations/{draft.consultation_id}?draft={draft.id}"
    return EarlierDraft(href, when.moment(draft.started_at), draft.question, draft.state.value)


def view_note(note: Note, when: When, *, me: str = "", form: str = "") -> NoteView:
    """A note in the form it was signed in, or in another.  Raises UnknownName."""
    state = note.state(when.now)
    titles = {each.label: each for each in list_templates()}
    shown = titles.get(form or note.template)
    return NoteView(
        note_id=note.id,
        number=note.number,
        at=when.moment(note.at),
        signed_at=when.moment(note.signed_at),
        author=note.author,
        question=note.question,
        headings=tuple(view_heading(each) for each in arrange_note(note, when.w.language, template=form)),
        amendments=tuple(
            AmendmentView(when.moment(each.at), each.author, each.reason, each.text)
            for each in note.amendments
        ),
        form="" if shown is None or shown.is_original else shown.title[when.w.language],
        state=state.value,
        locks_at=when.moment(note.locks_at),
        may_withdraw=state == NoteState.SIGNED and note.author_id == me,
        fingerprint=group_fingerprint(note.fingerprint),
    )


def view_heading(arranged: Arranged) -> HeadingView:
    return HeadingView(
        arranged.key,
        arranged.title,
        arranged.hint,
        tuple(
            LineView(line.part.value, line.text, line.basis.value if line.basis else "", line.quote)
            for line in arranged.lines
        ),
        arranged.by_hand,
        arranged.is_open,
    )


def view_withdrawn(trace: Withdrawn, when: When) -> WithdrawnView:
    return WithdrawnView(view_note(trace.note, when), when.moment(trace.at), trace.by, trace.reason)


def view_forms(w: Words, chosen: str) -> tuple[FormChoice, ...]:
    return tuple(
        FormChoice(each.label, each.title[w.language], each.about[w.language], each.label == chosen)
        for each in list_templates()
    )


def group_fingerprint(fingerprint: str) -> str:
    """`3f2a 91c0 …`: sixteen of its signs in groups of four; nothing where there is none."""
    signs = fingerprint.partition(":")[2][:FINGERPRINT_SHOWN]
    return " ".join(signs[start : start + 4] for start in range(0, len(signs), 4))
