from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.people import Language, Patient
from phyassist.domain.practice import PracticeSettings
from phyassist.domain.risk.signs import KINDS
from phyassist.services.drafting import start_draft
from phyassist.services.practice import get_practice_settings, save_practice_settings
from phyassist.services.risk import (
    REGIONS,
    find_newest_guide,
    list_contacts,
    list_questions,
    load_guide,
)
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_has_questions_with_a_source_and_every_region_contacts(language: Language) -> None:
    for kind in KINDS:
        questions = list_questions(kind, language)
        assert len(questions) >= 3
        assert all(question.text and question.source for question in questions)
    for region in REGIONS:
        assert all(contact.number and contact.what for contact in list_contacts(region, language))


def test_a_consultation_has_its_signs_with_questions_and_the_practices_own_contacts_first(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    settings: PracticeSettings = get_practice_settings(store)
    save_practice_settings(
        store, anna, replace(settings, crisis_region="us", crisis_contacts="Crisis team 555\n")
    )
    consultation = make_consultation(store, anna, patient, "I want to die. My dad was drunk again.")

    guide = load_guide(store, anna, consultation_id=consultation.id, language="en")

    assert [kind for kind, _ in guide.questions] == ["self", "intoxication"]
    assert guide.own_contacts == ("Crisis team 555",)
    assert guide.contacts[0].number == "988"
    assert guide.is_raised
    assert find_newest_guide(store, anna, patient_id=patient.id, language="en") == guide


def test_a_patient_without_a_consultation_has_no_guide(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    assert find_newest_guide(store, anna, patient_id=patient.id, language="zh") is None


def test_a_draft_left_open_hides_no_sign_of_the_last_consultation(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    last_week = make_consultation(store, anna, patient, "The exam went badly.")
    start_draft(store, anna, consultation_id=last_week.id)
    clock.move(days=7)
    today = make_consultation(store, anna, patient, "I want to die.")

    guide = find_newest_guide(store, anna, patient_id=patient.id, language="en")

    assert guide is not None
    assert (guide.consultation_id, guide.is_raised) == (today.id, True)
