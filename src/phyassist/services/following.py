"""Which version of a draft a change may follow."""

from __future__ import annotations

from collections.abc import Iterable

from phyassist.domain.drafts import Change, Draft, DraftId, DraftState, ItemId
from phyassist.errors import ChangedMeanwhile, NotAllowed
from phyassist.services.access import check_may_change
from phyassist.store.transactions import Tx

_BY_MODEL = frozenset({Change.WROTE, Change.STOPPED, Change.UNREAD, Change.REGENERATED})


def get_followed(tx: Tx, draft_id: DraftId, *, after: int, touching: Iterable[ItemId] | None) -> Draft:
    """The newest version, where a change made upon version `after` may follow it.

    While the model writes, versions pass that a page has not seen: a change of items that they did not touch
    follows all the same.  `touching` None: the change is of the whole draft, and nothing may lie between.
    Raises NotFound, NotYourPatient, NotAllowed where the draft is closed, ChangedMeanwhile.
    """
    draft = get_open(tx, draft_id)
    if draft.version == after:
        return draft
    between = [line for line in tx.drafts.history(draft_id) if line.version > after]
    touched = set(touching or ())
    if (
        touching is None
        or after > draft.version
        or any(line.change not in _BY_MODEL or touched & set(line.item_ids) for line in between)
    ):
        raise ChangedMeanwhile(
            f"draft {draft_id} has been changed elsewhere since",
            hint="look at it as it is now, then do it again",
        )
    return draft


def get_open(tx: Tx, draft_id: DraftId) -> Draft:
    """The newest version of a draft that may still change.  Raises NotFound, NotYourPatient, NotAllowed."""
    draft = tx.drafts.get(draft_id)
    check_may_change(tx, draft.patient_id)
    if draft.state != DraftState.OPEN:
        raise NotAllowed(f"draft {draft_id} is {draft.state.value}", hint="start a new one")
    return draft
