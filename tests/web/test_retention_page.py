"""What is due on the page, and who may settle how long files are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phyassist.domain.people import Patient, Role
from phyassist.services.intake import start_consultation
from phyassist.services.practice import get_practice_settings, open_login
from phyassist.services.retention import save_retention
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.joining import let_in
from tests.web.driving import Driven, open_workspace


@pytest.fixture
def pages(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Iterator[Driven]:
    """One patient, met ten years ago."""
    start_consultation(store, anna, patient_id=patient.id)
    clock.move(days=3653)
    with open_workspace(store, anna) as driven:
        yield driven


def test_what_is_due_is_listed_with_the_rule_and_its_source(pages: Driven, patient: Patient):
    page = pages.http.get("/practice/retention").text

    assert "Sun Mei" in page
    assert "2033-03-02" in page
    assert "American Psychological Association" in page
    assert "Nothing is deleted by itself." in page


def test_the_rule_is_chosen_on_the_page(pages: Driven):
    reply = pages.http.post("/practice/retention", data={"rule": "own", "years": 12})
    page = pages.http.get("/practice/retention").text
    soon = pages.http.get("/practice/retention", params={"within": 1825}).text

    assert reply.status_code == 303
    assert get_practice_settings(pages.store).retention_rule == "own"
    assert "No file is due." in page
    assert "not yet" in soon


def test_a_period_that_cannot_be_is_said_plainly(pages: Driven):
    save_retention(pages.store, pages.by, rule="de", years=10)

    reply = pages.http.post("/practice/retention", data={"rule": "own", "years": 0})

    assert reply.status_code == 422
    assert get_practice_settings(pages.store).retention_rule == "de"


def test_an_administrator_sees_ids_and_dates_and_no_name(pages: Driven, patient: Patient):
    ada = let_in(pages.store, pages.by, "Ada", Role.ADMINISTRATOR)
    pages.http.cookies.clear()
    pages.http.cookies.set("phyassist_login", open_login(pages.store, ada).reveal_text())

    page = pages.http.get("/practice/retention").text

    assert patient.id[:8] in page
    assert "not shared with you" in page
    assert "Sun Mei" not in page
