"""How much a run may read, and of whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.adapters import AdapterKind
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.people import Patient
from phyassist.services.consent import record_answers
from phyassist.services.learning import Scope, leave_out, list_examples, plan_run
from phyassist.services.learning_examples import PROMPT_TOKENS
from phyassist.services.reworking import edit_item
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation, make_reply, write_whole
from tests.services.test_learning import LIMITS, agree, draft_of, scope_of, sign


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    agree(store, anna, patient)
    return patient


def test_what_is_edited_most_is_not_counted_most(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    for _ in range(3):
        draft = draft_of(store, anna, willing)
        for item in draft.standing:
            draft = edit_item(
                store,
                anna,
                draft_id=draft.id,
                item_id=item.id,
                text=f"{item.text}改过了。",
                after=draft.version,
            )
        sign(store, anna, draft, clock)
    whole = plan_run(store, anna, scope=scope_of(willing), limits=LIMITS)
    read = sum(each.characters for each in (*whole.learnt, *whole.measured_by))

    plan = plan_run(
        store, anna, scope=scope_of(willing), limits=replace(LIMITS, characters_per_run=read + 10)
    )

    assert len(whole.examples) > len(whole.learnt) + len(whole.measured_by)
    assert (plan.examples, plan.bites) == (whole.examples, ())


def test_who_agreed_to_shared_training_alone_is_learnt_from_and_so_has_examples_to_leave_out(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    sign(store, anna, draft_of(store, anna, willing), clock)
    sign(store, anna, draft_of(store, anna, willing), clock)
    record_answers(
        store,
        anna,
        patient_id=willing.id,
        answers={Purpose.OWN_TRAINING: Answer.NO, Purpose.SHARED_TRAINING: Answer.YES},
    )

    shown = list_examples(store, anna, patient_id=willing.id)
    scope = Scope(AdapterKind.COUNSELLOR)
    plan = plan_run(store, anna, scope=scope, limits=LIMITS)
    leave_out(store, anna, patient_id=willing.id, example_id=shown[0].id, is_left_out=True)
    fewer = plan_run(store, anna, scope=scope, limits=LIMITS)

    assert {each.id for each in plan.examples} <= {each.id for each in shown}
    assert shown[0].id in {each.id for each in plan.examples}
    assert shown[0].id not in {each.id for each in fewer.examples}


def test_what_nobody_put_a_full_stop_into_is_split_too(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    endless = " ".join(f"and on day {number} I stayed in bed again" for number in range(500))
    reasons = ((1, "The client stays in bed, so the days have no shape."),)
    reply = make_reply(symptom_type="low mood", reasons=reasons, advice=["Get up at nine for a week."] * 3)
    consultation = make_consultation(store, anna, willing, f"I am tired of it. {endless}")
    sign(store, anna, write_whole(store, anna, consultation, reply), clock)

    found = list_examples(store, anna, patient_id=willing.id)

    assert all(each.tokens < PROMPT_TOKENS * 1.7 for each in found)
