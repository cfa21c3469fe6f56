"""The patient's card, what was found, and the practice's settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.services.searching import FOUND_MAX, Found
from phyassist.web.desk import Desk
from phyassist.web.views.frame import Frame, PatientHead, show_name
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class PatientFormPage:
    """`patient_id` is empty for somebody new; who is not `in_charge` cannot delete the file."""

    template: ClassVar[str] = "patient.html"
    w: Words
    frame: Frame
    patient_id: str
    new_id: str
    name: str = field(repr=False)
    number: str = field(repr=False)
    language: str
    after: str
    problem: str
    may_write: bool = True
    in_charge: bool = True


@dataclass(frozen=True, slots=True)
class BeginPage:
    """A patient without a consultation."""

    template: ClassVar[str] = "begin.html"
    w: Words
    frame: Frame
    head: PatientHead


@dataclass(frozen=True, slots=True)
class FoundRow:
    href: str
    name: str = field(repr=False)
    where: str
    excerpt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundFragment:
    template: ClassVar[str] = "_found.html"
    w: Words
    found: tuple[FoundRow, ...]
    limit: int = FOUND_MAX


@dataclass(frozen=True, slots=True)
class RailFragment:
    template: ClassVar[str] = "_rail_list.html"
    w: Words
    frame: Frame


@dataclass(frozen=True, slots=True)
class FoundPage:
    template: ClassVar[str] = "found.html"
    w: Words
    frame: Frame
    found: tuple[FoundRow, ...]
    limit: int = FOUND_MAX


@dataclass(frozen=True, slots=True)
class PracticePage:
    template: ClassVar[str] = "practice.html"
    w: Words
    frame: Frame
    jurisdiction: str
    client_word: str
    client_words: tuple[tuple[str, str], ...]
    idle_lock_min: int
    model: str
    context_tokens: int
    host: str
    outside_servers: bool
    crisis_region: str
    crisis_contacts: str
    regions: tuple[tuple[str, str], ...]
    said: str
    problem: str


def view_found(found: tuple[Found, ...], desk: Desk) -> tuple[FoundRow, ...]:
    rows = []
    for each in found:
        href = f"/patients/{each.patient.id}"
        if each.note_id is not None:
            href += f"/notes?note={each.note_id}#note-{each.note_id}"
        excerpt = each.excerpt if each.where == "note" else ""
        name = show_name(each.patient, desk.practice.hide_names)
        rows.append(FoundRow(href, name, desk.w(f"rail.where_{each.where}"), excerpt))
    return tuple(rows)
