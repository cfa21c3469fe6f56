from __future__ import annotations

import json

import pytest

from phyassist.domain.clock import new_id
from phyassist.domain.drafts import Draft, DraftState, Section
from phyassist.domain.people import Patient
from phyassist.domain.records import (
    Consultation,
    RecordField,
    RecordLine,
    Span,
    Statement,
    StatementId,
)
from phyassist.errors import ChangedMeanwhile, EmptyText, NotAllowed
from phyassist.services.note_forms import render_note_text
from phyassist.services.noting import (
    amend_note,
    export_notes,
    preview_note,
    save_note,
)
from phyassist.services.patients import load_patient
from phyassist.services.reworking import add_item, comment_on_item, delete_item, edit_item, list_versions
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation, write_whole


@pytest.fixture
def consultation(store: Store, anna: SignedIn, patient: Patient) -> Consultation:
    return make_consultation(store, anna, patient)


@pytest.fixture
def written(store: Store, anna: SignedIn, consultation: Consultation) -> Draft:
    return write_whole(store, anna, consultation)


def add_demographics(store: Store, by: SignedIn, patient: Patient, consultation: Consultation) -> None:
    lines = tuple(
        RecordLine(
            StatementId(new_id()),
            Statement(RecordField.DEMOGRAPHIC, text, "我", Span(0, 1)),
            consultation.source.id,
            consultation.id,
            store.clock(),
        )
        for text in ("19岁", "女")
    )
    with store.write(by) as tx:
        tx.records.save(patient.id, lines, after=0)


def test_a_note_stands_in_the_format_of_the_original(
    store: Store, anna: SignedIn, patient: Patient, consultation: Consultation, written: Draft
):
    add_demographics(store, anna, patient, consultation)
    save_note(store, anna, draft_id=written.id, after=written.version)
    file = load_patient(store, anna, patient.id)

    text = render_note_text(file.patient, file.record, file.notes, "zh")

    assert (
        text
        == """\
个人基本信息
姓名：Sun Mei
编号：0231
19岁
女

笔记 1    2026-03-02
咨询问题：怎样帮助她？
分析：
  症状类型：学业压力
  原因：
    1. 来访者考试没有考好，妈妈很失望，因此压力很大。（原话：“考试没有考好，妈妈很失望。”）
    2. 来访者担心自己什么都做不好，所以不敢再试。（原话：“我担心自己什么都做不好。”）
    3. 来访者缺少支持，于是独自承受。（推断）
建议：
  1. 了解来访者的睡眠。
  2. 和来访者一起看待考试的结果。
  3. 约定下周恢复一节课。
签署：Anna Weiss, 2026-03-02
"""
    )


def test_the_note_is_english_for_an_english_patient(
    store: Store, anna: SignedIn, patient: Patient, written: Draft
):
    save_note(store, anna, draft_id=written.id, after=written.version)
    file = load_patient(store, anna, patient.id)

    lines = render_note_text(file.patient, file.record, file.notes, "en").splitlines()

    assert lines[0] == "Personal basic information"
    assert lines[5] == "Counselling question: 怎样帮助她？"
    assert lines[6:8] == ["Analysis:", "  Symptom type: 学业压力"]


def test_saving_closes_the_draft(store: Store, anna: SignedIn, written: Draft):
    note = save_note(store, anna, draft_id=written.id, after=written.version)

    with store.read(anna) as tx:
        assert tx.drafts.get(written.id).state == DraftState.SAVED
    assert [each.version for each in list_versions(store, anna, draft_id=written.id)] == [written.version]
    assert (note.number, note.author, note.draft_id) == (1, "Anna Weiss", written.id)
    with pytest.raises(NotAllowed, match="saved"):
        save_note(store, anna, draft_id=written.id, after=written.version)


def test_deleted_items_and_comments_are_not_signed(store: Store, anna: SignedIn, written: Draft):
    gone, commented = written.of(Section.ADVICE)[:2]
    draft = delete_item(store, anna, draft_id=written.id, item_id=gone.id, after=written.version)
    draft = comment_on_item(
        store, anna, draft_id=draft.id, item_id=commented.id, words="短些", after=draft.version
    )

    note = save_note(store, anna, draft_id=draft.id, after=draft.version)

    assert gone.id not in {item.id for item in note.items}
    assert all(item.comments == () for item in note.items)


