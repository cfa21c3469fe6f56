"""What a new adapter is compared with: what answers now where it would, on notes that neither has learnt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterKind, AdapterState, VerdictReason
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.jobs import JobState
from phyassist.domain.learning import Limits
from phyassist.domain.people import Patient
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotAllowed
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.services.adapters import cancel_run, delete_adapter
from phyassist.services.comparing import compare_adapters
from phyassist.services.consent import record_answers
from phyassist.services.learning import Scope, plan_run
from phyassist.services.learning_runs import Run, get_run, start_training
from phyassist.services.patients import new_patient
from phyassist.services.working import BaseFiles, Tools, work_once
from phyassist.store.held_runs import HeldRun
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from phyassist.web.views.assistant import view_plan
from phyassist.web.wording import make_words
from tests.conftest import Clock
from tests.services.drafts import SAID, make_consultation
from tests.services.runs import BASE, TakingModel, make_tools, sign_notes, start


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Patient:
    sign_notes(store, anna, patient, clock, count=4)
    return patient


def train(store: Store, by: SignedIn, kind: AdapterKind, worker: WorkerKeys, *of: Patient) -> Run:
    scope = Scope(kind, tuple(each.id for each in of), "our way" if kind == AdapterKind.SET else "")
    return start_training(store, by, scope=scope, limits=Limits(), base=BASE, here=worker.line)


def finish(store: Store, by: SignedIn, run: Run, worker: WorkerKeys) -> AdapterCard:
    work_once(store, worker, make_tools())
    card = get_run(store, by, run_id=run.id).card
    assert card is not None
    return card


def open_run(store: Store, worker: WorkerKeys, run: Run) -> HeldRun:
    with store.entrance() as entrance:
        return entrance.held_runs.open(entrance.jobs.get(run.job.id), worker)


def name_present(store: Store, worker: WorkerKeys, run: Run) -> dict[str, str]:
    present = open_run(store, worker, run).task.present
    return {language: lent.id for language, lent in present.items()}


def test_a_counsellors_first_is_compared_with_the_practices_that_answers_now(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    practices = finish(store, anna, train(store, anna, AdapterKind.PRACTICE, worker), worker)
    counsellors = train(store, anna, AdapterKind.COUNSELLOR, worker)
    of_set = train(store, anna, AdapterKind.SET, worker, willing)

    assert practices.state == AdapterState.ACCEPTED
    assert name_present(store, worker, counsellors) == {"zh": practices.id}
    assert name_present(store, worker, of_set) == {"zh": practices.id}


def test_a_practices_next_is_not_held_to_one_counsellors_own(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    own = finish(store, anna, train(store, anna, AdapterKind.COUNSELLOR, worker), worker)
    practices = train(store, anna, AdapterKind.PRACTICE, worker)

    assert own.state == AdapterState.ACCEPTED
    assert name_present(store, worker, practices) == {}


def test_what_the_one_in_use_has_learnt_is_not_what_they_are_compared_on(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    shared = finish(store, anna, train(store, anna, AdapterKind.COUNSELLOR, worker), worker)
    with store.read(anna) as tx:
        newest = max(tx.notes.list(willing.id), key=lambda note: note.number)
    assert newest.id not in {ref.note_id for ref in shared.ledger}
    # The next one has learnt that note too; what it keeps aside is another client's.
    _sign_for_another(store, anna, clock)
    both = finish(store, anna, train(store, anna, AdapterKind.COUNSELLOR, worker), worker)
    assert newest.id in {ref.note_id for ref in both.ledger}

    own = start(store, anna, [willing], worker)
    is_known = open_run(store, worker, own).task.is_known
    card = finish(store, anna, own, worker)

    assert is_known
    assert card.verdict is not None
    assert (card.state, card.verdict.reason) == (AdapterState.KEPT, VerdictReason.KNOWN)
    sign_notes(store, anna, willing, clock, count=1)
    again = start(store, anna, [willing], worker)
    assert not open_run(store, worker, again).task.is_known
    assert finish(store, anna, again, worker).state == AdapterState.ACCEPTED


def _sign_for_another(store: Store, by: SignedIn, clock: Clock) -> None:
    other = new_patient(store, by, name="Heron Lake", number="7", language="zh")
    sign_notes(store, by, other, clock, count=4)


def test_who_deletes_the_one_in_use_while_a_run_waits_or_goes_on_loses_no_run(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    first = finish(store, anna, start(store, anna, [willing], worker), worker)
    waits = start(store, anna, [willing], worker)
    delete_adapter(store, anna, adapter_id=first.id)
    second = finish(store, anna, waits, worker)

    goes_on = start(store, anna, [willing], worker)
    assert name_present(store, worker, goes_on) == {"zh": second.id}
    work_once(store, worker, _deleting(store, anna, second.id))

    assert second.scores["loss_before"] == 2.0, "the model alone's"
    run = get_run(store, anna, run_id=goes_on.id)
    assert run.job.state is JobState.DONE
    assert run.card is not None
    assert run.card.scores["loss_before"] == 1.5


def _deleting(store: Store, by: SignedIn, adapter_id: AdapterId) -> Tools:
    """Tools of a worker, while whose run somebody deletes an adapter."""

    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        del base
        delete_adapter(store, by, adapter_id=adapter_id)
        yield TakingModel()

    return replace(make_tools(), open_model=open_model)


def test_what_may_not_answer_for_somebody_is_not_compared_on_what_they_said_either(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    own = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())
    other = new_patient(store, anna, name="Heron Lake", number="7", language="zh")
    sign_notes(store, anna, other, clock)
    theirs, lm = make_consultation(store, anna, other, SAID), TakingModel()
    mine = make_consultation(store, anna, willing, SAID)

    def compare(consultation_id: ConsultationId) -> None:
        list(
            compare_adapters(
                store, lm, anna, consultation_id=consultation_id, sides=(own.id, ""), stop=Never()
            )
        )

    with pytest.raises(NotAllowed, match="cannot answer here"):
        compare(theirs.id)
    compare(mine.id)
    record_answers(store, anna, patient_id=willing.id, answers={Purpose.OWN_TRAINING: Answer.NO})
    with pytest.raises(NotAllowed, match="cannot answer here"):
        compare(mine.id)
    assert set(lm.taken) == {own.id}


def test_a_run_that_is_over_cannot_be_stopped_any_more(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())

    assert not cancel_run(store, anna, adapter_id=asked.id)
    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert card.state is AdapterState.ACCEPTED


def test_notes_that_were_only_read_on_the_way_are_not_counted_among_those_it_learnt_from(
    store: Store, anna: SignedIn, patient: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    sign_notes(store, anna, patient, clock, count=4)
    scope = Scope(AdapterKind.PATIENT, (patient.id,))
    whole = plan_run(store, anna, scope=scope, limits=Limits())
    newest = sorted(whole.learnt + whole.measured_by, key=lambda each: each.at)[-2:]
    tight = replace(Limits(), characters_per_run=sum(each.characters for each in newest) + 10)

    asked = start_training(store, anna, scope=scope, limits=tight, base=BASE, here=worker.line)
    work_once(store, worker, make_tools())

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert len({ref.note_id for ref in card.ledger}) == 3
    assert card.notes == 1
    plan = plan_run(store, anna, scope=scope, limits=tight)
    assert len(plan.ledger) == 3
    assert "notes: 1;" in view_plan(plan, make_words("en")).size
