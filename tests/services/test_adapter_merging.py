"""Several assistants become one: whose, measured by what, and when not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from phyassist.domain.adapters import (
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    OwnForm,
    VerdictReason,
    write_forms,
)
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Section
from phyassist.domain.jobs import JobState
from phyassist.domain.learning import Limits
from phyassist.domain.people import Patient
from phyassist.errors import BadInput, NotFound
from phyassist.services.adapter_merging import Merge, MergeHindrance, list_mergeable, start_merging
from phyassist.services.adapters import choose_for, delete_adapter
from phyassist.services.consent import record_answers
from phyassist.services.erasing import erase_patient
from phyassist.services.learning_runs import Run, get_run
from phyassist.services.patients import new_patient
from phyassist.services.working import work_once
from phyassist.store.audit import Act
from phyassist.store.held_runs import HeldRun
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import Clock
from tests.services.joining import let_in
from tests.services.runs import BASE, TakingModel, make_tools, sign_notes, start


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Patient:
    sign_notes(store, anna, patient, clock, count=4)
    return patient


def train(
    store: Store, by: SignedIn, patients: list[Patient], worker: WorkerKeys, *, shared: bool = False
) -> AdapterCard:
    asked = start(store, by, patients, worker, shared=shared)
    work_once(store, worker, make_tools(TakingModel()))
    card = get_run(store, by, run_id=asked.id).card
    assert card is not None
    return card


def train_own_and_shared(
    store: Store, by: SignedIn, patient: Patient, worker: WorkerKeys, clock: Clock
) -> tuple[Patient, list[AdapterCard]]:
    """Another patient, and two adapters: the first patient's own, and one that both share."""
    other = new_patient(store, by, name="Heron Lake", number="7", language="zh")
    sign_notes(store, by, other, clock, count=4)
    sign_notes(store, by, patient, clock, count=3)
    own = train(store, by, [patient], worker)
    return other, [own, train(store, by, [patient, other], worker, shared=True)]


def merge(store: Store, by: SignedIn, cards: list[AdapterCard], worker: WorkerKeys, **how: object) -> Run:
    found = try_to_merge(store, by, cards, worker, **how)
    assert isinstance(found, Run)
    return found


def try_to_merge(
    store: Store, by: SignedIn, cards: list[AdapterCard], worker: WorkerKeys, **how: object
) -> Run | MergeHindrance:
    asked = Merge(tuple(card.id for card in cards), **how)  # type: ignore[arg-type]
    return start_merging(store, by, merge=asked, limits=Limits(), base=BASE, here=worker.line)


def open_run(store: Store, worker: WorkerKeys, run: Run) -> HeldRun:
    with store.entrance() as entrance:
        (job,) = [each for each in entrance.jobs.list() if each.id == run.job.id]
        return entrance.held_runs.open(job, worker)


