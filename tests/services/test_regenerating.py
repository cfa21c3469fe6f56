from __future__ import annotations

import pytest

from phyassist.domain.drafts import Change, Draft, Section
from phyassist.domain.people import Patient
from phyassist.domain.records import (
    Consultation,
)
from phyassist.errors import ChangedMeanwhile
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.draft_events import (
    AnalysisDone,
    Finished,
    Prepared,
    UnreadWritten,
)
from phyassist.services.drafting import redo_items, start_draft, write_draft
from phyassist.services.reworking import (
    comment_on_item,
    delete_item,
    edit_item,
    list_versions,
)
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import (
    items_of,
    make_consultation,
    make_reply,
    texts_of,
    write_whole,
)


@pytest.fixture
def consultation(store: Store, anna: SignedIn, patient: Patient) -> Consultation:
    return make_consultation(store, anna, patient)


@pytest.fixture
def written(store: Store, anna: SignedIn, consultation: Consultation) -> Draft:
    return write_whole(store, anna, consultation)


def test_regenerating_one_item_leaves_the_others_to_the_letter(store: Store, anna: SignedIn, written: Draft):
    target = written.of(Section.REASON)[1]
    lm = ScriptedModel(
        [make_reply(symptom_type=None, advice=None, reasons=[(4, "来访者已经不去上课，于是落下更多。")])]
    )

    events = list(
        redo_items(
            store,
            lm,
            anna,
            draft_id=written.id,
            item_ids=(target.id,),
            after=written.version,
            stop=Never(),
        )
    )

    last = events[-1]
    assert isinstance(last, Finished)
    assert last.draft.get_item(target.id).text == "来访者已经不去上课，于是落下更多。"
    assert [item for item in last.draft.items if item.id != target.id] == [
        item for item in written.items if item.id != target.id
    ]
    assert list_versions(store, anna, draft_id=written.id)[0].change == Change.REGENERATED


def test_comments_are_in_the_prompt_and_followed_afterwards(store: Store, anna: SignedIn, written: Draft):
    target = written.of(Section.ADVICE)[0]
    commented = comment_on_item(
        store, anna, draft_id=written.id, item_id=target.id, words="更具体一些", after=written.version
    )
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=["询问来访者几点上床。"])])

    *_, last = redo_items(
        store, lm, anna, draft_id=written.id, item_ids=(target.id,), after=commented.version, stop=Never()
    )

    task = lm.asks[0].messages[1].content
    assert task.endswith(
        f"“建议 1”原来写的是：{target.text}\n咨询师不满意，要求：更具体一些\n"
        "“建议 1”必须照这个要求写，不再用原来的话。"
    )
    assert isinstance(last, Finished)
    assert [comment.followed for comment in last.draft.get_item(target.id).comments] == [True]


def test_without_a_comment_the_old_words_are_not_shown_to_be_copied(
    store: Store, anna: SignedIn, written: Draft
):
    target, kept = written.of(Section.ADVICE)[:2]
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=["询问来访者几点上床。"])])

    list(
        redo_items(
            store,
            lm,
            anna,
            draft_id=written.id,
            item_ids=(target.id,),
            after=written.version,
            stop=Never(),
        )
    )

    task = lm.asks[0].messages[1].content
    assert target.text not in task
    assert kept.text in task


def test_the_old_words_once_more_leave_the_comment_open(store: Store, anna: SignedIn, written: Draft):
    target = written.of(Section.ADVICE)[0]
    commented = comment_on_item(
        store, anna, draft_id=written.id, item_id=target.id, words="更具体一些", after=written.version
    )
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=[target.text])])

    *_, done, last = redo_items(
        store, lm, anna, draft_id=written.id, item_ids=(target.id,), after=commented.version, stop=Never()
    )

    assert isinstance(done, AnalysisDone)
    assert isinstance(last, Finished)
    assert done.repeated == 1
    assert last.draft.get_item(target.id) == commented.get_item(target.id)


def test_an_item_written_anew_does_not_begin_as_one_of_its_section_does(
    store: Store, anna: SignedIn, written: Draft
):
    target = written.of(Section.ADVICE)[0]
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=["询问来访者几点上床。"])])

    list(
        redo_items(
            store,
            lm,
            anna,
            draft_id=written.id,
            item_ids=(target.id,),
            after=written.version,
            stop=Never(),
        )
    )

    schema = lm.asks[0].schema
    assert schema is not None
    pattern = schema["properties"]["advice"]["prefixItems"][0]["properties"]["text"]["pattern"]
    assert target.text.startswith("了解来访者")
    assert "了解来访者|" not in pattern
    assert "询问来访者|" in pattern


