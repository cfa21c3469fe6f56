"""What every page of the workspace shares: the rail, the head, the words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.people import Patient, Role
from phyassist.services.patients import PatientRow
from phyassist.web.desk import Desk
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class RailRow:
    patient_id: str
    name: str = field(repr=False)
    day: str
    has_open_draft: bool
    current: bool
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """`tab` is empty on pages that belong to no patient."""

    language: str
    theme: str
    counsellor: str = field(repr=False)
    rail: tuple[RailRow, ...]
    patient_id: str
    tab: str
    idle_lock_min: int
    hide_names: bool
    account_id: str = ""
    counsels: bool = True
    runs_practice: bool = True
    has_second_factor: bool = False
    recovered: str = ""


@dataclass(frozen=True, slots=True)
class PatientHead:
    """`consultation_id` is the one on show, if any; without `may_write` the pages offer no change."""

    patient_id: str
    name: str = field(repr=False)
    number: str = field(repr=False)
    facts: str = field(repr=False)
    language: str
    consultation_id: str = ""
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class WelcomePage:
    """The workspace with nobody chosen."""

    template: ClassVar[str] = "welcome.html"
    w: Words
    frame: Frame


def make_frame(desk: Desk, rows: tuple[PatientRow, ...], patient_id: str = "", tab: str = "") -> Frame:
    rail = tuple(
        RailRow(
            row.patient.id,
            row.patient.id[:8] if row.damaged else show_name(row.patient, desk.practice.hide_names),
            desk.when.day(row.last_at),
            row.has_open_draft,
            row.patient.id == patient_id,
            row.damaged,
        )
        for row in rows
    )
    return Frame(
        desk.w.language,
        desk.theme,
        desk.by.counsellor.name,
        rail,
        patient_id,
        tab,
        desk.practice.idle_lock_min,
        desk.practice.hide_names,
        desk.by.id,
        desk.by.role is not Role.ADMINISTRATOR,
        desk.by.runs_practice,
        desk.by.has_second_factor,
        desk.when.moment(desk.by.recovered_at),
    )


def show_name(patient: Patient, hide: bool) -> str:
    """The name; in a shared room its initials, and the number beside them."""
    if not hide:
        return patient.name
    words = patient.name.split()
    initials = " ".join(f"{word[0]}." for word in words) if len(words) > 1 else f"{patient.name[:1]}…"
    return f"{initials} {patient.number}".strip()
