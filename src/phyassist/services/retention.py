"""Retention: which rule a practice keeps to, and which files are due by it.  Nothing is deleted by itself."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.practice import PracticeSettings
from phyassist.domain.retention import OWN_RULE, Due, Minors, Rule, compute_due, find_of_age
from phyassist.errors import BadInput, CannotOpen, UnknownName
from phyassist.services.access import check_runs_practice, may_see
from phyassist.store.audit import Act, Kind
from phyassist.store.entrance import PRACTICE_ID
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

OWN_YEARS_MAX = 100
_USUAL = {"cn": "cn-outpatient", "other": "us-apa"}


@dataclass(frozen=True, slots=True)
class Retention:
    """The rule that is kept to, and the files whose period ends within the time that was asked for."""

    rule: Rule
    due: tuple[Due, ...]


@lru_cache(maxsize=1)
def list_rules() -> tuple[Rule, ...]:
    """The periods that ship with the package, each with its source; one of one's own last."""
    body = tomllib.loads(files("phyassist").joinpath("data/retention.toml").read_text("utf-8"))
    return tuple(
        Rule(
            each["key"],
            each["jurisdiction"],
            each["years"],
            each["title"],
            each["source"],
            Minors(**each["minor"]) if "minor" in each else None,
        )
        for each in body["rule"]
    )


def get_rule(settings: PracticeSettings) -> Rule:
    """The rule of a practice: the one chosen, else the usual one of its jurisdiction."""
    key = settings.retention_rule or _USUAL[settings.jurisdiction]
    for rule in list_rules():
        if rule.key == key:
            return _with_years(rule, settings.retention_years) if key == OWN_RULE else rule
    # A later release may know a rule that this one does not: nothing is due by guessing.
    raise UnknownName("the practice's retention rule is not known", hint="choose one under Practice")


def save_retention(store: Store, by: SignedIn, *, rule: str, years: int) -> None:
    """The rule that the practice keeps to from now on; `years` count for a rule of one's own.

    Raises NotAllowed for everyone but who runs the practice, UnknownName, BadInput.
    """
    check_runs_practice(by)
    if rule not in {each.key for each in list_rules()}:
        keys = ", ".join(each.key for each in list_rules())
        raise UnknownName("there is no such retention rule", hint=f"these are there: {keys}")
    if not 1 <= years <= OWN_YEARS_MAX:
        raise BadInput(
            "a period of one's own is not within a century", hint=f"give 1 to {OWN_YEARS_MAX} years"
        )
    with store.write(by) as tx:
        tx.settings.save(replace(tx.settings.get(), retention_rule=rule, retention_years=years))
        tx.audit.write(Act.SETTINGS_CHANGED, Kind.PRACTICE, PRACTICE_ID)


def list_due(store: Store, by: SignedIn, *, within_days: int = 0) -> Retention:
    """Files whose period is over, or ends within so many days; the one due longest first.

    Who runs the practice sees the ids and dates of all; names, and what the record tells of age, only where
    they hold the key.  Everyone else sees the files that they may open.  Raises UnknownName.
    """
    horizon = store.clock() + timedelta(days=within_days)
    with store.read(by) as tx:
        rule, contacts = get_rule(tx.settings.get()), tx.patients.last_contacts()
        mine = set(contacts) if by.runs_practice else set(tx.patients.activity())
        found = [
            _tell(tx, rule, due)
            for patient_id, at in contacts.items()
            if patient_id in mine and (due := compute_due(rule, patient_id, at)).is_due(horizon)
        ]
    with store.write(by) as tx:
        tx.audit.write(Act.VIEWED, Kind.RETENTION, PRACTICE_ID)
    due_now = sorted((each for each in found if each.is_due(horizon)), key=lambda each: each.due_at)
    return Retention(rule, tuple(due_now))


def _tell(tx: Tx, rule: Rule, due: Due) -> Due:
    """With the name, and by the age that the record tells, for who may open it."""
    if not may_see(tx, due.patient_id):
        return due
    try:
        patient = tx.patients.get(due.patient_id)
        days = {str(each.id): each.at for each in tx.consultations.list(due.patient_id)}
        record = tx.records.get(due.patient_id)
    except CannotOpen:
        # One file that was tampered with hides none of the others.
        return due
    told = compute_due(rule, due.patient_id, due.last_contact, find_of_age(record, rule, days))
    return replace(told, name=patient.name, number=patient.number)


def _with_years(rule: Rule, years: int) -> Rule:
    minors = Minors(rule.minors.of_age, years) if rule.minors else None
    return replace(rule, years=years, minors=minors)
