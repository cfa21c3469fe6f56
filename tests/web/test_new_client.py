"""The form for somebody new, sent once, sent again, and filled in anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from phyassist.services.patients import list_patients
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.web.driving import Driven, open_workspace

CARD = {"name": "Lin Yue", "number": "0231", "language": "en"}


@pytest.fixture
def pages(store: Store, anna: SignedIn) -> Iterator[Driven]:
    with open_workspace(store, anna) as driven:
        yield driven


def read_id(pages: Driven) -> str:
    found = re.search(r'name="new_id" value="([\w-]+)"', pages.http.get("/patients/new").text)
    assert found is not None
    return found[1]


def list_names(pages: Driven) -> list[str]:
    return sorted(row.patient.name for row in list_patients(pages.store, pages.by))


def test_a_form_that_is_sent_twice_makes_one_client_with_one_consultation(pages: Driven) -> None:
    form = {**CARD, "new_id": read_id(pages)}

    first, second = (pages.http.post("/patients", data=form) for _ in range(2))

    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert list_names(pages) == ["Lin Yue"]


def test_a_page_that_is_gone_back_to_makes_another_client(pages: Driven) -> None:
    form = {**CARD, "new_id": read_id(pages)}

    pages.http.post("/patients", data=form)
    pages.http.post("/patients", data={**form, "name": "Hu Ping", "number": ""})

    assert list_names(pages) == ["Hu Ping", "Lin Yue"]


def test_a_form_that_is_sent_again_after_an_erasure_has_another_id(pages: Driven) -> None:
    form = {**CARD, "new_id": read_id(pages)}

    pages.http.post("/patients", data=form)
    erased = pages.http.post(f"/patients/{form['new_id']}/delete", data={"confirm": CARD["name"]})
    pages.http.post("/patients", data=form)

    assert erased.status_code == 303
    assert [row.patient.id == form["new_id"] for row in list_patients(pages.store, pages.by)] == [False]


def test_each_page_has_an_id_of_its_own_and_a_refused_form_keeps_it(pages: Driven) -> None:
    one, other = read_id(pages), read_id(pages)
    refused = pages.http.post("/patients", data={**CARD, "name": " ", "new_id": one})

    assert one != other
    assert refused.status_code == 422
    assert f'value="{one}"' in refused.text
    assert pages.http.post("/patients", data={**CARD, "new_id": "../x"}).status_code == 422
    assert list_names(pages) == []
