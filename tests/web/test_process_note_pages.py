"""Private notes on the page: saved as they are typed, and on no other page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from phyassist.domain.people import Patient
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.web.driving import Driven, open_workspace

WORDS = "she reminds me of my sister"


@pytest.fixture
def pages(store: Store, anna: SignedIn) -> Iterator[Driven]:
    with open_workspace(store, anna) as driven:
        yield driven


@pytest.fixture
def box(pages: Driven, patient: Patient) -> str:
    """The address that the box of a new note saves to."""
    page = pages.http.get(f"/patients/{patient.id}/process-notes").text
    found = re.search(r'data-autosave="([^"]+)" data-after="0"', page)
    assert found is not None
    return found[1]


def save(pages: Driven, box: str, text: str, after: int) -> int:
    headers = {"Accept": "application/json"}
    return pages.http.post(box, data={"text": text, "after": after}, headers=headers).status_code


def test_the_box_of_a_new_note_saves_and_the_note_is_there_again(pages: Driven, patient: Patient, box: str):
    statuses = [save(pages, box, "she", 0), save(pages, box, WORDS, 1), save(pages, box, "other", 1)]

    page = pages.http.get(f"/patients/{patient.id}/process-notes").text
    assert statuses == [200, 200, 409]
    assert WORDS in page
    assert "Only you can open this." in page
    assert pages.http.get(box).json()["text"] == WORDS


def test_it_stands_on_no_other_page_of_the_patient(pages: Driven, patient: Patient, box: str):
    save(pages, box, WORDS, 0)

    others = [f"/patients/{patient.id}/{name}" for name in ("notes", "record", "consultation", "edit")]
    texts = [pages.http.get(path, follow_redirects=True).text for path in others]
    texts.append(pages.http.post("/find", data={"words": "sister"}, follow_redirects=True).text)

    assert not any("reminds me" in text for text in texts)


def test_it_is_handed_out_when_asked_for_and_deleted_for_good(pages: Driven, patient: Patient, box: str):
    save(pages, box, WORDS, 0)

    exported = pages.http.get(f"/patients/{patient.id}/process-notes/export")
    pages.http.post(f"{box}/delete")

    assert WORDS in exported.text
    assert pages.http.get(box, headers={"Accept": "application/json"}).status_code == 404
