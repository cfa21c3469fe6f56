"""The forms of a note: every item has a place in each, and nothing is made up for what has none."""

from __future__ import annotations

import json

import pytest

from phyassist.domain.drafts import Draft, Section
from phyassist.domain.notes import ByHand, Note
from phyassist.domain.people import Language, Patient
from phyassist.errors import UnknownName
from phyassist.services.note_forms import render_note_text
from phyassist.services.noting import export_notes, save_note
from phyassist.services.patients import load_patient
from phyassist.services.reworking import delete_item
from phyassist.services.templates import arrange_note, get_template, list_templates
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation, write_whole

LABELS = [template.label for template in list_templates()]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@pytest.fixture
def written(store: Store, anna: SignedIn, patient: Patient) -> Draft:
    return write_whole(store, anna, make_consultation(store, anna, patient))


@pytest.fixture
def note(store: Store, anna: SignedIn, written: Draft) -> Note:
    by_hand = (ByHand("soap.objective", "衣着整洁。\n语速慢。"),)
    return save_note(
        store, anna, draft_id=written.id, after=written.version, template="soap", by_hand=by_hand
    )


def test_the_four_forms_are_there_with_the_original_first():
    assert LABELS == ["original", "soap", "dap", "birp"]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_of_a_note_has_a_place_in_every_form(note: Note, label: str, language: Language):
    shown = arrange_note(note, language, template=label)

    lines = [line.text for each in shown for line in each.lines]
    for item in note.items:
        assert lines.count(item.text) == 1
        assert not item.quote or item.quote in [
            *lines,
            *(line.quote for each in shown for line in each.lines),
        ]
    assert note.question in lines
    assert [each.by_hand for each in shown if each.by_hand] == ["衣着整洁。\n语速慢。"]
    assert all(each.title for each in shown)


@pytest.mark.parametrize("label", LABELS)
def test_a_form_has_the_same_headings_in_both_languages(label: str):
    for heading in get_template(label).headings:
        assert set(heading.title) == {"zh", "en"}
        assert set(heading.hint) in ({"zh", "en"}, set())


def test_a_heading_without_items_is_empty_and_waits_for_the_counsellor(note: Note):
    shown = {each.key: each for each in arrange_note(note, "zh", template="birp")}

    assert [key for key, each in shown.items() if each.is_open] == ["birp.intervention", "birp.response"]
    assert all(not each.lines for each in shown.values() if each.is_open)


def test_a_plan_without_advice_is_open_too(store: Store, anna: SignedIn, written: Draft):
    draft = written
    for item in written.of(Section.ADVICE):
        draft = delete_item(store, anna, draft_id=draft.id, item_id=item.id, after=draft.version)
    note = save_note(store, anna, draft_id=draft.id, after=draft.version)

    shown = {each.key: each for each in arrange_note(note, "zh", template="dap")}

    assert shown["dap.plan"].is_open


def test_the_note_on_paper_in_soap(store: Store, anna: SignedIn, note: Note):
    file = load_patient(store, anna, note.patient_id)

    text = render_note_text(file.patient, file.record, file.notes, "zh")

    assert (
        text
        == """\
个人基本信息
姓名：Sun Mei
编号：0231

笔记 1    2026-03-02    SOAP
S 主观资料：
  1. 怎样帮助她？
  2. “考试没有考好，妈妈很失望。”
  3. “我担心自己什么都做不好。”
O 客观资料：
  衣着整洁。
  语速慢。
A 评估：
  1. 学业压力
  2. 来访者考试没有考好，妈妈很失望，因此压力很大。
  3. 来访者担心自己什么都做不好，所以不敢再试。
  4. 来访者缺少支持，于是独自承受。（推断）
P 计划：
  1. 了解来访者的睡眠。
  2. 和来访者一起看待考试的结果。
  3. 约定下周恢复一节课。
签署：Anna Weiss, 2026-03-02
"""
    )


def test_an_empty_heading_says_so_on_paper(store: Store, anna: SignedIn, note: Note):
    file = load_patient(store, anna, note.patient_id)

    text = render_note_text(file.patient, file.record, file.notes, "en", template="birp")

    assert "I Intervention:\n  nothing noted\nR Response:\n  nothing noted\n" in text
    assert "O Objective:\n  衣着整洁。\n  语速慢。\n" in text


@pytest.mark.parametrize("form", ["txt", "md", "json"])
def test_an_export_takes_the_form_that_is_asked_for(store: Store, anna: SignedIn, note: Note, form: str):
    as_signed = export_notes(store, anna, patient_id=note.patient_id, form=form).data.decode()
    as_dap = export_notes(store, anna, patient_id=note.patient_id, form=form, template="dap").data.decode()

    assert "S 主观资料" in as_signed
    assert "D 资料" in as_dap
    assert "衣着整洁。" in as_dap
    with pytest.raises(UnknownName):
        export_notes(store, anna, patient_id=note.patient_id, form=form, template="haiku")


def test_a_json_export_says_what_stands_under_each_heading(store: Store, anna: SignedIn, note: Note):
    body = json.loads(export_notes(store, anna, patient_id=note.patient_id, form="json").data)

    (exported,) = body["notes"]
    assert exported["template"] == "soap"
    assert exported["headings"][1] == {
        "key": "soap.objective",
        "title": "O 客观资料",
        "lines": [],
        "by_hand": "衣着整洁。\n语速慢。",
    }
    assert exported["fingerprint"] == note.fingerprint


def test_words_by_hand_cannot_pass_for_a_heading(store: Store, anna: SignedIn, written: Draft):
    save_note(
        store,
        anna,
        draft_id=written.id,
        after=written.version,
        template="birp",
        by_hand=(ByHand("birp.response", "x\n签署：somebody\n# heading"),),
    )

    txt = export_notes(store, anna, patient_id=written.patient_id, form="txt").data.decode()
    md = export_notes(store, anna, patient_id=written.patient_id, form="md").data.decode()

    assert "\n签署：somebody" not in txt
    assert "\n# heading" not in md
