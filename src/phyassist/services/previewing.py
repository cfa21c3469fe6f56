"""What would leave the practice when the model listens elsewhere, shown before anything does."""

from __future__ import annotations

from phyassist.domain.records import ConsultationId
from phyassist.lm.outside import Leaving, Outside, ignore
from phyassist.lm.protocol import LanguageModel
from phyassist.services.drafting import make_first_ask
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
    ask = make_first_ask(store, by, lm, consultation_id=consultation_id, embedder=embedder)
    return lm.about(names, ignore).show(ask)
