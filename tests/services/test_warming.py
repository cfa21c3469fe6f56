from __future__ import annotations

import threading

import pytest

from phyassist.domain.people import Patient
from phyassist.errors import EngineDown
from phyassist.lm.protocol import Message, Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.warming import Warmer, warm_patient
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation, make_reply


class Watched(ScriptedModel):
    """A scripted model that says when it has been warmed, and may fail the first time."""

    def __init__(self, *, fails_first: bool = False) -> None:
        super().__init__([])
        self.has_warmed = threading.Semaphore(0)
        self._fails = fails_first

    def warm(self, messages: tuple[Message, ...], adapter: str = "") -> None:
        super().warm(messages, adapter)
        self.has_warmed.release()
        if self._fails:
            self._fails = False
            raise EngineDown("the engine is not there")


def test_what_is_warmed_is_what_the_analysis_begins_with(store: Store, anna: SignedIn, patient: Patient):
    consultation = make_consultation(store, anna, patient)
    lm = ScriptedModel([make_reply()])

    warm_patient(store, lm, anna, patient_id=patient.id, consultation_id=consultation.id)

    draft = start_draft(store, anna, consultation_id=consultation.id)
    list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))
    ((system, user), adapter) = lm.warmed[0]
    asked = lm.asks[0].messages
    assert asked[0] == system
    assert asked[1].content.startswith(user.content)
    assert adapter == lm.asks[0].adapter == ""


def test_opening_a_patient_without_a_text_warms_record_and_notes(
    store: Store, anna: SignedIn, patient: Patient
):
    lm = ScriptedModel([])

    warm_patient(store, lm, anna, patient_id=patient.id)

    assert len(lm.warmed) == 1


@pytest.mark.parametrize("fails_first", [False, True])
def test_the_background_reader_goes_on_after_a_fault(
    store: Store, anna: SignedIn, patient: Patient, fails_first: bool
):
    lm = Watched(fails_first=fails_first)
    warmer = Warmer(store, lm)

    for _ in range(2):
        warmer.warm_soon(anna, patient_id=patient.id)
        assert lm.has_warmed.acquire(timeout=10)

    warmer.close()
    assert len(lm.warmed) == 2
