"""Pages of a client with an earlier draft that was never finished."""

from __future__ import annotations

from phyassist.domain.people import Patient
from phyassist.services.drafting import start_draft
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
