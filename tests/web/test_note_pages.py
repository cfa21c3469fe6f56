"""Notes on the page: signed in the form one chose, locked, withdrawn, and never lost on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phyassist.domain.drafts import Draft
from phyassist.domain.notes import Note
from phyassist.domain.people import Patient
from phyassist.services.noting import save_note, save_note_settings
from phyassist.services.patients import load_patient
from phyassist.services.practice import get_practice_settings
from phyassist.services.reworking import edit_item
from phyassist.services.sharing import share
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation, write_whole
from tests.services.joining import BO_PASSPHRASE, let_in
from tests.web.driving import PART, Driven, open_workspace

SOAP = {"template": "soap", "heading": ["soap.objective"], "text": ["衣着整洁。"]}


@pytest.fixture
def pages(store: Store, anna: SignedIn) -> Iterator[Driven]:
    with open_workspace(store, anna) as driven:
        yield driven


@pytest.fixture
def written(store: Store, anna: SignedIn, patient: Patient) -> Draft:
    return write_whole(store, anna, make_consultation(store, anna, patient))


@pytest.fixture
def note(store: Store, anna: SignedIn, written: Draft) -> Note:
    return save_note(store, anna, draft_id=written.id, after=written.version)


def test_the_preview_changes_its_form_and_keeps_what_was_written(pages: Driven, written: Draft):
    at = f"/drafts/{written.id}/note/preview"

    first = pages.http.post(at, data={}, headers=PART)
    soap = pages.http.post(at, data=SOAP, headers=PART)
    birp = pages.http.post(at, data={**SOAP, "template": "birp"}, headers=PART)

    assert "Symptom type" in first.text
    assert "O Objective" in soap.text
    assert "衣着整洁。</textarea>" in soap.text
    assert 'name="text" value="衣着整洁。"' in birp.text
    assert "I Intervention" in birp.text


def test_a_note_is_signed_in_its_form_and_shown_in_any(pages: Driven, written: Draft):
    reply = pages.http.post(f"/drafts/{written.id}/note", data={**SOAP, "after": written.version})
    page = pages.http.get(f"/patients/{written.patient_id}/notes").text
    as_dap = pages.http.get(f"/patients/{written.patient_id}/notes", params={"template": "dap"}).text

    assert reply.status_code == 303
    assert "S Subjective" in page
    assert "衣着整洁。" in page
    assert "D Data" in as_dap
    assert "O Objective" in as_dap
    assert "form=txt&amp;template=dap" in as_dap


def test_a_stale_signature_keeps_what_was_written_by_hand(pages: Driven, written: Draft):
    item = written.items[0]
    edit_item(pages.store, pages.by, draft_id=written.id, item_id=item.id, text="别的", after=written.version)

    reply = pages.http.post(
        f"/drafts/{written.id}/note", data={**SOAP, "after": written.version}, headers=PART
    )

    assert reply.status_code == 409
    assert reply.headers["hx-retarget"] == "#dialog-body"
    assert "衣着整洁。</textarea>" in reply.text
    assert "别的" in reply.text
    assert load_patient(pages.store, pages.by, written.patient_id).notes == ()


def test_too_much_under_a_heading_is_kept_in_its_box(pages: Driven, written: Draft):
    long = "字" * 20_001

    reply = pages.http.post(
        f"/drafts/{written.id}/note", data={**SOAP, "text": [long], "after": written.version}, headers=PART
    )

    assert reply.status_code == 422
    assert long in reply.text


def test_signing_in_the_dialog_leads_to_the_notes(pages: Driven, written: Draft):
    reply = pages.http.post(
        f"/drafts/{written.id}/note", data={**SOAP, "after": written.version}, headers=PART
    )

    assert reply.status_code == 204
    assert reply.headers["hx-redirect"].startswith(f"/patients/{written.patient_id}/notes?fresh=")


def test_a_note_is_locked_from_the_page(pages: Driven, note: Note):
    before = pages.http.get(f"/patients/{note.patient_id}/notes").text

    locked = pages.http.post(f"/notes/{note.id}/lock", headers=PART).text

    assert f"/notes/{note.id}/withdraw" in before
    assert f"/notes/{note.id}/withdraw" not in locked
    assert "state-locked" in locked


def test_a_withdrawn_note_leads_back_to_its_draft_and_leaves_a_trace(pages: Driven, note: Note):
    reply = pages.http.post(f"/notes/{note.id}/withdraw", data={"reason": "wrong date"})
    page = pages.http.get(f"/patients/{note.patient_id}/notes").text

    assert reply.headers["location"].endswith(f"?draft={note.draft_id}")
    assert "withdrawn by Anna Weiss" in page
    assert "Reason: wrong date" in page
    assert "学业压力" in page


def test_a_locked_note_shows_no_way_back_and_refuses_it(pages: Driven, clock: Clock, note: Note):
    clock.move(days=7)
    pages.http.post("/unlock", data={"passphrase": "seven quiet herons at dawn"})

    page = pages.http.get(f"/patients/{note.patient_id}/notes").text
    reply = pages.http.post(f"/notes/{note.id}/withdraw", data={"reason": "x"})

    assert "/withdraw" not in page
    assert reply.status_code == 403


def test_the_practice_chooses_form_and_days_and_other_settings_stay(pages: Driven):
    reply = pages.http.post("/practice/templates", data={"template": "dap", "lock_after_days": 3})
    pages.http.post(
        "/practice",
        data={
            "language": "en",
            "theme": "auto",
            "client_word": "patient",
            "jurisdiction": "other",
            "idle_lock_min": 20,
        },
    )

    settings = get_practice_settings(pages.store)
    assert reply.status_code == 303
    assert (settings.note_template, settings.lock_after_days) == ("dap", 3)
    assert (settings.client_word, settings.idle_lock_min) == ("patient", 20)
    assert "checked" in pages.http.get("/practice/templates").text.split('value="dap"')[1][:20]


@pytest.mark.parametrize(
    "form", [{"template": "haiku", "lock_after_days": 3}, {"template": "dap", "lock_after_days": 999}]
)
def test_a_setting_that_cannot_be_is_refused_in_a_sentence(pages: Driven, form: dict[str, object]):
    save_note_settings(pages.store, pages.by, template="birp", lock_after_days=5)

    reply = pages.http.post("/practice/templates", data=form)

    assert reply.status_code == 422
    assert get_practice_settings(pages.store).note_template == "birp"


def test_who_only_reads_is_not_told_that_they_edited(
    pages: Driven, store: Store, anna: SignedIn, patient: Patient, written: Draft
):
    item = written.items[1]
    edit_item(store, anna, draft_id=written.id, item_id=item.id, text="她很累。", after=written.version)
    at = f"/patients/{patient.id}/consultations/{written.consultation_id}"
    own = pages.http.get(at).text
    bo = let_in(store, anna, "Bo Berg")
    share(store, anna, patient_id=patient.id, with_id=bo.id, may_write=False)

    pages.http.post("/lock")
    pages.http.post("/unlock", data={"name": "Bo Berg", "passphrase": BO_PASSPHRASE})
    read = pages.http.get(at).text

    assert "她很累。" in own
    assert "她很累。" in read
    assert "edited by you" in own
    assert "edited by you" not in read
    assert "edited by hand" in read