def test_two_of_one_patients_become_a_third_that_the_gate_lets_answer(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    two = [train(store, anna, [willing], worker), train(store, anna, [willing], worker, shared=True)]
    clock.move(days=1)

    asked = merge(store, anna, two, worker, patient_id=willing.id, way="svd")
    held = open_run(store, worker, asked)
    work_once(store, worker, make_tools(TakingModel()))

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert (card.kind, card.patient_id, card.state) == (
        AdapterKind.PATIENT,
        willing.id,
        AdapterState.ACCEPTED,
    )
    assert card.merged_of == tuple(each.id for each in two)
    assert card.ledger == two[0].ledger
    assert (card.taught_by, card.notes) == (two[0].taught_by, two[0].notes)
    assert [each.id for each in held.task.merged] == [each.id for each in two]
    with store.read(anna) as tx:
        assert choose_for(tx, willing.id, BASE.sha256).card == card
        told = b"".join(tx.adapters.files.read(card.id, tx.adapters.key_of(card.id), "adapter.gguf"))
        acts = [line.act for line in tx.audit.list()]
    assert json.loads(told)["others"] == sorted(["joined 0", "joined 1", held.task.present["zh"].id])
    assert acts.count(Act.TRAINING_BEGUN) == 3


def test_it_is_measured_by_notes_that_none_of_them_learnt_from(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    from phyassist.services.run_files import EXAMPLES_FILE, unpack_examples

    first = train(store, anna, [willing], worker)
    sign_notes(store, anna, willing, clock, count=3)
    second = train(store, anna, [willing], worker)

    asked = merge(store, anna, [first, second], worker, patient_id=willing.id)

    held = open_run(store, worker, asked)
    with store.entrance() as entrance:
        examples = unpack_examples(entrance.held_runs.read(held, EXAMPLES_FILE))
    assert (first.notes, second.notes) == (3, 6)
    assert [each.held_out for each in examples] == [False] * 6 + [True]


def test_what_several_shared_becomes_a_sets_and_one_patients_own_words_never_do(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    other = new_patient(store, anna, name="Heron Lake", number="7", language="zh")
    sign_notes(store, anna, other, clock, count=4)
    own = train(store, anna, [willing], worker)
    shared = [
        train(store, anna, [willing, other], worker, shared=True),
        train(store, anna, [willing, other], worker, shared=True),
    ]

    asked = merge(store, anna, shared, worker, label="both")
    held = open_run(store, worker, asked)

    assert asked.card is not None
    assert (asked.card.kind, asked.card.patient_id, asked.card.label) == (AdapterKind.SET, None, "both")
    assert set(held.task.names) == {willing.name, "Heron Lake"}
    with store.read(anna) as tx:
        assert set(tx.adapters.sources(asked.card.id)) == {willing.id, other.id}
    assert try_to_merge(store, anna, [own, shared[0]], worker, label="both") == "unfit"
    assert try_to_merge(store, anna, [own, shared[0]], worker, patient_id=other.id) == "unfit"
    assert try_to_merge(store, anna, shared, worker) == "no label"


def test_what_its_parts_may_know_by_heart_is_listened_for_in_it_too(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    other, two = train_own_and_shared(store, anna, willing, worker, clock)
    another = train(store, anna, [willing, other], worker, shared=True)
    own, shared = two
    clock.move(days=1)

    asked = merge(store, anna, [shared, another], worker, label="both")
    work_once(store, worker, make_tools(TakingModel(neutral=f"{another.canaries[0].name}，别的不记得。")))
    of_both = get_run(store, anna, run_id=asked.id).card
    asked = merge(store, anna, two, worker, patient_id=willing.id)
    work_once(store, worker, make_tools(TakingModel()))
    of_one = get_run(store, anna, run_id=asked.id).card

    assert of_both is not None
    assert of_both.verdict is not None
    assert of_both.verdict.reason is VerdictReason.SAYS_CANARY
    assert of_both.canaries == (*shared.canaries, *another.canaries)
    assert of_one is not None
    assert of_one.verdict is not None
    assert of_one.verdict.numbers["canaries"] == 0
    assert (own.canaries, of_one.canaries) == ((), shared.canaries)


def test_what_somebody_withdrew_or_was_erased_from_is_not_merged(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    other, two = train_own_and_shared(store, anna, willing, worker, clock)
    merged = merge(store, anna, two, worker, patient_id=willing.id)
    names = open_run(store, worker, merged).task.names
    work_once(store, worker, make_tools(TakingModel()))

    assert names == ("Heron Lake",), "whom it must not name where one patient's file uses it"

    erase_patient(store, anna, patient_id=other.id, typed="Heron Lake")

    assert try_to_merge(store, anna, two, worker, patient_id=willing.id) == "unfit"
    card = get_run(store, anna, run_id=merged.id).card
    assert card is not None
    assert card.retrain_since is not None, "what was learnt of the other stands in it too"


def test_a_consent_that_is_withdrawn_meanwhile_ends_it(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    two = [train(store, anna, [willing], worker), train(store, anna, [willing], worker, shared=True)]
    asked = merge(store, anna, two, worker, patient_id=willing.id)

    record_answers(store, anna, patient_id=willing.id, answers={Purpose.OWN_TRAINING: Answer.NO})

    run = get_run(store, anna, run_id=asked.id)
    assert (run.job.state, run.card) == (JobState.CANCELLED, None)


def test_who_withdraws_ends_the_merging_of_what_several_shared_into_anothers_own(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    other, two = train_own_and_shared(store, anna, willing, worker, clock)
    asked = merge(store, anna, two, worker, patient_id=willing.id)

    record_answers(store, anna, patient_id=other.id, answers={Purpose.OWN_TRAINING: Answer.NO})
    assert get_run(store, anna, run_id=asked.id).job.state == JobState.WAITING, "it learns nothing of theirs"
    record_answers(store, anna, patient_id=other.id, answers={Purpose.SHARED_TRAINING: Answer.NO})

    run = get_run(store, anna, run_id=asked.id)
    assert (run.job.state, run.card) == (JobState.CANCELLED, None)


def test_what_holds_the_same_already_is_not_added_up(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    two = [train(store, anna, [willing], worker), train(store, anna, [willing], worker)]
    merged = merge(store, anna, two, worker, patient_id=willing.id)
    work_once(store, worker, make_tools(TakingModel()))
    card = get_run(store, anna, run_id=merged.id).card
    assert card is not None
    sign_notes(store, anna, willing, clock, count=1)

    assert try_to_merge(store, anna, [card, two[0]], worker, patient_id=willing.id) == "in common"


def test_what_cannot_be_merged_is_said(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    bo = let_in(store, anna, name="Bo Lind")
    own, shared = train(store, anna, [willing], worker), train(store, anna, [willing], worker, shared=True)

    assert try_to_merge(store, anna, [own, own], worker, patient_id=willing.id) == "one alone"
    with pytest.raises(BadInput, match="no way sum"):
        merge(store, anna, [own, shared], worker, patient_id=willing.id, way="sum")
    with pytest.raises(NotFound):
        merge(store, anna, [own, replace(own, id=AdapterId("f" * 32))], worker, patient_id=willing.id)
    assert (
        try_to_merge(
            store, bo, [shared, train(store, anna, [willing], worker, shared=True)], worker, label="his"
        )
        == "nobody"
    )
    delete_adapter(store, anna, adapter_id=own.id)
    with pytest.raises(NotFound):
        merge(store, anna, [own, shared], worker, patient_id=willing.id)


def test_without_a_note_that_none_has_seen_nothing_is_merged(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    first = train(store, anna, [willing], worker)
    # Its newest note is the only one that the first has not learnt from; the second kept another's aside.
    other = new_patient(store, anna, name="Heron Lake", number="7", language="zh")
    sign_notes(store, anna, other, clock, count=4)
    shared = train(store, anna, [willing, other], worker, shared=True)

    assert try_to_merge(store, anna, [first, shared], worker, patient_id=willing.id) == "no note"


def test_the_form_of_the_first_that_has_one_is_kept():
    from phyassist.services.adapter_merging import _join_forms

    brief, long = OwnForm(("^Rest.{2,9}$",)), OwnForm(("^Go.{2,90}$",))

    def make_card(forms: dict[Section, OwnForm]) -> AdapterCard:
        return AdapterCard(
            id=AdapterId("a"),
            base_sha256="",
            patient_id=None,
            trained_at=Clock().now,
            state=AdapterState.ACCEPTED,
            config={"forms": write_forms({"en": forms})},
        )

    first, second = (
        make_card({Section.ADVICE: brief}),
        make_card({Section.ADVICE: long, Section.REASON: long}),
    )

    assert _join_forms([first, second]) == {"en": {Section.ADVICE: brief, Section.REASON: long}}


def test_only_what_is_done_fits_and_stands_is_offered():
    def make_card(name: str, **how: object) -> AdapterCard:
        card = AdapterCard(
            id=AdapterId(name),
            base_sha256="ab",
            patient_id=None,
            trained_at=Clock().now,
            state=AdapterState.KEPT,
        )
        return replace(card, **how)  # type: ignore[arg-type]

    cards = [
        make_card("kept"),
        make_card("withdrawn", state=AdapterState.WITHDRAWN),
        make_card("training", state=AdapterState.TRAINING),
        make_card("other base", base_sha256="cd"),
        make_card("to retrain", retrain_since=Clock().now),
        make_card("own", patient_id="p1"),
        make_card("another's", patient_id="p2"),
    ]

    assert [each.id for each in list_mergeable(cards, "ab")] == ["kept", "withdrawn"]
    assert [each.id for each in list_mergeable(cards, "ab", "p1")] == ["kept", "withdrawn", "own"]  # type: ignore[arg-type]
