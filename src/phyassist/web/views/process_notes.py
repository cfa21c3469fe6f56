"""A counsellor's private notes on the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.process_notes import ProcessNote, ProcessVersion
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.when import When
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class ProcessNoteView:
    """`version` is 0 for the box in which a new one is begun."""

    note_id: str
    text: str = field(repr=False)
    version: int
    begun: str
    saved: str
    has_earlier: bool


@dataclass(frozen=True, slots=True)
class ProcessNotesPage:
    template: ClassVar[str] = "process_notes.html"
    w: Words
    frame: Frame
    head: PatientHead
    fresh: ProcessNoteView
    notes: tuple[ProcessNoteView, ...]


@dataclass(frozen=True, slots=True)
class ProcessVersionView:
    at: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProcessVersionsFragment:
    template: ClassVar[str] = "_process_versions.html"
    w: Words
    versions: tuple[ProcessVersionView, ...]


def view_process_note(note: ProcessNote, when: When) -> ProcessNoteView:
    begun, saved = when.moment(note.created_at), when.clock(note.saved_at)
    return ProcessNoteView(note.id, note.text, note.version, begun, saved, note.sitting > 1)


def view_process_versions(versions: tuple[ProcessVersion, ...], when: When) -> tuple[ProcessVersionView, ...]:
    return tuple(ProcessVersionView(when.moment(each.saved_at), each.text) for each in versions)
