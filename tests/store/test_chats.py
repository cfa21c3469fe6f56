"""Threads: sealed, in their patient's file or their author's alone, and gone with the patient."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import create_engine, text

from phyassist.domain.chats import (
    ChatMessage,
    ChatThread,
    Given,
    GivenNote,
    GivenPassage,
    MessageId,
    MessageKind,
    MessageState,
    ThreadId,
)
from phyassist.domain.notes import NoteId
from phyassist.domain.people import Patient, PatientId
from phyassist.errors import ChangedMeanwhile, NotFound, NotYourPatient
from phyassist.services.practice import recover
from phyassist.services.sharing import share, take_up, withdraw
from phyassist.store.chats import pack_message, unpack_message
from phyassist.store.moving import check_store
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store
from tests.services.joining import let_in
from tests.store.making import AT, MODEL

FULL = ChatMessage(
    MessageId("answer1"),
    MessageId("question1"),
    MessageKind.ANSWER,
    "睡不着 [1]",
    AT,
    MessageState.LONG,
    asked_by="安娜",
    with_library=True,
    written_by=MODEL,
    adapter_reason="patient-adapter",
    passages=(GivenPassage(1, "p7", "睡眠手册", "12", "固定起床时间"),),
    given=Given((GivenNote(NoteId("note1"), 7, AT),), ("note2",), 3, 4, draft_read=True),
    summary="谈过睡眠",
    held_back=("你不是一个人",),
    absent=("小花",),
    untold=("固定起床时间",),
)
# What the first release with conversations wrote.
FIRST_CODING = (
    '{"v":1,"text":"睡不着 [1]","asked_by":"安娜","library":true,'
    '"by":{"model":"qwen2.5-coder-1.5b-instruct","adapter":"a17"},"adapter_reason":"patient-adapter",'
    '"passages":[[1,"p7","睡眠手册","12","固定起床时间"]],"notes":["note1"],"left_out":["note2"],'
    '"record_left_out":3,"text_left_out":4,"summary":"谈过睡眠","held_back":["你不是一个人"]}'
)


def begin(store: Store, by: SignedIn, patient_id: PatientId | None, name: str = "thread1") -> ThreadId:
    thread = ChatThread(ThreadId(name), patient_id, by.id, AT, AT)
    asked = ChatMessage(MessageId(f"question of {name}"), None, MessageKind.QUESTION, "why?", AT)
    with store.write(by) as tx:
        tx.chats.add(thread)
        tx.chats.add_message(thread.id, asked)
        tx.chats.add_message(
            thread.id, dataclasses.replace(FULL, id=MessageId(f"answer of {name}"), parent_id=asked.id)
        )
    return thread.id


def test_a_message_is_read_back_and_so_is_what_was_written_long_ago() -> None:
    bare = dataclasses.replace(FULL, text="")

    assert unpack_message(pack_message(FULL), bare) == FULL
    # It said which notes had been read, but not by what number and day they are called.
    first = dataclasses.replace(
        FULL, absent=(), untold=(), given=dataclasses.replace(FULL.given, notes_used=(), draft_read=False)
    )
    assert unpack_message(FIRST_CODING.encode(), bare) == first


@pytest.mark.parametrize("about", ["patient", "nobody"])
def test_a_thread_is_kept_with_its_messages(
    store: Store, anna: SignedIn, patient: Patient, about: str, store_url: str
) -> None:
    thread_id = begin(store, anna, patient.id if about == "patient" else None)

    with store.write(anna) as tx:
        thread = tx.chats.get(thread_id)
        saved = tx.chats.save_message(thread_id, dataclasses.replace(thread.messages[1], text="rested"))
    with store.read(anna) as tx:
        kept = tx.chats.get(thread_id)
        listed = tx.chats.list(patient.id if about == "patient" else None)

    assert [message.text for message in kept.path] == ["why?", "rested"]
    assert saved.version == 2
    assert listed == (kept,)
    assert check_store(store_url, anna).findings == ()
    with store.write(anna) as tx, pytest.raises(ChangedMeanwhile):
        tx.chats.save_message(thread_id, dataclasses.replace(thread.messages[1], text="late"))


def test_nobody_else_sees_a_thread_about_nobody_nor_one_of_a_patient_not_shared(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    bo = let_in(store, anna, "Bo")
    own, of_patient = begin(store, anna, None), begin(store, anna, patient.id, "thread2")

    with store.read(bo) as tx:
        assert tx.chats.list(None) == ()
        with pytest.raises(NotFound):
            tx.chats.get(own)
    with pytest.raises(NotYourPatient), store.read(bo) as tx:
        tx.chats.get(of_patient)


def test_a_thread_dies_with_its_patient(
    store: Store, anna: SignedIn, patient: Patient, store_url: str
) -> None:
    thread_id, other = begin(store, anna, patient.id), begin(store, anna, None, "thread2")

    with store.write(anna) as tx:
        tx.patients.delete(patient.id)

    with store.read(anna) as tx, pytest.raises(NotFound):
        tx.chats.get(thread_id)
    with create_engine(store_url).connect() as conn:
        left = conn.execute(text("SELECT DISTINCT thread_id FROM chat_messages")).scalars().all()
    assert left == [other]


def test_a_lost_passphrase_loses_no_thread_about_nobody(
    store: Store, practice: SetUp, anna: SignedIn
) -> None:
    thread_id = begin(store, anna, None)

    back = recover(
        store, recovery_key=practice.recovery_key.reveal_text(), new_passphrase="six other herons at noon"
    )

    with store.read(back) as tx:
        assert tx.chats.get(thread_id).title == "why?"


def test_a_renewed_key_opens_the_threads_of_before(store: Store, anna: SignedIn, patient: Patient) -> None:
    bo = let_in(store, anna, "Bo")
    share(store, anna, patient_id=patient.id, with_id=bo.id, may_write=False)
    take_up(store, bo)
    thread_id = begin(store, anna, patient.id)

    withdraw(store, anna, patient_id=patient.id, counsellor_id=bo.id)

    with store.read(anna) as tx:
        assert tx.chats.get(thread_id).path[-1].text == FULL.text
    with pytest.raises(NotYourPatient), store.read(bo) as tx:
        tx.chats.get(thread_id)