def test_the_preview_is_what_will_be_signed_and_stores_nothing(store: Store, anna: SignedIn, written: Draft):
    preview = preview_note(store, anna, draft_id=written.id)

    with store.read(anna) as tx:
        assert tx.notes.list(written.patient_id) == ()
    note = save_note(store, anna, draft_id=written.id, after=written.version)
    assert (preview.items, preview.number, preview.question) == (note.items, note.number, note.question)


def test_a_draft_that_was_changed_in_another_window_is_not_signed_unseen(
    store: Store, anna: SignedIn, written: Draft
):
    edit_item(
        store, anna, draft_id=written.id, item_id=written.items[0].id, text="别的", after=written.version
    )

    with pytest.raises(ChangedMeanwhile):
        save_note(store, anna, draft_id=written.id, after=written.version)


def test_a_draft_without_items_is_not_signed(store: Store, anna: SignedIn, consultation: Consultation):
    draft = write_whole(store, anna, consultation, reply="nothing")

    with pytest.raises(EmptyText, match="no items"):
        save_note(store, anna, draft_id=draft.id, after=draft.version)


def test_an_amendment_hangs_below_and_the_note_stays(
    store: Store, anna: SignedIn, clock: Clock, written: Draft
):
    note = save_note(store, anna, draft_id=written.id, after=written.version)
    clock.move(days=2)

    amended = amend_note(store, anna, note_id=note.id, reason="电话", text="妈妈打来电话。")

    assert amended.items == note.items
    (amendment,) = amended.amendments
    assert (amendment.author, amendment.reason, amendment.text) == ("Anna Weiss", "电话", "妈妈打来电话。")
    assert amendment.at == clock.now
    file = load_patient(store, anna, written.patient_id)
    text = render_note_text(file.patient, file.record, file.notes, "zh")
    assert "补记（2026-03-04, Anna Weiss, 电话）：妈妈打来电话。" in text


@pytest.mark.parametrize(("reason", "text"), [("", "words"), ("why", " ")])
def test_an_amendment_needs_a_reason_and_words(
    store: Store, anna: SignedIn, written: Draft, reason: str, text: str
):
    note = save_note(store, anna, draft_id=written.id, after=written.version)

    with pytest.raises(EmptyText):
        amend_note(store, anna, note_id=note.id, reason=reason, text=text)


def test_dates_are_those_of_the_counsellors_zone(
    store: Store, anna: SignedIn, clock: Clock, patient: Patient
):
    clock.set(clock.now.replace(hour=23, minute=30))
    written = write_whole(store, anna, make_consultation(store, anna, patient))
    save_note(store, anna, draft_id=written.id, after=written.version)

    text = export_notes(store, anna, patient_id=patient.id, form="txt").data.decode()

    assert "笔记 1    2026-03-03" in text


def test_words_in_an_exported_markdown_file_are_neither_headings_nor_links(
    store: Store, anna: SignedIn, written: Draft
):
    draft = add_item(
        store,
        anna,
        draft_id=written.id,
        section=Section.ADVICE,
        text="x\n# 假标题\n[点我](javascript:alert(1)) <script>",
        after=written.version,
    )
    save_note(store, anna, draft_id=draft.id, after=draft.version)

    text = export_notes(store, anna, patient_id=draft.patient_id, form="md").data.decode()

    assert "\n# 假标题" not in text
    assert "[点我](" not in text
    assert "<script>" not in text
    assert "\\[点我\\]" in text


def test_an_exported_json_file_holds_every_note(
    store: Store, anna: SignedIn, patient: Patient, written: Draft
):
    save_note(store, anna, draft_id=written.id, after=written.version)

    export = export_notes(store, anna, patient_id=patient.id, form="json")

    body = json.loads(export.data)
    assert export.file_name == "notes-0231.json"
    assert [note["number"] for note in body["notes"]] == [1]
    assert body["notes"][0]["reasons"][2] == {
        "text": "来访者缺少支持，于是独自承受。",
        "quote": "",
        "basis": "inferred",
    }
