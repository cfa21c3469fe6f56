"""What would leave the practice when the model listens elsewhere, shown before anything does."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from phyassist.domain.records import ConsultationId
from phyassist.lm.outside import Leaving, Outside, ignore
from phyassist.lm.protocol import LanguageModel
from phyassist.services.draft_asking import make_asks
from phyassist.services.leaving import known_names
from phyassist.services.library import Embedder
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store


def preview_leaving(
    store: Store,
    by: SignedIn,
    lm: LanguageModel,
    *,
    consultation_id: ConsultationId,
    embedder: Embedder | None = None,
) -> Leaving | None:
    """What an analysis of this consultation would send, word for word; None where nothing would leave.

    Text, question, task and passages of the library.  Sends nothing.
    Raises NotFound, NotYourPatient, CannotOpen, PromptTooLong.
    """
    if not isinstance(lm, Outside):
        return None
    with store.read(by) as tx:
        names = known_names(tx, tx.consultations.get(consultation_id).patient_id)
    asks = make_asks(store, by, lm, consultation_id=consultation_id, embedder=embedder)
    first, *later = map(lm.about(names, ignore).show, asks)
    # They begin alike; the last one holds what the others do, and more.
    added = (_find_added(first.texts[-1], each.texts[-1]) for each in later)
    return replace([first, *later][-1], texts=(*first.texts, *added))


def _find_added(first: str, later: str) -> str:
    """The lines of the later text from the first one on that differs."""
    pairs = zip(first.splitlines(), later.splitlines(), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return "\n".join(later.splitlines()[alike:])
