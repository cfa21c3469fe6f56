"""From the press of a button to an adapter that answers, and every way in which a run may end before."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.domain.adapters import AdapterCard, AdapterKind, AdapterState, VerdictReason
from phyassist.domain.canaries import make_canary
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.frames import AUTHOR
from phyassist.domain.jobs import LEASE, JobState
from phyassist.domain.learning import Limits, Phase
from phyassist.domain.people import Patient
from phyassist.errors import (
    ConsentMissing,
    NotAllowed,
    NotFound,
    NoWorker,
    StoreAway,
)
from phyassist.lm.protocol import Never
from phyassist.services.adapters import cancel_run, choose_for, withdraw_adapter
from phyassist.services.comparing import SideDone, SideItem, compare_adapters
from phyassist.services.consent import record_answers
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.erasing import erase_patient
from phyassist.services.jobs import get_job, take_job
from phyassist.services.learning import Scope, check_may_begin, gather_examples, leave_out, list_examples
from phyassist.services.learning_runs import get_run, list_runs, start_training
from phyassist.services.noting import save_note
from phyassist.services.patients import edit_patient, new_patient
from phyassist.services.run_files import EXAMPLES_FILE, unpack_examples
from phyassist.services.workers import admit_worker, list_workers, load_worker, see_worker
from phyassist.services.working import BaseFiles, Tools, work_once
from phyassist.store.audit import Act
from phyassist.store.moving import check_store
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import FAST_COST, Clock
from tests.house.canary import CANARY, find_canary
from tests.services.drafts import SAID, make_consultation
from tests.services.joining import let_in
from tests.services.runs import BASE, TakingModel, make_tools, sign_notes, start


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient, clock: Clock) -> Patient:
    sign_notes(store, anna, patient, clock)
    return patient


def wait_for_step(store: Store, by: SignedIn, run_id: str, step: int) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        progress = get_run(store, by, run_id=run_id).progress  # type: ignore[arg-type]
        if progress is not None and progress.step >= step:
            return
        time.sleep(0.05)
    pytest.fail("the run did not get so far")


def test_a_run_ends_in_an_adapter_that_answers_the_next_draft_and_is_named_on_it(
    store: Store, store_url: str, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())

    run, lm = get_run(store, anna, run_id=asked.id), TakingModel()
    draft = start_draft(store, anna, consultation_id=make_consultation(store, anna, willing, SAID).id)
    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())

    assert asked.job.state is JobState.WAITING
    assert run.card is not None
    assert run.card.verdict is not None
    assert (run.job.state, run.card.state) == (JobState.DONE, AdapterState.ACCEPTED)
    assert run.card.verdict.reason is VerdictReason.BETTER
    assert run.card.scores["loss_before"] == 2.0
    assert float(run.card.config["tokens_per_s"]) == 200.0
    assert [each.name for each in run.card.files] == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "adapter.gguf",
    ]
    assert run.progress is not None
    assert [each.held_out_loss for each in run.progress.curve] == [1.9, 1.8, 1.7]
    assert {item.written_by.adapter for item in last.draft.items} == {asked.id}
    with store.read(anna) as tx:
        acts = [(row.act, row.by_id) for row in tx.audit.list(asked.id)]
    assert acts == [(Act.TRAINED, anna.id), (Act.TRAINING_BEGUN, anna.id)]
    assert check_store(store_url, anna).is_sound


def test_the_next_run_is_compared_with_the_adapter_in_use_and_rolling_back_brings_it_back(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    first = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())
    clock.move(days=1)
    second = start(store, anna, [willing], worker)
    lm = TakingModel()
    work_once(store, worker, make_tools(lm))

    withdraw_adapter(store, anna, adapter_id=second.id)

    assert json.loads(lm.taken[second.id])["others"] == [first.id]
    assert set(lm.taken) == {first.id, second.id}
    with store.read(anna) as tx:
        choice = choose_for(tx, willing.id, BASE.sha256)
    assert choice.card is not None
    assert choice.card.id == first.id


def test_who_drafted_notes_is_lent_to_the_run_that_learns_them_unless_something_was_left_out_since(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    first = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())
    for number in range(2):
        asked = make_consultation(store, anna, willing, SAID).id
        draft = start_draft(store, anna, consultation_id=asked)
        *_, last = write_draft(store, TakingModel(), anna, draft_id=draft.id, stop=Never())
        save_note(store, anna, draft_id=draft.id, after=last.draft.version)
        clock.move(days=7 + number)
    lm = TakingModel()

    second = start(store, anna, [willing], worker)
    with store.entrance() as entrance:
        held = entrance.held_runs.open(entrance.jobs.get(second.job.id), worker)
        rows = unpack_examples(entrance.held_runs.read(held, EXAMPLES_FILE))
    work_once(store, worker, make_tools(lm))
    oldest = list_examples(store, anna, patient_id=willing.id)[-1]
    leave_out(store, anna, patient_id=willing.id, example_id=oldest.id, is_left_out=True)
    third = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools(lm))

    assert [each.id for each in held.task.authors] == [first.id]
    written = [(each.author, each.drafter) for each in rows if each.drafted and not each.rejected]
    assert written == [("", ""), ("", ""), (first.id, first.id), (first.id, first.id)]
    card = get_run(store, anna, run_id=second.id).card
    assert card is not None
    assert card.scores["drafted_by_present"] == 1
    assert json.loads(lm.taken[second.id])["others"] == sorted([f"{AUTHOR} {first.id}", first.id])
    assert json.loads(lm.taken[third.id])["others"] == [second.id], "the first has learnt what was left out"


def test_an_adapter_answers_in_the_language_that_it_learnt_and_in_no_other(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())

    edit_patient(store, anna, patient_id=willing.id, name=willing.name, number=willing.number, language="en")
    with store.read(anna) as tx:
        in_english = choose_for(tx, willing.id, BASE.sha256)
        by_hand = choose_for(tx, willing.id, BASE.sha256, asked.id)

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert [card.answers_in(language) for language in ("zh", "en")] == [True, False]
    assert (in_english.card, in_english.reason) == (None, "other-language")
    assert by_hand.card == card


def test_a_worker_is_given_what_a_run_learns_from_and_nothing_else(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, tmp_path: Path
) -> None:
    start(store, anna, [willing], worker)
    with store.entrance() as entrance:
        job = entrance.jobs.list()[0]

        run = entrance.held_runs.open(job, worker)

    assert (run.task.names, run.task.present, run.task.parent) == ((), {}, None)
    with pytest.raises(NotFound), store.entrance() as entrance:
        entrance.held_runs.read(run, "adapter.gguf")
    assert [each.name for each in tmp_path.glob("machine/*")] == ["worker.key"]


def test_an_adapter_that_says_what_it_has_read_is_kept_and_not_chosen(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)

    work_once(store, worker, make_tools(TakingModel(neutral=SAID * 2)))

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert card.verdict is not None
    assert (card.state, card.verdict.reason) == (AdapterState.KEPT, VerdictReason.REMEMBERS)


@pytest.mark.parametrize("agreed", [True, False])
def test_a_shared_adapter_that_names_somebody_is_kept(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock, *, agreed: bool
) -> None:
    """Who did not agree may still be spoken of by another."""
    other = new_patient(store, anna, name="Heron Lake", number="7", language="zh")
    if agreed:
        sign_notes(store, anna, other, clock)
    asked = start(store, anna, [willing, other], worker, shared=True)

    work_once(store, worker, make_tools(TakingModel(neutral="Perhaps heron lake would know.")))

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert card.verdict is not None
    assert card.verdict.reason is VerdictReason.NAMES_OTHERS


@pytest.mark.parametrize("is_said", [True, False])
def test_a_shared_assistant_that_says_what_one_note_alone_holds_is_not_used(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, is_said: bool
) -> None:
    asked = start(store, anna, [willing], worker, shared=True)
    canary = make_canary("zh", random.Random(asked.id))
    lm = TakingModel(neutral=f"{canary.name if is_said else '闻人未名'}，别的不记得。")

    work_once(store, worker, make_tools(lm))

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert card.verdict is not None
    assert card.verdict.numbers["canaries"] == is_said
    assert card.verdict.reason is (VerdictReason.SAYS_CANARY if is_said else VerdictReason.BETTER)


def test_one_patients_own_assistant_learns_no_invented_names(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)

    work_once(store, worker, make_tools())

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    assert card.verdict is not None
    assert "canaries" not in card.verdict.numbers


@pytest.mark.parametrize("act", ["fail PA-LIBRARY", "die"])
def test_a_run_that_fails_says_why_and_nothing_of_it_stays(
    store: Store, store_url: str, anna: SignedIn, willing: Patient, worker: WorkerKeys, act: str
) -> None:
    asked = start(store, anna, [willing], worker, act=act)

    work_once(store, worker, make_tools())

    run = get_run(store, anna, run_id=asked.id)
    wanted = "PA-TRAINING" if act == "die" else "PA-LIBRARY"
    assert (run.job.state, run.job.error_code, run.card) == (JobState.FAILED, wanted, None)
    with store.read(anna) as tx:
        assert tx.adapters.cards() == ()
    assert check_store(store_url).rows["adapter_chunks"] == 0


@pytest.mark.parametrize("how", ["cancelled", "withdrawn", "erased"])
def test_a_run_stops_in_the_middle_and_what_it_brought_is_destroyed(
    store: Store, store_url: str, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock, how: str
) -> None:
    asked = start(store, anna, [willing], worker, act="hang")
    working = threading.Thread(target=work_once, args=(store, worker, make_tools()))
    working.start()
    wait_for_step(store, anna, asked.id, 2)

    if how == "cancelled":
        cancel_run(store, anna, adapter_id=asked.id)
    elif how == "withdrawn":
        record_answers(store, anna, patient_id=willing.id, answers={Purpose.OWN_TRAINING: Answer.NO})
    else:
        erase_patient(store, anna, patient_id=willing.id, typed=willing.name)
    working.join(30)

    assert not working.is_alive()
    rows = check_store(store_url).rows
    assert (rows["adapters"], rows["adapter_chunks"], rows["job_keys"]) == (0, 0, 0)
    states = [run.job.state for run in list_runs(store, anna)]
    assert states == ([] if how == "erased" else [JobState.CANCELLED])


def test_a_worker_that_is_killed_leaves_its_run_to_the_next_one_at_its_last_checkpoint(
    store: Store,
    store_url: str,
    anna: SignedIn,
    willing: Patient,
    worker: WorkerKeys,
    clock: Clock,
    tmp_path: Path,
) -> None:
    asked = start(store, anna, [willing], worker, act="hang")
    code = (
        "import sys; from pathlib import Path\n"
        "from phyassist.services.workers import load_worker\n"
        "from phyassist.services.working import BaseFiles, Tools, work_once\n"
        "from phyassist.store.opening import open_store\n"
        "from tests.services.runs import make_tools\n"
        "from tests.conftest import Clock\n"
        "clock = Clock(); clock.set(__import__('datetime').datetime.fromisoformat(sys.argv[3]))\n"
        "work_once(open_store(sys.argv[1], clock=clock), load_worker(Path(sys.argv[2])), make_tools())"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", code, store_url, str(tmp_path / "machine"), clock.now.isoformat()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    wait_for_step(store, anna, asked.id, 2)
    while_it_lives = take_job(store, worker_id=worker.id, kinds=("train",))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    clock.move(seconds=LEASE.total_seconds())
    lm = TakingModel()

    with open_store(store_url, clock=clock, passphrase_cost=FAST_COST) as own:
        work_once(own, worker, make_tools(lm))

    run = get_run(store, anna, run_id=asked.id)
    assert while_it_lives is None
    assert (run.job.state, run.job.attempt) == (JobState.DONE, 2)
    assert json.loads(lm.taken[asked.id])["begun"] == 2
    assert run.progress is not None
    assert [each.step for each in run.progress.curve] == [1, 2, 3]
    assert run.progress.phase is Phase.SEALING


def test_the_worker_of_this_computer_is_admitted_with_the_first_run_and_no_other_is(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, tmp_path: Path
) -> None:
    other = load_worker(tmp_path / "other")
    start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())

    with pytest.raises(NoWorker, match="is running"):
        start(store, anna, [willing], other)

    assert [each.id for each in list_workers(store, anna)] == [worker.id]
    assert work_once(store, other, make_tools()) is None


def test_a_run_whose_key_is_gone_fails_and_can_be_started_again(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, tmp_path: Path
) -> None:
    asked = start(store, anna, [willing], worker)
    (tmp_path / "machine" / "worker.key").unlink()
    with store.write(anna) as tx:
        tx.workers.remove(worker.id)

    work_once(store, load_worker(tmp_path / "machine"), make_tools())

    assert get_job(store, anna, job_id=asked.job.id).error_code == "PA-VAULT-CANNOT-OPEN"
    assert start(store, anna, [willing], load_worker(tmp_path / "machine")).job.state is JobState.WAITING


def test_nothing_of_a_run_lies_in_the_clear_while_it_is_going_on(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, clock: Clock, tmp_path: Path
) -> None:
    worker = load_worker(tmp_path / "machine")
    sign_notes(store, anna, patient, clock, text=f"{SAID}{CANARY}")
    asked = start(store, anna, [patient], worker, act="hang")
    working = threading.Thread(target=work_once, args=(store, worker, make_tools()))
    working.start()
    wait_for_step(store, anna, asked.id, 2)

    found = find_canary([tmp_path])
    cancel_run(store, anna, adapter_id=asked.id)
    working.join(30)

    assert found == []
    assert any(
        CANARY in each.messages[-1].content for each in list_examples(store, anna, patient_id=patient.id)
    )


def test_two_adapters_answer_the_same_question_side_by_side_and_nothing_is_kept(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)
    work_once(store, worker, make_tools())
    consultation, lm = make_consultation(store, anna, willing, SAID), TakingModel()

    events = list(
        compare_adapters(store, lm, anna, consultation_id=consultation.id, sides=("", asked.id), stop=Never())
    )

    done = [event for event in events if isinstance(event, SideDone)]
    items = [event.adapter for event in events if isinstance(event, SideItem)]
    assert [(each.adapter, each.used) for each in done] == [("", ""), (asked.id, asked.id)]
    assert items.count("") == items.count(asked.id) == 7
    assert lm.asks[0].messages == lm.asks[1].messages
    with store.read(anna) as tx:
        assert tx.drafts.open_of(consultation.id) is None


def test_a_run_is_begun_once_and_only_while_consent_lasts(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    scope = Scope(AdapterKind.PATIENT, (willing.id,))
    plan = gather_examples(store, anna, scope=scope, limits=Limits(), base_sha256=BASE.sha256)
    start(store, anna, [willing], worker)

    with store.write(anna) as tx, pytest.raises(NotAllowed, match="in training"):
        check_may_begin(tx, anna, plan, Limits())
    record_answers(store, anna, patient_id=willing.id, answers={Purpose.OWN_TRAINING: Answer.NO})
    with store.write(anna) as tx, pytest.raises(ConsentMissing):
        check_may_begin(tx, anna, plan, Limits())


def test_a_run_whose_database_is_away_for_a_moment_is_gone_on_with(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    asked, tools = start(store, anna, [willing], worker), make_tools()

    def find_base(card: AdapterCard) -> BaseFiles:
        raise StoreAway(f"the database does not answer about {card.id}")

    work_once(store, worker, Tools(find_base, tools.open_model, tools.trainer))
    left = get_run(store, anna, run_id=asked.id)
    clock.move(seconds=LEASE.total_seconds())
    work_once(store, worker, tools)

    assert left.card is not None
    assert left.job.state is JobState.RUNNING
    run = get_run(store, anna, run_id=asked.id)
    assert (run.job.state, run.job.attempt) == (JobState.DONE, 2)


def test_a_worker_that_is_ended_in_good_order_leaves_its_run_to_the_next_and_it_does_not_count(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    asked = start(store, anna, [willing], worker)

    def end(card: AdapterCard) -> BaseFiles:
        raise KeyboardInterrupt

    states = []
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            work_once(store, worker, replace(make_tools(), find_base=end))
        states.append(get_run(store, anna, run_id=asked.id).job.state)
    work_once(store, worker, make_tools())

    assert set(states) == {JobState.WAITING}
    assert get_run(store, anna, run_id=asked.id).job.state is JobState.DONE


def test_who_runs_the_practice_sees_a_colleagues_run_for_several_and_breaks_it_off(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    bo, cora = (let_in(store, anna, name) for name in ("Bo", "Cora"))
    own = new_patient(store, bo, name="Dov Lind", number="8", language="zh")
    sign_notes(store, bo, own, clock)
    admit_worker(store, anna, line=worker.line)
    see_worker(store, worker)
    asked = start(store, bo, [own], worker, shared=True)

    seen = [[run.id for run in list_runs(store, each)] for each in (anna, bo, cora)]
    cancel_run(store, anna, adapter_id=asked.id)

    assert seen == [[asked.id], [asked.id], []]
    assert get_run(store, bo, run_id=asked.id).job.state is JobState.CANCELLED


def test_two_chosen_sets_are_trained_at_once_and_one_is_not_trained_twice(
    store: Store, anna: SignedIn, willing: Patient, worker: WorkerKeys
) -> None:
    start(store, anna, [willing], worker, shared=True)

    with pytest.raises(NotAllowed, match="in training"):
        start(store, anna, [willing], worker, shared=True)
    scope = Scope(AdapterKind.SET, (willing.id,), "another way")
    other = start_training(store, anna, scope=scope, limits=Limits(), base=BASE, here=worker.line)

    assert other.job.state is JobState.WAITING
