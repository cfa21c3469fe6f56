"""Which files are due, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.retention import Due, Rule
from phyassist.services.retention import Retention, list_rules
from phyassist.web.desk import Desk
from phyassist.web.views.frame import Frame
from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class RuleChoice:
    key: str
    title: str
    source: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DueRow:
    """`name` is empty for who holds no key; `soon`: the period is not over yet."""

    patient_id: str
    name: str = field(repr=False)
    number: str = field(repr=False)
    last_contact: str
    due_at: str
    of_age_at: str
    soon: bool


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """`may_choose`: whether who looks runs the practice."""

    template: ClassVar[str] = "retention.html"
    w: Words
    frame: Frame
    title: str
    source: str
    rows: tuple[DueRow, ...] = field(repr=False)
    within_days: int
    rules: tuple[RuleChoice, ...]
    own_years: int
    may_choose: bool
    counts_minors: bool
    said: str = ""
    problem: str = ""


def make_retention_page(
    desk: Desk, frame: Frame, found: Retention, *, within_days: int, said: str = "", problem: str = ""
) -> RetentionPage:
    language = desk.w.language
    return RetentionPage(
        w=desk.w,
        frame=frame,
        title=found.rule.title[language],
        source=found.rule.source[language],
        rows=tuple(view_due(each, desk) for each in found.due),
        within_days=within_days,
        rules=tuple(view_rule(each, found.rule, desk.w) for each in list_rules()),
        own_years=desk.practice.retention_years,
        may_choose=desk.by.runs_practice,
        counts_minors=found.rule.minors is not None,
        said=said,
        problem=problem,
    )


def view_rule(rule: Rule, chosen: Rule, w: Words) -> RuleChoice:
    return RuleChoice(rule.key, rule.title[w.language], rule.source[w.language], rule.key == chosen.key)


def view_due(due: Due, desk: Desk) -> DueRow:
    name = "" if desk.practice.hide_names else due.name
    return DueRow(
        due.patient_id,
        name or due.number,
        due.number if name else "",
        desk.when.date(due.last_contact),
        desk.when.date(due.due_at),
        desk.when.date(due.of_age_at),
        not due.is_due(desk.when.now),
    )