def test_regenerating_all_leaves_edited_and_deleted_items(store: Store, anna: SignedIn, written: Draft):
    edited, deleted = written.of(Section.REASON)[0], written.of(Section.REASON)[2]
    draft = edit_item(
        store, anna, draft_id=written.id, item_id=edited.id, text="我的话。", after=written.version
    )
    draft = delete_item(store, anna, draft_id=draft.id, item_id=deleted.id, after=draft.version)
    lm = ScriptedModel(
        [
            make_reply(
                symptom_type="考试后的自责",
                reasons=[(4, "来访者已经不去上课，于是落下更多。")],
                advice=["询问来访者几点上床。", "帮助来访者说出失望。", "请来访者写下三件小事。"],
            )
        ]
    )

    *_, last = redo_items(store, lm, anna, draft_id=draft.id, after=draft.version, stop=Never())

    assert isinstance(last, Finished)
    assert last.draft.get_item(edited.id) == draft.get_item(edited.id)
    assert last.draft.get_item(deleted.id) == draft.get_item(deleted.id)
    assert texts_of(last.draft, Section.ADVICE)[0] == "询问来访者几点上床。"


def test_an_edited_item_chosen_alone_is_written_anew(store: Store, anna: SignedIn, written: Draft):
    target = written.of(Section.ADVICE)[0]
    draft = edit_item(
        store, anna, draft_id=written.id, item_id=target.id, text="我的话。", after=written.version
    )
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=["询问来访者几点上床。"])])

    *_, last = redo_items(
        store, lm, anna, draft_id=draft.id, item_ids=(target.id,), after=draft.version, stop=Never()
    )

    assert isinstance(last, Finished)
    assert last.draft.get_item(target.id).text == "询问来访者几点上床。"
    assert not last.draft.get_item(target.id).edited


def test_a_regeneration_that_cannot_be_read_keeps_the_old_words(store: Store, anna: SignedIn, written: Draft):
    target = written.of(Section.ADVICE)[0]
    lm = ScriptedModel(["I cannot help with that."])

    events = list(
        redo_items(
            store,
            lm,
            anna,
            draft_id=written.id,
            item_ids=(target.id,),
            after=written.version,
            stop=Never(),
        )
    )

    assert any(isinstance(event, UnreadWritten) for event in events)
    assert not items_of(events)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.draft.items == written.items


def test_a_regeneration_of_an_item_that_was_edited_meanwhile_keeps_the_edit(
    store: Store, anna: SignedIn, written: Draft
):
    target = written.of(Section.ADVICE)[0]
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=["询问来访者几点上床。"])])
    events = redo_items(
        store, lm, anna, draft_id=written.id, item_ids=(target.id,), after=written.version, stop=Never()
    )
    next(event for event in events if isinstance(event, Prepared))
    edit_item(store, anna, draft_id=written.id, item_id=target.id, text="我的话。", after=written.version)

    with pytest.raises(ChangedMeanwhile):
        list(events)

    with store.read(anna) as tx:
        assert tx.drafts.get(written.id).get_item(target.id).text == "我的话。"


def test_regenerating_upon_a_version_that_is_not_the_newest_is_refused(
    store: Store, anna: SignedIn, written: Draft
):
    target = written.of(Section.ADVICE)[0]
    edit_item(store, anna, draft_id=written.id, item_id=target.id, text="我的话。", after=written.version)

    with pytest.raises(ChangedMeanwhile):
        list(
            redo_items(
                store,
                ScriptedModel([]),
                anna,
                draft_id=written.id,
                item_ids=(target.id,),
                after=written.version,
                stop=Never(),
            )
        )


def test_a_section_whose_items_are_all_deleted_is_written_afresh(
    store: Store, anna: SignedIn, written: Draft
):
    draft = written
    for item in written.of(Section.ADVICE):
        draft = delete_item(store, anna, draft_id=draft.id, item_id=item.id, after=draft.version)
    fresh = ["询问来访者几点上床。", "帮助来访者说出失望。", "请来访者写下三件小事。"]
    lm = ScriptedModel([make_reply(symptom_type=None, reasons=None, advice=fresh)])

    *_, last = redo_items(
        store, lm, anna, draft_id=draft.id, section=Section.ADVICE, after=draft.version, stop=Never()
    )

    assert isinstance(last, Finished)
    assert texts_of(last.draft, Section.ADVICE) == fresh


def test_a_regeneration_is_asked_for_on_the_same_beginning_as_the_analysis(
    store: Store, anna: SignedIn, consultation: Consultation
):
    draft = start_draft(store, anna, consultation_id=consultation.id)
    lm = ScriptedModel([make_reply(), make_reply(reasons=None, advice=None, symptom_type="考试后的自责")])
    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
    assert isinstance(last, Finished)

    list(
        redo_items(
            store,
            lm,
            anna,
            draft_id=draft.id,
            section=Section.SYMPTOM_TYPE,
            after=last.draft.version,
            stop=Never(),
        )
    )

    beginnings = {ask.messages[1].content.split("【任务】")[0] for ask in lm.asks}
    assert len(beginnings) == 1
    assert lm.asks[1].temperature > 0
