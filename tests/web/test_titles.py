"""What a browser's history keeps of a client's pages, in the clear."""

from __future__ import annotations

import re

import pytest

from phyassist.domain.people import Patient
from phyassist.services.patients import new_patient
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation
from tests.web.driving import open_workspace

PAGES = ("record", "notes", "process-notes", "chat", "assistant", "consent", "sharing", "audit", "edit")


@pytest.fixture
def named(store: Store, anna: SignedIn) -> Patient:
    return new_patient(store, anna, name="Edith Canary", number="0231", language="en")


def test_no_title_of_a_clients_pages_holds_the_name(store: Store, anna: SignedIn, named: Patient) -> None:
    at = f"/patients/{named.id}"
    with open_workspace(store, anna) as pages:
        begin = pages.http.get(f"{at}/consultation")
        consultation = make_consultation(store, anna, named)
        replies = [begin, *(pages.http.get(f"{at}/{page}") for page in PAGES)]
        replies.append(pages.http.get(f"{at}/consultations/{consultation.id}"))

    titles = [re.findall("<title>(.*?)</title>", reply.text) for reply in replies]
    assert [reply.status_code for reply in replies] == [200] * len(replies)
    assert all(len(each) == 1 and "Canary" not in each[0] for each in titles)
    assert titles[-1] == ["0231 · Consultation · PhyAssist"]
