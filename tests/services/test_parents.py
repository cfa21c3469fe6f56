"""An assistant is trained on top of a published one or of the model alone, as is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.adapters import (
    BASE_ALONE,
    LANGUAGES,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    list_parents,
)
from phyassist.domain.drafts import WrittenBy
from phyassist.domain.learning import Limits
from phyassist.domain.people import Language, Patient
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.errors import BadInput
from phyassist.lm.shipped import get_shipped
from phyassist.services.adapters import withdraw_adapter
from phyassist.services.learning import Scope, plan_run
from phyassist.services.learning_examples import Told, make_examples
from phyassist.services.learning_runs import Base, Run, start_training
from phyassist.services.noting import save_note
from phyassist.services.published_adapters import take_shipped
from phyassist.services.run_files import EXAMPLES_FILE, make_run_example, unpack_examples
from phyassist.store.held_runs import HeldRun
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import Clock
from tests.services.drafts import SAID, make_consultation, write_whole
from tests.services.runs import sign_notes

NAME = "drafts-zh"
BASE = Base("scripted", get_shipped(NAME).base_sha256)


@pytest.fixture
def head(anna: SignedIn) -> SignedIn:
    return replace(anna, runs_practice=True)


@pytest.fixture
def published(store: Store, head: SignedIn) -> AdapterCard:
    return take_shipped(store, head, name=NAME, limits=Limits())


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Patient:
    sign_notes(store, anna, patient, clock)
    return patient


def scope_of(patient: Patient) -> Scope:
    return Scope(AdapterKind.PATIENT, (patient.id,))


def begin(store: Store, by: SignedIn, patient: Patient, worker: WorkerKeys, on: str) -> Run:
    scope = scope_of(patient)
    return start_training(store, by, scope=scope, limits=Limits(), base=BASE, on=on, here=worker.line)


def open_run(store: Store, worker: WorkerKeys) -> HeldRun:
    with store.entrance() as entrance:
        return entrance.held_runs.open(entrance.jobs.list()[0], worker)


def make_card(name: str, language: Language | None = None, base: str = "ab") -> AdapterCard:
    return AdapterCard(
        id=AdapterId(name),
        base_sha256=base,
        patient_id=None,
        trained_at=Clock().now,
        state=AdapterState.ACCEPTED,
        kind=AdapterKind.PUBLISHED,
        config={LANGUAGES: language} if language else {},
    )


def test_published_ones_in_use_of_the_model_and_of_all_its_languages_may_be_gone_on_from():
    newer = replace(make_card("newer", "zh"), in_use_since=Clock().now)
    cards = [
        make_card("any"),
        newer,
        make_card("english", "en"),
        make_card("other base", base="cd"),
        replace(make_card("withdrawn"), state=AdapterState.WITHDRAWN),
        replace(make_card("a set's"), kind=AdapterKind.SET),
    ]

    assert {card.id for card in list_parents(cards, "ab", ["zh"])} == {"any", "newer"}
    assert [card.id for card in list_parents(cards, "ab", ["en", "zh"])] == ["any"]
    assert {card.id for card in list_parents(cards, "ab", [])} == {"any", "newer", "english"}


def test_the_plan_offers_what_fits_and_takes_what_is_asked_for(
    store: Store, head: SignedIn, willing: Patient, published: AdapterCard
) -> None:
    def plan(on: str, base: str = BASE.sha256) -> AdapterId | None:
        found = plan_run(store, head, scope=scope_of(willing), limits=Limits(), base_sha256=base, on=on)
        return found.parent_id

    assert plan(published.id) == published.id
    assert plan(BASE_ALONE) is None
    assert plan("") is None
    with pytest.raises(BadInput, match="cannot be trained on top of"):
        plan(published.id, base="cd" * 32)
    withdraw_adapter(store, head, adapter_id=published.id)
    with pytest.raises(BadInput, match="cannot be trained on top of"):
        plan(published.id)


@pytest.mark.parametrize("is_on_top", [True, False])
def test_the_worker_is_lent_what_the_run_goes_on_from(
    store: Store,
    head: SignedIn,
    willing: Patient,
    worker: WorkerKeys,
    published: AdapterCard,
    is_on_top: bool,
) -> None:
    run = begin(store, head, willing, worker, published.id if is_on_top else BASE_ALONE)

    held = open_run(store, worker)

    assert run.card is not None
    assert run.card.parent_id == (published.id if is_on_top else None)
    assert (held.task.parent is not None) == is_on_top
    assert held.task.present is not None, "what answers now is compared with either way"
    with store.entrance() as entrance:
        examples = unpack_examples(entrance.held_runs.read(held, EXAMPLES_FILE))
    # The model alone had drafted these notes: only who goes on from it alone is held to that.
    assert all(bool(each.drafted) != is_on_top for each in examples)


def test_who_goes_on_from_an_assistant_is_held_to_what_that_one_had_drafted(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    draft = write_whole(store, anna, make_consultation(store, anna, willing))
    note = save_note(store, anna, draft_id=draft.id, after=draft.version)
    items = tuple(replace(item, written_by=WrittenBy("scripted", "p1")) for item in draft.items)
    told = Told(note, split_sentences(SAID), Record(), (), (replace(draft, items=items),))

    (example,) = make_examples(told, "cn")

    said = {parent: make_run_example(example, "scripted", {}, parent).drafted for parent in ("p1", "p2", "")}
    assert said == {"p1": example.chosen, "p2": "", "": ""}
    by_author = make_run_example(example, "scripted", {}, authors=["p1"])
    assert (by_author.drafted, by_author.author) == (example.chosen, "p1")
    drafters = [make_run_example(example, model, {}).drafter for model in ("scripted", "another")]
    assert drafters == ["p1", None]
