"""Pages of a client with an earlier draft that was never finished."""

from __future__ import annotations

import pytest

from phyassist.domain.drafts import Draft, DraftState, Section
from phyassist.domain.people import Patient
from phyassist.services.drafting import add_item, start_draft
from phyassist.services.looking import get_draft
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation
from tests.web.driving import open_workspace


def test_the_mark_is_of_the_consultation_on_show_else_of_the_last(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    last_week = make_consultation(store, anna, patient, "The exam went badly.")
    start_draft(store, anna, consultation_id=last_week.id)
    clock.move(days=7)
    today = make_consultation(store, anna, patient, "I want to die.")
    at, mark = f"/patients/{patient.id}", f"/patients/{patient.id}/risk"

    with open_workspace(store, anna) as pages:
        shown = {each: pages.http.get(f"{at}/consultations/{each}").text for each in (last_week.id, today.id)}
        notes = pages.http.get(f"{at}/notes").text
        quiet = pages.http.get(f"{mark}?consultation={last_week.id}").text
        raised = [pages.http.get(each).text for each in (f"{mark}?consultation={today.id}", mark)]

    assert all(f'hx-get="{mark}?consultation={each}"' in page for each, page in shown.items())
    assert f'hx-get="{mark}"' in notes
    assert "raised" not in quiet
    assert all(f"{today.id}?open=risk" in each for each in raised)


@pytest.mark.parametrize("way", ["drafts", "drafts/by-hand"])
def test_a_draft_that_was_worked_over_is_laid_aside_only_when_asked_for_twice(
    store: Store, anna: SignedIn, patient: Patient, way: str
) -> None:
    worked = make_worked(store, anna, patient)
    at = f"/consultations/{worked.consultation_id}/{way}"

    with open_workspace(store, anna) as pages:
        asked = pages.http.post(at)
        state_then = get_draft(store, anna, draft_id=worked.id).state
        done = pages.http.post(at, data={"sure": "yes"})

    assert asked.headers["hx-reswap"] == "none"
    assert f'hx-post="{at}" hx-vals=' in asked.text
    assert 'id="draft"' not in asked.text
    assert state_then is DraftState.OPEN
    assert f'href="/drafts/{worked.id}"' in done.text
    assert get_draft(store, anna, draft_id=worked.id).state is DraftState.DISCARDED


def make_worked(store: Store, by: SignedIn, patient: Patient) -> Draft:
    """A draft with all its sections, written by hand."""
    consultation = make_consultation(store, by, patient, "The exam went badly.")
    draft = start_draft(store, by, consultation_id=consultation.id)
    for section in Section:
        draft = add_item(store, by, draft_id=draft.id, section=section, text="Hers.", after=draft.version)
    return draft
