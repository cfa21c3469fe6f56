"""One item of a draft: edit, comment, delete and bring back, move, add, history.

Each answers with the item as it now stands and the version that the next write follows.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from phyassist.domain.drafts import Draft, DraftId, ItemId, Section
from phyassist.errors import ChangedMeanwhile, NotFound
from phyassist.services.drafting import (
    add_item,
    bring_back_item,
    comment_on_item,
    delete_item,
    edit_item,
    list_versions,
    move_item,
)
from phyassist.services.looking import get_draft
from phyassist.web.desk import AtDesk, Desk
from phyassist.web.faults import PageRoute
from phyassist.web.pages.consultations import plain_lines
from phyassist.web.render import render
from phyassist.web.views.drafting import (
    ItemFragment,
    ItemHistoryFragment,
    ItemPast,
    ItemsFragment,
    ItemView,
    VersionFragment,
    find_item_view,
    view_sections,
)

router = APIRouter(route_class=PageRoute)
FormText = Annotated[str, Form()]
Version = Annotated[int, Form()]


@router.post("/drafts/{draft_id}/items")
def write_item(
    desk: AtDesk, draft_id: DraftId, after: Version, text: FormText, section: Annotated[Section, Form()]
) -> Response:
    before = get_draft(desk.house.store, desk.by, draft_id=draft_id)
    known = {item.id for item in before.items}
    draft = add_item(
        desk.house.store, desk.by, draft_id=draft_id, section=section, text=plain_lines(text), after=after
    )
    fresh = next(item.id for item in draft.items if item.id not in known)
    return show_item(desk, draft, fresh)


@router.post("/drafts/{draft_id}/items/{item_id}")
def change_item(desk: AtDesk, draft_id: DraftId, item_id: ItemId, after: Version, text: FormText) -> Response:
    text = plain_lines(text)
    try:
        draft = edit_item(
            desk.house.store, desk.by, draft_id=draft_id, item_id=item_id, text=text, after=after
        )
    except ChangedMeanwhile:
        return show_changed(desk, draft_id, item_id, text)
    return show_item(desk, draft, item_id)


@router.post("/drafts/{draft_id}/items/{item_id}/comments")
def comment(desk: AtDesk, draft_id: DraftId, item_id: ItemId, after: Version, words: FormText) -> Response:
    draft = comment_on_item(
        desk.house.store, desk.by, draft_id=draft_id, item_id=item_id, words=plain_lines(words), after=after
    )
    return show_item(desk, draft, item_id)


@router.post("/drafts/{draft_id}/items/{item_id}/delete")
def remove_item(desk: AtDesk, draft_id: DraftId, item_id: ItemId, after: Version) -> Response:
    draft = delete_item(desk.house.store, desk.by, draft_id=draft_id, item_id=item_id, after=after)
    return show_item(desk, draft, item_id)


@router.post("/drafts/{draft_id}/items/{item_id}/bring-back")
def undo_remove(desk: AtDesk, draft_id: DraftId, item_id: ItemId, after: Version) -> Response:
    draft = bring_back_item(desk.house.store, desk.by, draft_id=draft_id, item_id=item_id, after=after)
    return show_item(desk, draft, item_id)


@router.post("/drafts/{draft_id}/items/{item_id}/move")
def move(
    desk: AtDesk,
    draft_id: DraftId,
    item_id: ItemId,
    after: Version,
    direction: Annotated[Literal["up", "down"], Form()],
) -> Response:
    draft = move_item(
        desk.house.store, desk.by, draft_id=draft_id, item_id=item_id, direction=direction, after=after
    )
    moved = pick_item(draft, item_id)
    items = next(each.items for each in view_sections(draft.items, draft.id) if each.name == moved.section)
    said = desk.w("item.moved_said", no=moved.no)
    return render(ItemsFragment(desk.w, moved.section, items), VersionFragment(desk.w, draft.version, said))


@router.get("/drafts/{draft_id}/items/{item_id}/history")
def show_history(desk: AtDesk, draft_id: DraftId, item_id: ItemId) -> Response:
    return render(ItemHistoryFragment(desk.w, collect_past(desk, draft_id, item_id)))


def show_item(desk: Desk, draft: Draft, item_id: ItemId) -> Response:
    return render(ItemFragment(desk.w, pick_item(draft, item_id)), VersionFragment(desk.w, draft.version))


def show_changed(desk: Desk, draft_id: DraftId, item_id: ItemId, kept: str) -> Response:
    """The item as another window left it, and the counsellor's words still in the box."""
    draft = get_draft(desk.house.store, desk.by, draft_id=draft_id)
    item = ItemFragment(desk.w, pick_item(draft, item_id), mode="edit", kept=kept, changed=True)
    return render(item, VersionFragment(desk.w, draft.version), status=409)


def pick_item(draft: Draft, item_id: ItemId) -> ItemView:
    item = find_item_view(draft, item_id)
    if item is None:
        raise NotFound(f"item {item_id} is not in draft {draft.id}")
    return item


def collect_past(desk: Desk, draft_id: DraftId, item_id: ItemId) -> tuple[ItemPast, ...]:
    """The earlier wordings of an item, newest first; versions that left it alone are passed over."""
    past: list[ItemPast] = []
    for each in sorted(
        list_versions(desk.house.store, desk.by, draft_id=draft_id), key=lambda row: row.version
    ):
        draft = get_draft(desk.house.store, desk.by, draft_id=draft_id, version=each.version)
        item = find_item_view(draft, item_id)
        if item is None or (past and past[-1].text == item.text and past[-1].followed == item.followed):
            continue
        change, at = each.change.name.lower(), desk.when.moment(each.at)
        past.append(ItemPast(each.version, at, change, item.text, item.writer, item.followed))
    return tuple(reversed(past))
