"""The notes of a patient, newest first, and the drafts that never became one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.drafts import Draft
from phyassist.services.patients import PatientFile
from phyassist.web.desk import Desk
from phyassist.web.views.consultation import view_head
from phyassist.web.views.drafting import NoteView, view_note
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.when import When
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class EarlierDraft:
    href: str
    at: str
    question: str = field(repr=False)
    state: str


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


@dataclass(frozen=True, slots=True)
class NoteCard:
    template: ClassVar[str] = "_note_card.html"
    w: Words
    note: NoteView


def make_notes_page(desk: Desk, frame: Frame, file: PatientFile, fresh: str, opened: str) -> NotesPage:
    return NotesPage(
        w=desk.w,
        frame=frame,
        head=view_head(file, desk),
        notes=tuple(view_note(note, desk.when) for note in file.notes),
        drafts=tuple(view_earlier(draft, desk.when) for draft in file.drafts),
        fresh=fresh,
        opened=opened,
    )


def view_earlier(draft: Draft, when: When) -> EarlierDraft:
    href = f"/patients/{draft.patient_id}/consultations/{draft.consultation_id}?draft={draft.id}"
    return EarlierDraft(href, when.moment(draft.started_at), draft.question, draft.state.value)
