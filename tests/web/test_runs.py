"""What a page says while and after the model writes."""

from __future__ import annotations

import pytest

from phyassist.domain.people import Patient
from phyassist.domain.runs import ModelRun, RunKind
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.drafting import start_draft
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import ADVICE, SAID, make_consultation, make_reply
from tests.web.driving import open_workspace


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", "另有 1 条未列出：与别处重复、说的是别人，或不是写给咨询师的"),
        ("en", "left out: 1 (said already, said of somebody else, or not meant for a counsellor)"),
    ],
)
def test_what_was_left_out_because_it_was_said_before_is_counted(
    store: Store, anna: SignedIn, patient: Patient, language: str, words: str
) -> None:
    reply = make_reply(advice=[ADVICE[0], ADVICE[0], ADVICE[2]])
    draft = start_draft(store, anna, consultation_id=make_consultation(store, anna, patient, SAID).id)
    model = ScriptedModel([reply] * 4)

    with open_workspace(store, anna, language=language, model=lambda: model) as pages:
        said = pages.http.get(f"/drafts/{draft.id}/stream?after={draft.version}").text

    assert words in said


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", "正在另一个窗口中整理。"), ("en", "This is being organised in another window.")],
)
def test_what_another_window_organises_is_not_said_to_be_written(
    store: Store, anna: SignedIn, patient: Patient, language: str, words: str
) -> None:
    consultation = make_consultation(store, anna, patient, SAID)
    now = store.clock()
    run = ModelRun(consultation.id, patient.id, RunKind.ORGANISE, "elsewhere", anna.id, now, now)
    with store.write(anna) as tx:
        tx.runs.begin(run)

    with open_workspace(store, anna, language=language) as pages:
        page = pages.http.get(f"/patients/{patient.id}/consultations/{consultation.id}").text

    assert words in page
