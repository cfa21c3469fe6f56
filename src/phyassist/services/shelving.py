"""Adapters put where the model finds them: opened from the store into memory, when first asked for."""

from __future__ import annotations

from phyassist.domain.adapters import AdapterCard, AdapterChoice, AdapterId
from phyassist.errors import CannotOpen, ModelError, NotFound
from phyassist.lm.protocol import LanguageModel, TakesAdapters
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

UNAVAILABLE = "adapter-unavailable"


def make_ready(store: Store, by: SignedIn, lm: LanguageModel, choice: AdapterChoice) -> AdapterChoice:
    """The choice, with the adapter where the model finds it; the base alone where that cannot be.

    It is opened into memory at the first time and then stays with the model.
    """
    card = choice.card
    if card is None:
        return choice
    try:
        put_on_shelf(store, by, lm, card.id)
    except (ModelError, CannotOpen, NotFound):
        return AdapterChoice(None, UNAVAILABLE)
    return choice


def put_on_shelf(store: Store, by: SignedIn, lm: LanguageModel, adapter_id: AdapterId) -> AdapterCard:
    """Have the model answer with an adapter too; its card.

    Raises NotFound, NotYourPatient, CannotOpen, and the model's errors.
    """
    with store.read(by) as tx:
        card = tx.adapters.get(adapter_id)
    if not isinstance(lm, TakesAdapters) or lm.has_adapter(adapter_id):
        return card

    def read(name: str) -> bytes:
        with store.read(by) as tx:
            return b"".join(tx.adapters.files.read(adapter_id, tx.adapters.key_of(adapter_id), name))

    lm.take_adapter(adapter_id, read)
    return card
