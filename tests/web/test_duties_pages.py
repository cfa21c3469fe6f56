"""Consent, the audit and erasing as a person meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from phyassist.domain.people import Patient
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.auditing import AuditFilter
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.web.views.auditing import say_act
from phyassist.web.wording import make_words
from tests.services.drafts import make_consultation
from tests.web.driving import PART, Driven, open_workspace


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel([])


@pytest.fixture
def pages(store: Store, anna: SignedIn, model: ScriptedModel) -> Iterator[Driven]:
    with open_workspace(store, anna, model=lambda: model) as driven:
        yield driven


def acts(pages: Driven, patient: Patient) -> list[str]:
    with pages.store.read(pages.by) as tx:
        return [str(row.act) for row in tx.audit.find(AuditFilter(patient_id=patient.id))]


def test_a_refusal_is_said_in_one_line_and_nothing_of_the_file_reaches_the_model(
    pages: Driven, patient: Patient, model: ScriptedModel
) -> None:
    meeting = make_consultation(pages.store, pages.by, patient)
    address = f"/patients/{patient.id}/consultations/{meeting.id}"
    before = pages.http.get(address).text

    reply = pages.http.post(f"/patients/{patient.id}/consent", data={"drafting": "no", "on": "2026-03-01"})
    after = pages.http.get(address).text
    warmed = len(model.warmed)
    refused = pages.http.post(f"/consultations/{meeting.id}/drafts", headers=PART)
    by_hand = pages.http.post(f"/consultations/{meeting.id}/drafts/by-hand", headers=PART)

    assert "has not been recorded yet" in before
    assert reply.headers["location"] == f"/patients/{patient.id}/consent?said=recorded"
    assert 'data-drafting="off"' in after
    assert "refused on 2026-03-01" in after
    assert refused.status_code == 403
    assert "PA-RULE-CONSENT" in refused.text
    assert by_hand.status_code == 200
    assert 'id="items-advice"' in by_hand.text
    assert (model.asks, len(model.warmed)) == ([], warmed)


def test_an_answer_that_cannot_be_is_said_and_the_remark_stays(pages: Driven, patient: Patient) -> None:
    form = {"drafting": "yes", "on": "2026-03-09", "remark": "kept words"}

    reply = pages.http.post(f"/patients/{patient.id}/consent", data=form)

    assert reply.status_code == 422
    assert "kept words" in reply.text
    assert "A consent cannot be dated in the future." in reply.text


@pytest.mark.parametrize(
    ("language", "words", "elsewhere"),
    [("zh", "知情同意书", "服务器上运行"), ("en", "Consent to computer-aided work", "runs on a server")],
)
@pytest.mark.parametrize("model_url", ["", "http://gpu.practice.example/v1"], ids=["here", "elsewhere"])
def test_the_form_speaks_its_own_language_and_says_where_the_model_runs(
    store: Store, anna: SignedIn, patient: Patient, language: str, words: str, elsewhere: str, model_url: str
) -> None:
    with open_workspace(store, anna, model=lambda: ScriptedModel([]), model_url=model_url) as pages:
        page = pages.http.get(f"/patients/{patient.id}/consent/form?language={language}").text

    assert words in page
    assert patient.name in page
    assert (elsewhere in page) is bool(model_url)


def test_printing_is_written_down(pages: Driven, patient: Patient) -> None:
    reply = pages.http.post(f"/patients/{patient.id}/printed")

    assert reply.status_code == 204
    assert acts(pages, patient)[0] == "printed"


def test_the_audit_says_who_what_and_from_where_and_no_name(pages: Driven, patient: Patient) -> None:
    pages.http.get(f"/patients/{patient.id}/record")

    practice = pages.http.get("/practice/audit?act=viewed").text
    own = pages.http.get(f"/patients/{patient.id}/audit").text

    rows = practice[practice.index("<tbody>") : practice.index("</tbody>")]
    assert patient.id[:8] in rows
    assert "opened" in rows
    assert "browser" in rows
    assert patient.name not in rows
    assert "created" in own


def test_a_lock_is_called_by_what_was_locked() -> None:
    said = {language: make_words(language) for language in ("zh", "en")}

    assert {say_act(w, "locked", "note") for w in said.values()} == {"锁定", "locked"}
    assert {say_act(w, "locked", "login") for w in said.values()} == {"登录自动结束", "login ended by itself"}


def test_the_log_is_checked_against_an_anchor_from_paper(pages: Driven, patient: Patient) -> None:
    page = pages.http.get("/practice/audit").text
    anchor = re.search(r'class="anchor"[^>]*>([^<]+)<', page)
    assert anchor is not None

    fits = pages.http.post("/practice/audit/check", data={"anchor": anchor[1]})
    other = pages.http.post("/practice/audit/check", data={"anchor": "2-" + "ab" * 16})
    none = pages.http.post("/practice/audit/check", data={"anchor": "what"})

    assert "still the one that the anchor was made of" in fits.text
    assert "not the one that the anchor was made of" in other.text
    assert none.status_code == 422


def test_erasing_asks_for_the_name_and_leads_to_the_receipt(pages: Driven, patient: Patient) -> None:
    wrong = pages.http.post(f"/patients/{patient.id}/delete", data={"confirm": "Sun"})
    done = pages.http.post(f"/patients/{patient.id}/delete", data={"confirm": patient.name})
    receipt = pages.http.get(done.headers["location"])

    assert wrong.status_code == 422
    assert done.status_code == 303
    assert patient.id in receipt.text
    assert patient.name not in receipt.text
    assert "the erasure is complete" in receipt.text
    assert "/practice/erasures/" in pages.http.get("/practice/erasures").text
