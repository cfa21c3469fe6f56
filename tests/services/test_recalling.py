"""What no longer fits beside a conversation is found again by the words of the question."""

from __future__ import annotations

from phyassist.domain.people import Patient
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.chatting import begin_thread, get_thread
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.noting import save_note
from phyassist.services.reworking import edit_item
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation, make_reply
from tests.services.test_chatting import SAID, last, write

FACT = "来访者养了一只叫年糕的橘猫，夜里靠它入睡。"


def sign_note(store: Store, by: SignedIn, patient: Patient, words: str) -> None:
    consultation = make_consultation(store, by, patient, words)
    draft = start_draft(store, by, consultation_id=consultation.id)
    *_, done = write_draft(store, ScriptedModel([make_reply()]), by, draft_id=draft.id, stop=Never())
    item = done.draft.standing[-1]
    draft = edit_item(store, by, draft_id=draft.id, item_id=item.id, text=words, after=done.draft.version)
    save_note(store, by, draft_id=draft.id, after=draft.version)


def test_a_fact_of_an_old_note_stands_beside_the_question_that_asks_for_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for words in (FACT, *(f"第{number}次谈到和同事的冲突，以及加班。" for number in range(10))):
        sign_note(store, anna, patient, words)
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="她的橘猫叫什么名字？")
    lm = ScriptedModel([SAID], context_tokens=3000)

    answer = last(write(store, lm, anna, thread))

    asked = lm.asks[0].messages[-1].content
    before, _, question = asked.rpartition("【档案中的其他内容】")
    assert FACT not in before
    assert question.count(FACT) == 1
    assert len(answer.given.left_out) > 1
    assert any(line.startswith("2026-03-02: ") and FACT in line for line in answer.given.recalled)
    assert get_thread(store, anna, thread_id=thread.id).path[-1].given == answer.given


def test_what_shares_no_word_with_the_question_is_left_out(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for number in range(11):
        sign_note(store, anna, patient, f"第{number}次谈到和同事的冲突，以及加班。")
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="zebra?")

    answer = last(write(store, ScriptedModel([SAID], context_tokens=3000), anna, thread))

    assert answer.given.left_out
    assert answer.given.recalled == ()


def test_a_long_line_is_shortened_where_everybody_sees_it(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    for words in (
        FACT + "后来又说了很多别的事。" * 60,
        *(f"第{number}次谈到冲突和加班。" for number in range(10)),
    ):
        sign_note(store, anna, patient, words)
        clock.move(days=7)
    thread = begin_thread(store, anna, patient_id=patient.id, question="她的橘猫叫什么名字？")

    answer = last(write(store, ScriptedModel([SAID], context_tokens=3000), anna, thread))

    (line,) = (each for each in answer.given.recalled if "年糕" in each)
    assert line.endswith("…")
