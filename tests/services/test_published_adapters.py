"""An adapter that comes with PhyAssist is offered where it fits, and taken once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.adapters import AdapterState
from phyassist.domain.learning import Limits
from phyassist.errors import NotAllowed, UnknownName
from phyassist.lm.shipped import get_shipped, list_shipped, load_shipped
from phyassist.services.adapters import choose_for
from phyassist.services.patients import new_patient
from phyassist.services.published_adapters import list_offers, take_shipped
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

NAME = "drafts-zh"
BASE = get_shipped(NAME).base_sha256


@pytest.fixture
def head(anna: SignedIn) -> SignedIn:
    return replace(anna, runs_practice=True)


def test_it_is_offered_to_who_runs_the_practice_where_it_fits_the_model_until_it_is_taken(
    store: Store, head: SignedIn
) -> None:
    elsewhere = list_offers(store, head, base_sha256="ab" * 32)
    to_others = list_offers(store, replace(head, runs_practice=False), base_sha256=BASE)
    before = list_offers(store, head, base_sha256=BASE)

    card = take_shipped(store, head, name=NAME, limits=Limits())
    again = take_shipped(store, head, name=NAME, limits=Limits())

    assert (elsewhere, to_others, before) == ((), (), (NAME,))
    assert list_offers(store, head, base_sha256=BASE) == ()
    assert (card.state, again.id) == (AdapterState.ACCEPTED, card.id)


def test_it_answers_for_clients_who_are_written_about_in_chinese_and_opens_as_it_came(
    store: Store, head: SignedIn
) -> None:
    card = take_shipped(store, head, name=NAME, limits=Limits())
    patients = {
        language: new_patient(store, head, name="Lin", language=language) for language in ("zh", "en")
    }

    with store.read(head) as tx:
        chosen = {name: choose_for(tx, each.id, BASE).card for name, each in patients.items()}
        opened = b"".join(tx.adapters.files.read(card.id, tx.adapters.key_of(card.id), "adapter.gguf"))

    assert chosen["en"] is None
    assert chosen["zh"] == card
    assert opened == load_shipped(NAME)[1]["adapter.gguf"]


def test_who_does_not_run_the_practice_takes_none(store: Store, head: SignedIn) -> None:
    with pytest.raises(NotAllowed):
        take_shipped(store, replace(head, runs_practice=False), name=NAME, limits=Limits())


def test_a_name_that_none_bears_is_said_with_those_there_are(store: Store, head: SignedIn) -> None:
    with pytest.raises(UnknownName) as error:
        take_shipped(store, head, name="drafts-fr", limits=Limits())

    assert all(each.name in str(error.value.hint) for each in list_shipped())
