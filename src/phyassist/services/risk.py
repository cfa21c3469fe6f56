"""Signs of risk in a consultation, with what to ask next and whom to call; works without a model.

A flag for a professional: nothing is scored, nothing is decided, and nothing is hidden by it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from phyassist.domain.people import Jurisdiction, Language, PatientId
from phyassist.domain.practice import PracticeSettings
from phyassist.domain.records import ConsultationId
from phyassist.domain.risk.reading import find_risk
from phyassist.domain.risk.signs import KINDS, RiskKind, Sign, is_raised
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

REGIONS = ("cn", "us", "gb", "eu", "other")


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask next, in our words, and the public protocol that covers it."""

    text: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class Contact:
    number: str
    what: str


@dataclass(frozen=True, slots=True)
class Guide:
    """What goes with the signs of a text: questions by kind, and contacts of the region."""

    signs: tuple[Sign, ...]
    questions: tuple[tuple[RiskKind, tuple[Question, ...]], ...]
    contacts: tuple[Contact, ...]
    own_contacts: tuple[str, ...] = ()
    consultation_id: ConsultationId | None = None

    @property
    def is_raised(self) -> bool:
        return is_raised(self.signs)


def make_guide(text: str, *, language: Language, region: str, own_contacts: Iterable[str] = ()) -> Guide:
    """The signs of a text and what goes with them; touches no store."""
    signs = find_risk(text)
    kinds = [kind for kind in KINDS if any(sign.kind == kind for sign in signs)]
    return Guide(
        signs,
        tuple((kind, list_questions(kind, language)) for kind in kinds),
        list_contacts(region, language),
        tuple(own_contacts),
    )


def load_guide(store: Store, by: SignedIn, *, consultation_id: ConsultationId, language: Language) -> Guide:
    """The same for a consultation.  Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        settings = tx.settings.get()
    guide = make_guide(
        consultation.source.text,
        language=language,
        region=choose_region(settings),
        own_contacts=own_lines(settings),
    )
    return Guide(guide.signs, guide.questions, guide.contacts, guide.own_contacts, consultation_id)


def find_newest_guide(
    store: Store, by: SignedIn, *, patient_id: PatientId, language: Language
) -> Guide | None:
    """That of the patient's last consultation; None without one.

    An older one with a draft left open would hide what was said today.
    Raises NotFound, NotYourPatient, CannotOpen.
    """
    with store.read(by) as tx:
        tx.patients.get(patient_id)
        newest = tx.consultations.find_newest(patient_id)
    return None if newest is None else load_guide(store, by, consultation_id=newest, language=language)


def choose_region(settings: PracticeSettings) -> str:
    """The practice's choice, else what its jurisdiction makes likely."""
    return settings.crisis_region or region_of(settings.jurisdiction)


def region_of(jurisdiction: Jurisdiction) -> str:
    return "cn" if jurisdiction == "cn" else "other"


def own_lines(settings: PracticeSettings) -> tuple[str, ...]:
    """The practice's own contacts, one a line."""
    return tuple(line.strip() for line in settings.crisis_contacts.splitlines() if line.strip())


def list_questions(kind: RiskKind, language: Language) -> tuple[Question, ...]:
    return tuple(Question(row[language], row["source"]) for row in _read("questions")[kind.value])


def list_contacts(region: str, language: Language) -> tuple[Contact, ...]:
    rows = _read("contacts")[region if region in REGIONS else "other"]["contacts"]
    return tuple(Contact(row["number"], row[language]) for row in rows)


@lru_cache(maxsize=2)
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("phyassist").joinpath(f"data/risk/{name}.toml").read_text("utf-8"))
