"""The library on the page: added to, searched, opened where a passage stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.web.driving import Driven, open_workspace

TEXT = "# Night waking\n\nGet up when you cannot sleep.\n\n## Diary\n\n<b>Write</b> down every night."


@pytest.fixture
def pages(store: Store, anna: SignedIn) -> Iterator[Driven]:
    with open_workspace(store, anna) as driven:
        yield driven


def add(pages: Driven, text: str = TEXT, name: str = "night.md", **headers: str):
    return pages.http.post(
        "/library", data={"scope": "own"}, files={"file": (name, text.encode())}, headers=headers
    )


def test_what_is_added_is_found_and_opens_at_the_passage(pages: Driven):
    reply = add(pages)
    found = pages.http.get("/library", params={"q": "write down every night, a diary"}).text
    href = re.search(r'href="(/library/[0-9a-f]+\?at=1)#here"', found).group(1)  # type: ignore[union-attr]
    opened = pages.http.get(href).text

    assert reply.headers["location"] == "/library?said=added"
    assert "Searched by words alone" in found
    assert re.search(r'class="piece here" id="here">&lt;b&gt;Write', opened)


def test_the_cards_are_there_on_the_first_day(pages: Driven):
    page = pages.http.get("/library").text

    assert "No documents yet." in page
    assert "card-en-grief" in page
    assert "ICD-11 6B42" in pages.http.get("/library/card-en-grief").text


def test_a_question_in_a_third_language_finds_its_own_documents_or_hears_why_it_finds_none(pages: Driven):
    question = {"q": "что делать при бессоннице"}
    before = pages.http.get("/library", params=question).text
    add(pages, "# Ночь\n\nПри бессоннице вставать в одно время.", "noch.md")
    after = pages.http.get("/library", params=question).text

    assert "No passage has these words." in before
    assert "try words in Chinese or English" in before
    assert "вставать в одно время" in after


def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(pages: Driven):
    page = add(pages, "nothing", "photo.png")
    script = add(pages, "nothing", "photo.png", Accept="application/json")
    again = add(pages), add(pages)

    assert (page.status_code, script.status_code) == (422, 422)
    assert 'class="problem" role="alert"' in page.text
    assert script.json()["code"] == "PA-FILE-UNREADABLE"
    assert again[1].headers["location"] == "/library?said=known"


def test_a_list_of_references_gives_a_document_its_authors(pages: Driven):
    add(pages)

    reply = add(pages, "TY  - BOOK\nTI  - Night Waking\nAU  - Lee, Ann\nPY  - 2020\nER  - \n", "my.ris")

    assert reply.headers["location"] == "/library?said=references"
    assert "Lee, Ann · 2020" in pages.http.get("/library").text


def test_a_document_is_renamed_and_removed(pages: Driven):
    add(pages)
    path = re.search(r"/library/[0-9a-f]{32}", pages.http.get("/library").text).group()  # type: ignore[union-attr]

    pages.http.post(path, data={"title": "Nights", "authors": "Lee; Sun", "year": "2020"})
    renamed = pages.http.get(path).text
    pages.http.post(f"{path}/remove")

    assert "<h1>Nights</h1>" in renamed
    assert "Lee, Sun · 2020" in renamed
    assert pages.http.get(path).status_code == 404
