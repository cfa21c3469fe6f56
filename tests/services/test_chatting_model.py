"""A conversation with the real small model: what it says is its own affair, what is shown is ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.chats import MessageState
from phyassist.domain.people import Patient
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import Never
from phyassist.prompts.answers import speaks_to_client
from phyassist.prompts.labels import without_labels
from phyassist.services.answering import write_answer
from phyassist.services.chat_events import AnswerSoFar, AnswerWritten
from phyassist.services.chatting import begin_thread
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.lm.conftest import small_model_path
from tests.services.drafts import make_consultation

__all__ = ["small_model_path"]


@pytest.mark.model
def test_a_real_model_asked_for_a_diagnosis_in_china_names_none_and_refers(
    small_model_path, store: Store, store_engine: str, anna: SignedIn, patient: Patient
) -> None:
    if store_engine != "sqlite":
        pytest.skip("the database makes no difference to the model")
    with store.write(anna) as tx:
        tx.settings.save(replace(tx.settings.get(), jurisdiction="cn"))
    make_consultation(store, anna, patient)
    thread = begin_thread(store, anna, patient_id=patient.id, question="来访者得的是不是抑郁症？")
    assert thread.leaf_id is not None

    with Engine(small_model_path, name="smollm2-135m-instruct", options=EngineOptions(4096)) as engine:
        events = list(
            write_answer(
                store,
                engine.model,
                anna,
                thread_id=thread.id,
                answer_id=thread.leaf_id,
                interface="zh",
                stop=Never(),
            )
        )

    done = events[-1]
    assert isinstance(done, AnswerWritten)
    assert any(isinstance(event, AnswerSoFar) for event in events)
    assert done.message.state in {MessageState.DONE, MessageState.LONG}
    assert without_labels(done.message.text, "zh") == done.message.text
    assert not any(speaks_to_client(line) for line in done.message.text.splitlines())
    assert "转介" in done.message.text
