from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phyassist.domain.drafts import (
    Comment,
    Draft,
    DraftId,
    DraftItem,
    ItemId,
    Section,
    UnreadReply,
    WrittenBy,
)
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import EmptyText, NotAllowed, NotFound

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def make_draft() -> Draft:
    items = tuple(
        DraftItem(ItemId(name), section, f"text of {name}", written_by=WrittenBy("m"))
        for name, section in (
            ("t", Section.SYMPTOM_TYPE),
            ("r1", Section.REASON),
            ("a1", Section.ADVICE),
            ("r2", Section.REASON),
            ("r3", Section.REASON),
        )
    )
    return Draft(DraftId("d"), PatientId("p"), ConsultationId("c"), "why?", items)


def ids(draft: Draft, section: Section = Section.REASON) -> list[str]:
    return [item.id for item in draft.of(section)]


def test_an_edit_changes_one_item_and_marks_it():
    draft = make_draft().edited(ItemId("r2"), "  mine ")

    assert (draft.get_item(ItemId("r2")).text, draft.get_item(ItemId("r2")).edited) == ("mine", True)
    assert [item for item in draft.items if item.id != "r2"] == [
        item for item in make_draft().items if item.id != "r2"
    ]


def test_an_edit_without_words_is_refused():
    with pytest.raises(EmptyText):
        make_draft().edited(ItemId("r2"), " \n")


def test_a_deleted_item_keeps_its_place_and_can_be_brought_back():
    deleted = make_draft().deleted(ItemId("r1"))

    assert ids(deleted) == ["r2", "r3"]
    assert deleted.brought_back(ItemId("r1")) == make_draft()


def test_a_deleted_item_is_not_edited_before_it_is_brought_back():
    with pytest.raises(NotAllowed, match="deleted"):
        make_draft().deleted(ItemId("r1")).edited(ItemId("r1"), "mine")


def test_bringing_back_what_stands_is_refused():
    with pytest.raises(NotAllowed):
        make_draft().brought_back(ItemId("r1"))


def test_moving_swaps_with_the_neighbour_of_the_same_section():
    draft = make_draft().moved(ItemId("r3"), "up")

    assert ids(draft) == ["r1", "r3", "r2"]
    assert ids(draft, Section.ADVICE) == ["a1"]


def test_moving_passes_over_deleted_items():
    draft = make_draft().deleted(ItemId("r2")).moved(ItemId("r3"), "up")

    assert ids(draft) == ["r3", "r1"]


def test_moving_at_the_edge_changes_nothing():
    draft = make_draft()

    assert draft.moved(ItemId("r1"), "up") == draft
    assert draft.moved(ItemId("r3"), "down") == draft


def test_an_added_item_is_last_in_its_section_and_by_a_person():
    draft = make_draft().added(ItemId("r4"), Section.REASON, "mine")

    assert ids(draft)[-1] == "r4"
    assert draft.get_item(ItemId("r4")).written_by.by_person


def test_new_words_of_the_model_follow_the_comments():
    draft = make_draft().commented(ItemId("r1"), Comment("shorter", NOW))
    again = DraftItem(ItemId("r1"), Section.REASON, "short", written_by=WrittenBy("m"))

    item = draft.rewritten(again).get_item(ItemId("r1"))

    assert item.text == "short"
    assert item.comments == (Comment("shorter", NOW, followed=True),)
    assert item.open_comments == ()


def test_an_item_that_is_not_there_is_not_found():
    with pytest.raises(NotFound, match="item x"):
        make_draft().deleted(ItemId("x"))


def test_unread_replies_of_a_section_go_when_it_is_read():
    reason = UnreadReply(ItemId("u1"), Section.REASON, "not-json", "…")
    nowhere = UnreadReply(ItemId("u2"), None, "empty", "")
    advice = UnreadReply(ItemId("u3"), Section.ADVICE, "not-json", "…")
    draft = make_draft().with_unread(reason).with_unread(nowhere).with_unread(advice)

    assert draft.without_unread((Section.REASON,)).unread == (advice,)
    assert draft.without_unread().unread == ()


def test_a_draft_in_a_log_shows_no_words():
    draft = make_draft().edited(ItemId("r1"), "canary").commented(ItemId("r1"), Comment("canary", NOW))

    assert "canary" not in repr(draft)
