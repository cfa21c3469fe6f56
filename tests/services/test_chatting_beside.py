"""A conversation beside a consultation, where a draft of another one was left open."""

from __future__ import annotations

import pytest

from phyassist.domain.chats import GivenNote
from phyassist.domain.drafts import Section
from phyassist.domain.notes import ByHand
from phyassist.domain.people import Patient
from phyassist.errors import NotFound
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.chatting import Starter, begin_thread, list_starters, take_as_item
from phyassist.services.draft_events import Finished
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.noting import save_note
from phyassist.services.patients import new_patient
from phyassist.services.reworking import delete_item, edit_item
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation, make_reply, write_whole
from tests.services.test_chatting import SAID, last, write


def test_chat_rests_on_the_consultation_on_show_and_writes_into_its_draft(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    last_week = make_consultation(store, anna, patient)
    left_open = start_draft(store, anna, consultation_id=last_week.id)
    clock.move(days=7)
    today = make_consultation(store, anna, patient, "来访者说昨夜不想活了。")
    lm = ScriptedModel([SAID, SAID])

    of_the_last = begin_thread(store, anna, patient_id=patient.id, question="她怎么了？")
    write(store, lm, anna, of_the_last)
    beside = begin_thread(
        store, anna, patient_id=patient.id, question="她怎么了？", consultation_id=last_week.id
    )
    write(store, lm, anna, beside)
    takes = {
        where: take_as_item(
            store,
            anna,
            thread_id=beside.id,
            message_id=beside.path[-1].id,
            paragraph=1,
            section=Section.ADVICE,
            consultation_id=where,
        )
        for where in (None, last_week.id)
    }

    assert ["不想活了" in ask.messages[-1].content for ask in lm.asks] == [True, False]
    assert takes[None].consultation_id == today.id
    assert takes[last_week.id].id == left_open.id


def test_a_conversation_may_begin_with_what_the_file_can_answer(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    nothing = list_starters(store, anna, patient_id=patient.id)
    consultation = make_consultation(store, anna, patient)
    a_text = list_starters(store, anna, patient_id=patient.id)
    draft = start_draft(store, anna, consultation_id=consultation.id)
    *_, done = write_draft(store, ScriptedModel([make_reply()]), anna, draft_id=draft.id, stop=Never())
    a_draft = list_starters(store, anna, patient_id=patient.id, consultation_id=consultation.id)
    save_note(store, anna, draft_id=draft.id, after=done.draft.version)
    a_note = list_starters(store, anna, patient_id=patient.id, consultation_id=consultation.id)

    assert nothing == ()
    assert a_text == (Starter.NEXT,)
    assert a_draft == (Starter.DRAFT, Starter.NEXT)
    assert a_note == (Starter.NOTE, Starter.NEXT)


def test_a_conversation_takes_no_consultation_of_another_client(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    other = new_patient(store, anna, name="李某")
    foreign = make_consultation(store, anna, other)

    with pytest.raises(NotFound):
        begin_thread(store, anna, patient_id=patient.id, question="她怎么了？", consultation_id=foreign.id)


def test_a_draft_is_shown_no_items_of_earlier_notes_but_a_conversation_is(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    """Small models say over in a draft what stands in an earlier note."""
    earlier = write_whole(store, anna, make_consultation(store, anna, patient))
    by_hand = (ByHand("soap.objective", "衣着整洁。"),)
    note = save_note(
        store, anna, draft_id=earlier.id, after=earlier.version, template="soap", by_hand=by_hand
    )
    plain = write_whole(store, anna, make_consultation(store, anna, patient))
    unsaid = save_note(store, anna, draft_id=plain.id, after=plain.version)
    clock.move(days=7)
    today = make_consultation(store, anna, patient, "来访者说昨夜没有睡。")
    lm = ScriptedModel([make_reply(), SAID])
    draft = start_draft(store, anna, consultation_id=today.id)

    *_, finished = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
    thread = begin_thread(store, anna, patient_id=patient.id, question="上次说了什么？")
    written = write(store, lm, anna, thread)

    drafted, talked = (ask.messages[1].content for ask in lm.asks)
    for item in note.items:
        assert item.text not in drafted
        assert item.text in talked
    assert "衣着整洁。" in drafted
    assert ["(1) 2026-03-" in drafted, "(2) 2026-03-" in drafted] == [True, False]
    assert isinstance(finished, Finished)
    assert finished.draft.notes_used == (note.id,)
    assert set(last(written).given.notes_used) == {
        GivenNote(each.id, each.number, each.at) for each in (note, unsaid)
    }
    # The engine has read all that stands before the whole notes when the draft is written.
    assert talked.startswith(drafted[: drafted.index("\n\n【任务】")])


def test_a_conversation_knows_the_note_of_the_consultation_that_it_is_about_and_a_new_draft_does_not(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    today = make_consultation(store, anna, patient)
    draft = write_whole(store, anna, today)
    by_hand = (ByHand("soap.objective", "衣着整洁。"),)
    note = save_note(store, anna, draft_id=draft.id, after=draft.version, template="soap", by_hand=by_hand)
    lm = ScriptedModel([make_reply(), SAID])
    again = start_draft(store, anna, consultation_id=today.id)

    *_, finished = write_draft(store, lm, anna, draft_id=again.id, stop=Never())
    thread = begin_thread(store, anna, patient_id=patient.id, question="这次定了什么计划？")
    written = write(store, lm, anna, thread)

    drafted, talked = (ask.messages[1].content for ask in lm.asks)
    assert all(item.text in talked and item.text not in drafted for item in note.items)
    assert ("衣着整洁。" in drafted, talked.count("衣着整洁。")) == (False, 1)
    assert isinstance(finished, Finished)
    assert finished.draft.notes_used == ()
    assert last(written).given.notes_used == (GivenNote(note.id, note.number, note.at),)


def test_a_conversation_knows_the_open_draft_and_takes_nothing_in_it_for_said(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    today = make_consultation(store, anna, patient)
    draft = write_whole(store, anna, today)
    first, second = draft.standing[:2]
    draft = edit_item(
        store, anna, draft_id=draft.id, item_id=first.id, text="他叫铁柱，三十一岁。", after=draft.version
    )
    draft = delete_item(store, anna, draft_id=draft.id, item_id=second.id, after=draft.version)
    lm = ScriptedModel(["来访者叫铁柱，养了一只猫叫元宵。", SAID])

    thread = begin_thread(store, anna, patient_id=patient.id, question="草稿里写了什么？")
    answer = last(write(store, lm, anna, thread))
    save_note(store, anna, draft_id=draft.id, after=draft.version)
    later = begin_thread(store, anna, patient_id=patient.id, question="笔记里写了什么？")
    afterwards = last(write(store, lm, anna, later))

    talked, signed = (ask.messages[1].content for ask in lm.asks)
    assert "【手头的草稿，尚未保存为笔记】" in talked
    assert all(item.text in talked for item in draft.standing)
    assert second.text not in talked
    assert (answer.given.draft_read, answer.given.notes_used) == (True, ())
    # What the counsellor wrote there was given; what else the answer names was not.
    assert answer.absent == ("元宵",)
    assert "【手头的草稿" not in signed
    assert (afterwards.given.draft_read, len(afterwards.given.notes_used)) == (False, 1)


def test_a_draft_that_does_not_fit_is_named_as_left_out(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    long = "".join(f"来访者说第{no}天夜里又醒了。" for no in range(400))
    today = make_consultation(store, anna, patient, long)
    write_whole(store, anna, today)
    lm = ScriptedModel([SAID], context_tokens=2048)

    thread = begin_thread(store, anna, patient_id=patient.id, question="草稿里写了什么？")
    answer = last(write(store, lm, anna, thread))

    assert "【手头的草稿" not in lm.asks[0].messages[1].content
    assert (answer.given.draft_read, answer.given.draft_left_out) == (False, True)
