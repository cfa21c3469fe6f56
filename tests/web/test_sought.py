"""Words that somebody looks for: found, and nowhere to be read in an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

import pytest

from phyassist.domain.people import Patient
from phyassist.errors import TextTooLong
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from phyassist.web.sought import WORDS_CHARS_MAX, open_words, seal_words, show_sought
from tests.web.driving import PART, Driven, open_workspace

WORDS = "晓雯 what her sister said?"


@pytest.fixture
def pages(store: Store, anna: SignedIn) -> Iterator[Driven]:
    with open_workspace(store, anna) as driven:
        yield driven


@pytest.mark.parametrize("form", ["/find", "/library/search", "/chat/search", "/patients/{id}/chat/search"])
def test_an_address_holds_no_word_of_what_is_looked_for(pages: Driven, patient: Patient, form: str) -> None:
    form = form.format(id=patient.id)

    first = pages.http.post(form, data={"words": WORDS})
    again = pages.http.post(form, data={"words": WORDS})
    found = pages.http.get(first.headers["location"])

    assert first.status_code == 303
    assert not any(word in unquote(first.headers["location"]) for word in WORDS.split())
    assert first.headers["location"] != again.headers["location"]
    assert found.status_code == 200
    assert form == "/find" or WORDS in found.text


def test_what_was_found_can_be_asked_for_again(pages: Driven, patient: Patient) -> None:
    name = patient.name.split()[0]

    shown = pages.http.post("/find", data={"words": name})
    typing = pages.http.post("/find", data={"words": name}, headers=PART)

    for _ in range(2):
        assert f"/patients/{patient.id}" in pages.http.get(shown.headers["location"]).text
    assert f"/patients/{patient.id}" in typing.text
    assert "<html" not in typing.text


def test_words_are_read_by_who_looked_for_them_alone(anna: SignedIn) -> None:
    ben = replace(anna, keyring=Keyring.make())
    sealed = seal_words(anna, WORDS)

    assert open_words(anna, sealed) == WORDS
    assert open_words(ben, sealed) == ""
    assert open_words(anna, sealed[:-2]) == ""
    assert open_words(anna, "what is no base64 at all ß") == ""
    assert open_words(anna, "") == ""


def test_no_search_is_cut(anna: SignedIn, pages: Driven) -> None:
    longest = "梦" * WORDS_CHARS_MAX

    address = show_sought(anna, "/library", longest).headers["location"]
    refused = pages.http.post("/library/search", data={"words": f"{longest}。"})

    # What stands before a server takes 8 KiB of an address as a rule.
    assert len(address) < 6000
    assert open_words(anna, address.partition("=")[2]) == longest
    with pytest.raises(TextTooLong):
        show_sought(anna, "/library", f"{longest}。")
    assert refused.status_code == 422
    assert "These are too many words to look for." in refused.text


def test_no_address_holds_the_name_of_a_chosen_set(pages: Driven, patient: Patient) -> None:
    """It is asked for with a form like words that are looked for."""
    form = {"kind": "set", "label": "Evening group", "of": patient.id}

    chosen = pages.http.post("/practice/assistant", data=form)
    shown = pages.http.get(chosen.headers["location"]).text
    too_long = pages.http.post("/practice/assistant", data={**form, "label": "Evening " * 200})

    assert chosen.status_code == 303
    assert "Evening" not in chosen.headers["location"]
    assert patient.id in chosen.headers["location"]
    assert 'value="Evening group"' in shown
    assert too_long.status_code == 422
    assert 'role="alert"' in too_long.text
    assert "PA-INPUT" not in too_long.text
