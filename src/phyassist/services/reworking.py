"""What a counsellor does to a draft by hand: each act is one version, and none of them asks the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import replace

from phyassist.domain.drafts import (
    Change,
    Comment,
    Direction,
    Draft,
    DraftId,
    DraftState,
    DraftVersion,
    ItemId,
    Section,
)
from phyassist.domain.library import Citation
from phyassist.errors import ChangedMeanwhile
from phyassist.services.following import get_followed, get_open
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store


def edit_item(
    store: Store, by: SignedIn, *, draft_id: DraftId, item_id: ItemId, text: str, after: int
) -> Draft:
    """The item in the counsellor's words.  Raises EmptyText, NotFound, NotAllowed, ChangedMeanwhile."""
    return _act(
        store,
        by,
        Change.EDITED,
        lambda draft: draft.edited(item_id, text),
        draft_id=draft_id,
        item_id=item_id,
        after=after,
    )


def comment_on_item(
    store: Store, by: SignedIn, *, draft_id: DraftId, item_id: ItemId, words: str, after: int
) -> Draft:
    """An instruction for the item's next try.

    It follows what was written elsewhere since version `after`.  Raises EmptyText, NotFound, NotAllowed.
    """
    comment = Comment(words, store.clock())
    return _lay_in(
        store,
        by,
        Change.COMMENTED,
        lambda draft: draft.commented(item_id, comment),
        lambda draft: [each.words for item in draft.items if item.id == item_id for each in item.comments],
        draft_id=draft_id,
        item_id=item_id,
        after=after,
    )


def delete_item(store: Store, by: SignedIn, *, draft_id: DraftId, item_id: ItemId, after: int) -> Draft:
    """The item marked as deleted, in its place.  Raises NotFound, NotAllowed, ChangedMeanwhile."""
    return _act(
        store,
        by,
        Change.DELETED,
        lambda draft: draft.deleted(item_id),
        draft_id=draft_id,
        item_id=item_id,
        after=after,
    )


def bring_back_item(store: Store, by: SignedIn, *, draft_id: DraftId, item_id: ItemId, after: int) -> Draft:
    """A deleted item stands again.  Raises NotFound, NotAllowed, ChangedMeanwhile."""
    return _act(
        store,
        by,
        Change.BROUGHT_BACK,
        lambda draft: draft.brought_back(item_id),
        draft_id=draft_id,
        item_id=item_id,
        after=after,
    )


def move_item(
    store: Store, by: SignedIn, *, draft_id: DraftId, item_id: ItemId, direction: Direction, after: int
) -> Draft:
    """The item one place up or down in its section; at the edge nothing changes.

    Raises NotFound, NotAllowed, ChangedMeanwhile.
    """
    return _act(
        store,
        by,
        Change.MOVED,
        lambda draft: draft.moved(item_id, direction),
        draft_id=draft_id,
        item_id=item_id,
        after=after,
    )


def add_item(
    store: Store,
    by: SignedIn,
    *,
    draft_id: DraftId,
    section: Section,
    text: str,
    after: int,
    citation: Citation | None = None,
) -> Draft:
    """A new item by hand, last in its section.

    It follows what was written elsewhere since version `after`.  Raises EmptyText, NotFound, NotAllowed.
    """
    item_id = ItemId(store.new_id())
    return _lay_in(
        store,
        by,
        Change.ADDED,
        lambda draft: draft.added(item_id, section, text, citation),
        lambda draft: [(item.section, item.text) for item in draft.items],
        draft_id=draft_id,
        item_id=item_id,
        after=after,
    )


def list_versions(store: Store, by: SignedIn, *, draft_id: DraftId) -> tuple[DraftVersion, ...]:
    """What made each version, newest first.  Raises NotFound, NotYourPatient."""
    with store.read(by) as tx:
        return tuple(reversed(tx.drafts.history(draft_id)))


def get_version(store: Store, by: SignedIn, *, draft_id: DraftId, version: int) -> Draft:
    """The draft as it stood at a version.  Raises NotFound, NotYourPatient."""
    with store.read(by) as tx:
        return tx.drafts.get_version(draft_id, version)


@again
def restore_version(store: Store, by: SignedIn, *, draft_id: DraftId, version: int, after: int) -> Draft:
    """The content of an earlier version as the newest one; nothing in between is lost.

    Raises NotFound, NotAllowed, ChangedMeanwhile.
    """
    with store.write(by) as tx:
        newest = get_followed(tx, draft_id, after=after, touching=None)
        earlier = tx.drafts.get_version(draft_id, version)
        content = replace(earlier, partial="", version=newest.version, state=newest.state)
        return tx.drafts.save(content, Change.RESTORED, after=newest.version)


@again
def discard_draft(store: Store, by: SignedIn, *, draft_id: DraftId, after: int) -> Draft:
    """The draft laid aside; it can still be looked up.

    `after` is the version that was seen: what a counsellor wrote into it elsewhere since is not laid aside
    unread.  What the model wrote meanwhile is.  Raises NotFound, NotAllowed, ChangedMeanwhile.
    """
    with store.write(by) as tx:
        draft = get_followed(tx, draft_id, after=after, touching=())
        tx.drafts.set_state(draft_id, DraftState.DISCARDED)
        tx.audit.write(Act.DISCARDED, Kind.DRAFT, draft_id)
    return replace(draft, state=DraftState.DISCARDED)


@again
def _act(
    store: Store,
    by: SignedIn,
    change: Change,
    edit: Callable[[Draft], Draft],
    *,
    draft_id: DraftId,
    item_id: ItemId,
    after: int,
) -> Draft:
    with store.write(by) as tx:
        try:
            newest = get_followed(tx, draft_id, after=after, touching=(item_id,))
        except ChangedMeanwhile:
            # A write whose answer was lost comes a second time: what it kept is what it asks for.
            kept = tx.drafts.get(draft_id)
            if kept.version == after + 1 and kept.items == edit(tx.drafts.get_version(draft_id, after)).items:
                return kept
            raise
        edited = edit(newest)
        if edited == newest:
            return newest
        return tx.drafts.save(edited, change, after=newest.version, item_ids=(item_id,))


@again
def _lay_in(
    store: Store,
    by: SignedIn,
    change: Change,
    edit: Callable[[Draft], Draft],
    list_alike: Callable[[Draft], list[Hashable]],
    *,
    draft_id: DraftId,
    item_id: ItemId,
    after: int,
) -> Draft:
    """A change that takes nothing away from what was written since, so it follows that too.

    The very same that has been laid in since is not laid in again: `list_alike` names all of its kind.
    """
    with store.write(by) as tx:
        newest = get_open(tx, draft_id)
        if after < newest.version:
            seen = tx.drafts.get_version(draft_id, after)
            known = Counter(list_alike(seen))
            if Counter(list_alike(edit(seen))) - known <= Counter(list_alike(newest)) - known:
                return newest
        return tx.drafts.save(edit(newest), change, after=newest.version, item_ids=(item_id,))
