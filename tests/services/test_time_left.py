"""The time that a run may still take: the steps and the measuring after them, less with every second."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from phyassist.domain.adapters import OVERHEAD, AdapterId, AdapterKind
from phyassist.domain.learning import Limits, Pace, Phase, RunProgress
from phyassist.domain.people import Patient
from phyassist.lm.protocol import LanguageModel
from phyassist.services.learning import Scope, plan_run
from phyassist.services.learning_runs import get_run
from phyassist.services.working import BaseFiles, Watch, work_once
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import Clock
from tests.services.runs import BASE, TakingModel, make_tools, sign_notes, start


def wait_for(store: Store, by: SignedIn, run_id: AdapterId, phase: Phase, step: int) -> float:
    """The seconds that are said to be left once it is so far."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        progress = get_run(store, by, run_id=run_id).progress
        if progress is not None and (progress.phase, progress.step) == (phase, step) and progress.left_s:
            return progress.left_s
        time.sleep(0.05)
    pytest.fail("the run did not get so far")


def test_the_time_left_holds_the_measuring_and_the_next_plan_what_it_took(
    store: Store, anna: SignedIn, patient: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    sign_notes(store, anna, patient, clock)
    asked = start(store, anna, [patient], worker, act="slow")
    scope, while_measuring = Scope(AdapterKind.PATIENT, (patient.id,)), list[float]()

    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        del base
        while_measuring.append(wait_for(store, anna, asked.id, Phase.MEASURING, 3))
        yield TakingModel()

    tools = replace(make_tools(), open_model=open_model)
    working = threading.Thread(target=work_once, args=(store, worker, tools))
    working.start()
    while_training = wait_for(store, anna, asked.id, Phase.TRAINING, 2)
    working.join()

    card = get_run(store, anna, run_id=asked.id).card
    assert card is not None
    before = plan_run(store, anna, scope=scope, limits=Limits())
    after = plan_run(store, anna, scope=scope, limits=Limits(), base_sha256=BASE.sha256)
    # A step of half a second is to come; the rest is guessed until a run has shown it.
    assert Pace().overhead_s - 5 < while_training <= Pace().overhead_s + 0.5
    assert Pace().overhead_s - 15 < while_measuring[0] < while_training
    assert before.expected_s == before.steps_s + Pace().overhead_s
    assert after.expected_s == after.steps_s + float(card.config[OVERHEAD])
    assert float(card.config[OVERHEAD]) < 60


def test_what_takes_longer_than_was_expected_has_no_time_to_tell(
    store: Store, anna: SignedIn, patient: Patient, worker: WorkerKeys, clock: Clock
) -> None:
    sign_notes(store, anna, patient, clock)
    start(store, anna, [patient], worker)
    with store.entrance() as entrance:
        watch = Watch(store, entrance.held_runs.open(entrance.jobs.list()[0], worker))

    watch.say(RunProgress(Phase.MEASURING, left_s=100.0))
    running_down = watch.now.left_s
    watch.say(RunProgress(Phase.MEASURING, left_s=1e-9))
    over = watch.now.left_s
    watch.say(RunProgress(Phase.PREPARING))

    assert running_down is not None
    assert 90 < running_down < 100
    assert over is None
    assert watch.now.left_s is None
