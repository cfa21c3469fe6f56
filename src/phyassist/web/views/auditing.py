"""The audit on the page: rows in plain words, who may be chosen, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlencode

from phyassist.services.auditing import ACTS, AuditPage, AuditRow
from phyassist.services.patients import PatientFile
from phyassist.web.desk import Desk
from phyassist.web.views.consultation import view_head
from phyassist.web.views.frame import Frame, PatientHead
from phyassist.web.wording import Words

SHORT_ID = 8


@dataclass(frozen=True, slots=True)
class RowView:
    number: int
    at: str
    who: str = field(repr=False)
    act: str
    kind: str
    row_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str = field(repr=False)
    chosen: bool


@dataclass(frozen=True, slots=True)
class PracticeAuditPage:
    """`anchor` is in groups of four, to be read from paper; `older` is an address, empty at the end."""

    template: ClassVar[str] = "practice_audit.html"
    w: Words
    frame: Frame
    rows: tuple[RowView, ...]
    people: tuple[Choice, ...]
    acts: tuple[Choice, ...]
    day: str
    row_id: str
    older: str
    is_filtered: bool
    anchor: str
    said: str
    problem: str


@dataclass(frozen=True, slots=True)
class PatientAuditPage:
    template: ClassVar[str] = "patient_audit.html"
    w: Words
    frame: Frame
    head: PatientHead
    rows: tuple[RowView, ...]
    older: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The filter as it stands in the address."""

    person: str = ""
    act: str = ""
    day: str = ""
    row: str = ""

    def to_query(self, before: int | None) -> str:
        pairs = {"person": self.person, "act": self.act, "day": self.day, "row": self.row}
        named = {name: value for name, value in pairs.items() if value}
        return urlencode(named | ({"before": str(before)} if before is not None else {}))


def make_practice_page(
    desk: Desk,
    frame: Frame,
    page: AuditPage,
    asked: Asked,
    names: Mapping[str, str],
    *,
    anchor: str,
    said: str = "",
    problem: str = "",
) -> PracticeAuditPage:
    """`names` are those of the people of the practice, by id."""
    w = desk.w
    people = [("", w("audit.everyone")), *sorted(names.items(), key=lambda pair: pair[1])]
    acts = [("", w("audit.any_act")), *((act, say_act(w, act)) for act in ACTS)]
    return PracticeAuditPage(
        w=w,
        frame=frame,
        rows=view_rows(page.rows, desk, names),
        people=tuple(Choice(value, label, value == asked.person) for value, label in people),
        acts=tuple(Choice(value, label, value == asked.act) for value, label in acts),
        day=asked.day,
        row_id=asked.row,
        older=f"/practice/audit?{asked.to_query(page.older)}" if page.older is not None else "",
        is_filtered=bool(asked.to_query(None)),
        anchor=group(anchor),
        said=said,
        problem=problem,
    )


def make_patient_page(
    desk: Desk, frame: Frame, file: PatientFile, page: AuditPage, names: Mapping[str, str]
) -> PatientAuditPage:
    older = f"/patients/{file.patient.id}/audit?before={page.older}" if page.older is not None else ""
    return PatientAuditPage(desk.w, frame, view_head(file, desk), view_rows(page.rows, desk, names), older)


def view_rows(rows: tuple[AuditRow, ...], desk: Desk, names: Mapping[str, str]) -> tuple[RowView, ...]:
    return tuple(
        RowView(
            row.number,
            desk.when.moment(row.at),
            _say_who(desk.w, row.by_id, names),
            say_act(desk.w, row.act, row.kind),
            _say_kind(desk.w, row.kind),
            _say_target(row, names),
            say_origin(desk.w, row.origin),
        )
        for row in rows
    )


def say_act(w: Words, act: str, kind: str = "") -> str:
    """The act in the reader's words, those for its kind where it has some; a newer PhyAssist's as it stands.

    A note is locked by a person, a login by itself.
    """
    key = f"audit.acts.{act.replace(' ', '-')}"
    return next((w(each) for each in (f"{key}-{kind}", key) if w.has(each)), str(act))


def say_origin(w: Words, origin: str) -> str:
    """`web 5f0a… local-network` as words; the login's id is cut to its beginning."""
    said = []
    for part in origin.split():
        key = f"audit.{part}"
        said.append(w(key) if w.has(key) else part[:SHORT_ID])
    return " · ".join(said)


def group(anchor: str) -> str:
    """The hash in groups of four."""
    number, _, digits = anchor.partition("-")
    groups = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return f"{number}-{groups}"


def _say_who(w: Words, by_id: str, names: Mapping[str, str]) -> str:
    if not by_id:
        return w("audit.nobody")
    return names.get(by_id) or w("audit.former")


def _say_kind(w: Words, kind: str) -> str:
    key = f"audit.kinds.{kind}"
    return w(key) if w.has(key) else str(kind)


def _say_target(row: AuditRow, names: Mapping[str, str]) -> str:
    return names.get(row.row_id) or row.row_id[:SHORT_ID]
