from __future__ import annotations

import pytest

from phyassist.domain.drafts import Change, Draft, DraftState, Section
from phyassist.domain.people import Patient
from phyassist.domain.records import Consultation
from phyassist.errors import ChangedMeanwhile, NotAllowed
from phyassist.services.drafting import (
    add_item,
    bring_back_item,
    comment_on_item,
    delete_item,
    discard_draft,
    edit_item,
    get_version,
    list_versions,
    move_item,
    restore_version,
    start_draft,
)
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation, texts_of, write_whole


@pytest.fixture
def consultation(store: Store, anna: SignedIn, patient: Patient) -> Consultation:
    return make_consultation(store, anna, patient)


@pytest.fixture
def written(store: Store, anna: SignedIn, consultation: Consultation) -> Draft:
    return write_whole(store, anna, consultation)


def test_each_act_is_one_version_with_its_change_and_its_item(store: Store, anna: SignedIn, written: Draft):
    item_id = written.of(Section.REASON)[0].id
    draft = edit_item(
        store, anna, draft_id=written.id, item_id=item_id, text="我的话。", after=written.version
    )
    draft = comment_on_item(
        store, anna, draft_id=draft.id, item_id=item_id, words="短些", after=draft.version
    )
    draft = move_item(store, anna, draft_id=draft.id, item_id=item_id, direction="down", after=draft.version)
    draft = delete_item(store, anna, draft_id=draft.id, item_id=item_id, after=draft.version)
    draft = bring_back_item(store, anna, draft_id=draft.id, item_id=item_id, after=draft.version)

    lines = list_versions(store, anna, draft_id=draft.id)[:5]

    assert [line.change for line in reversed(lines)] == [
        Change.EDITED,
        Change.COMMENTED,
        Change.MOVED,
        Change.DELETED,
        Change.BROUGHT_BACK,
    ]
    assert {line.item_ids for line in lines} == {(item_id,)}
    assert draft.version == written.version + 5


def test_an_item_added_by_hand_says_that_a_person_wrote_it(store: Store, anna: SignedIn, written: Draft):
    draft = add_item(
        store, anna, draft_id=written.id, section=Section.ADVICE, text="打电话给学校。", after=written.version
    )

    item = draft.of(Section.ADVICE)[-1]
    assert (item.text, item.written_by.by_person) == ("打电话给学校。", True)


def test_the_second_of_two_windows_is_told_and_nothing_is_lost(store: Store, anna: SignedIn, written: Draft):
    first, second = written.of(Section.REASON)[:2]
    edit_item(store, anna, draft_id=written.id, item_id=first.id, text="一号窗。", after=written.version)

    with pytest.raises(ChangedMeanwhile):
        edit_item(store, anna, draft_id=written.id, item_id=second.id, text="二号窗。", after=written.version)

    with store.read(anna) as tx:
        newest = tx.drafts.get(written.id)
    assert texts_of(newest, Section.REASON)[:2] == ["一号窗。", second.text]


def test_an_earlier_version_comes_back_as_a_new_one(store: Store, anna: SignedIn, written: Draft):
    item_id = written.of(Section.REASON)[0].id
    edited = edit_item(
        store, anna, draft_id=written.id, item_id=item_id, text="我的话。", after=written.version
    )

    restored = restore_version(
        store, anna, draft_id=written.id, version=written.version, after=edited.version
    )

    assert restored.items == written.items
    assert restored.version == edited.version + 1
    kept = get_version(store, anna, draft_id=written.id, version=edited.version)
    assert kept.get_item(item_id).text == "我的话。"


def test_a_move_at_the_edge_is_no_version(store: Store, anna: SignedIn, written: Draft):
    item_id = written.of(Section.REASON)[0].id

    draft = move_item(
        store, anna, draft_id=written.id, item_id=item_id, direction="up", after=written.version
    )

    assert draft.version == written.version


def test_a_discarded_draft_can_be_looked_up_but_not_changed(store: Store, anna: SignedIn, written: Draft):
    discard_draft(store, anna, draft_id=written.id, after=written.version)

    with store.read(anna) as tx:
        found = tx.drafts.list(written.patient_id)
    assert [(draft.state, draft.items) for draft in found] == [(DraftState.DISCARDED, written.items)]
    with pytest.raises(NotAllowed, match="discarded"):
        delete_item(store, anna, draft_id=written.id, item_id=written.items[0].id, after=written.version)


def test_pressing_analysis_twice_starts_one_draft(store: Store, anna: SignedIn, consultation: Consultation):
    first = start_draft(store, anna, consultation_id=consultation.id)

    second = start_draft(store, anna, consultation_id=consultation.id)

    assert second == first
    assert first.question == "怎样帮助她？"


def test_a_new_draft_lays_the_written_one_of_its_consultation_aside(
    store: Store, anna: SignedIn, written: Draft
) -> None:
    fresh = start_draft(store, anna, consultation_id=written.consultation_id)

    with store.read(anna) as tx:
        states = {draft.id: draft.state for draft in tx.drafts.list(written.patient_id)}
    assert states == {fresh.id: DraftState.OPEN, written.id: DraftState.DISCARDED}


def test_a_draft_with_unseen_words_of_another_window_is_not_discarded(
    store: Store, anna: SignedIn, written: Draft
):
    edit_item(
        store, anna, draft_id=written.id, item_id=written.items[0].id, text="别的", after=written.version
    )

    with pytest.raises(ChangedMeanwhile):
        discard_draft(store, anna, draft_id=written.id, after=written.version)

    with store.read(anna) as tx:
        assert tx.drafts.get(written.id).state == DraftState.OPEN
