"""Passages of the library as a conversation is given them: numbered, kept with the answer as they were."""

from __future__ import annotations

from phyassist.domain.chats import GivenPassage
from phyassist.services.library import Embedder, search_passages
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

# Each is read by the engine before the first word comes.
PASSAGES_MAX = 3


def find_given(
    store: Store, by: SignedIn, question: str, embedder: Embedder | None = None
) -> tuple[GivenPassage, ...]:
    """The passages that fit a question best, numbered from 1; none where nothing fits.

    What is asked about a patient is searched for in memory and kept nowhere.  Raises CannotOpen.
    """
    found = search_passages(store, by, question, embedder=embedder, limit=PASSAGES_MAX)
    return tuple(
        GivenPassage(
            number,
            passage.id,
            " · ".join(part for part in (passage.document.title, passage.heading) if part),
            str(passage.page) if passage.page else "",
            passage.text,
        )
        for number, passage in enumerate(found, 1)
    )
