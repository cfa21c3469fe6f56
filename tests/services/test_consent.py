"""What a patient has agreed to counts at once, wherever a model would read their words."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import phyassist.services
from phyassist.domain.adapters import AdapterId
from phyassist.domain.chats import (
    ChatMessage,
    ChatThread,
    MessageId,
    MessageKind,
    MessageState,
    ThreadId,
)
from phyassist.domain.consents import Answer, Purpose, Signer
from phyassist.domain.drafts import Draft, Section
from phyassist.domain.people import Patient
from phyassist.domain.records import Consultation
from phyassist.errors import BadInput, CannotOpen, ConsentMissing, NotYourPatient
from phyassist.lm.protocol import Ask, Never, Reading, Reply, Stop, Words
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.adapters import list_choices
from phyassist.services.answering import warm_chat, write_answer
from phyassist.services.comparing import compare_adapters
from phyassist.services.consent import (
    Consents,
    Withdrawn,
    check_consent,
    load_consents,
    record_answers,
)
from phyassist.services.drafting import (
    add_item,
    comment_on_item,
    edit_item,
    redo_items,
    start_draft,
    write_draft,
)
from phyassist.services.intake import OrganiseDone, organise
from phyassist.services.noting import save_note
from phyassist.services.patients import load_patient
from phyassist.services.warming import Warmer, warm_patient
from phyassist.store.audit import Act, AuditFilter
from phyassist.store.people import SignedIn
from phyassist.store.tables import adapters
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from tests.conftest import Clock
from tests.services.drafts import make_consultation, make_reply, write_whole

TODAY = date(2026, 3, 2)


def answer(
    store: Store,
    by: SignedIn,
    patient: Patient,
    said: Answer,
    purpose: Purpose = Purpose.DRAFTING,
    **also: Any,
) -> Consents:
    given: dict[str, Any] = {"on": TODAY, "signed_by": Signer.PATIENT, **also}
    return record_answers(store, by, patient_id=patient.id, answers={purpose: said}, **given)


class Case:
    """A patient with a written draft, for whom a model may be asked for all that it can be asked for."""

    def __init__(self, store: Store, by: SignedIn, patient: Patient) -> None:
        self.store, self.by, self.patient = store, by, patient
        self.meeting: Consultation = make_consultation(store, by, patient)
        self.written: Draft = write_whole(store, by, self.meeting)
        self.lm = ScriptedModel([make_reply()] * 5)

    @property
    def was_asked(self) -> bool:
        return bool(self.lm.asks or self.lm.warmed)


@pytest.fixture
def case(store: Store, anna: SignedIn, patient: Patient) -> Case:
    return Case(store, anna, patient)


def ask_to_write(case: Case) -> None:
    draft = start_draft(case.store, case.by, consultation_id=case.meeting.id, question="另一个问题")
    list(write_draft(case.store, case.lm, case.by, draft_id=draft.id, stop=Never()))


def ask_to_redo(case: Case) -> None:
    draft = case.written
    list(redo_items(case.store, case.lm, case.by, draft_id=draft.id, after=draft.version, stop=Never()))


def ask_to_warm(case: Case) -> None:
    warm_patient(case.store, case.lm, case.by, patient_id=case.patient.id, consultation_id=case.meeting.id)


def ask_to_organise(case: Case) -> None:
    *_, done = organise(case.store, case.lm, case.by, consultation_id=case.meeting.id, stop=Never())
    assert isinstance(done, OrganiseDone)
    if not case.was_asked:
        raise ConsentMissing("rules read it alone")


def ask_to_answer(case: Case) -> None:
    asked = ChatMessage(MessageId("q"), None, MessageKind.QUESTION, "why?", case.store.clock())
    answer = replace(asked, id=MessageId("a"), parent_id=asked.id, kind=MessageKind.ANSWER, text="")
    thread = ChatThread(ThreadId("t"), case.patient.id, case.by.id, asked.at, asked.at)
    with case.store.write(case.by) as tx:
        tx.chats.add(thread)
        for message in (asked, replace(answer, state=MessageState.WAITING)):
            tx.chats.add_message(thread.id, message)
    writing = write_answer(
        case.store,
        case.lm,
        case.by,
        thread_id=thread.id,
        answer_id=answer.id,
        interface="zh",
        stop=Never(),
    )
    list(writing)


def ask_to_warm_a_chat(case: Case) -> None:
    warm_chat(case.store, case.lm, case.by, patient_id=case.patient.id, thread_id=None, interface="zh")


def ask_to_compare(case: Case) -> None:
    sides = compare_adapters(
        case.store, case.lm, case.by, consultation_id=case.meeting.id, sides=("", ""), stop=Never()
    )
    list(sides)


# Every service that takes a model and a patient's text out of the store.
ASKING: dict[str, Callable[[Case], None]] = {
    "drafting.write_draft": ask_to_write,
    "drafting.redo_items": ask_to_redo,
    "warming.warm_patient": ask_to_warm,
    "answering.write_answer": ask_to_answer,
    "answering.warm_chat": ask_to_warm_a_chat,
    "comparing.compare_adapters": ask_to_compare,
    "intake.organise": ask_to_organise,
}
# These are parts of the above, and whoever calls them has asked, or hand the model no patient's words.
PARTS = {
    "draft_asking.load_draft",
    "draft_asking.make_asks",
    "drafting._write",
    "drafting._write_part",
    "answering._load",
    "leaving.guard",
    "previewing.preview_leaving",
    "shelving.make_ready",
    "shelving.put_on_shelf",
}


def list_services_that_take_a_model() -> set[str]:
    """Functions of the services that are handed a store and a language model."""
    found = set()
    for info in pkgutil.iter_modules(phyassist.services.__path__):
        module = importlib.import_module(f"phyassist.services.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__:
                continue
            kinds = " ".join(str(each.annotation) for each in inspect.signature(function).parameters.values())
            if "LanguageModel" in kinds and "Store" in kinds:
                found.add(f"{info.name}.{name}")
    return found


def test_every_service_that_takes_a_model_and_a_store_is_tried_here() -> None:
    assert list_services_that_take_a_model() - PARTS == set(ASKING)


@pytest.mark.parametrize("name", ASKING)
def test_a_service_that_takes_a_model_refuses_without_consent(name: str, case: Case) -> None:
    answer(case.store, case.by, case.patient, Answer.NO)

    with pytest.raises(ConsentMissing):
        ASKING[name](case)

    assert not case.was_asked


@pytest.mark.parametrize("name", sorted(set(ASKING) - {"intake.organise"}))
@pytest.mark.parametrize("asked", [False, True], ids=["not asked", "agreed"])
def test_the_same_service_works_with_consent_and_before_anyone_has_asked(
    name: str, asked: bool, case: Case
) -> None:
    if asked:
        answer(case.store, case.by, case.patient, Answer.NO)
        answer(case.store, case.by, case.patient, Answer.YES)

    ASKING[name](case)

    assert case.was_asked


def test_the_background_reader_reads_nothing_without_consent(case: Case) -> None:
    answer(case.store, case.by, case.patient, Answer.NO)
    warmer = Warmer(case.store, case.lm)

    warmer.warm_soon(case.by, patient_id=case.patient.id, consultation_id=case.meeting.id)
    warmer.close(wait_s=10)

    assert not case.was_asked


def test_what_needs_no_model_goes_on_working_without_consent(case: Case) -> None:
    store, by, draft = case.store, case.by, case.written
    answer(store, by, case.patient, Answer.NO)

    *_, organised = organise(store, case.lm, by, consultation_id=case.meeting.id, stop=Never())
    draft = edit_item(store, by, draft_id=draft.id, item_id=draft.items[0].id, text="改", after=draft.version)
    draft = comment_on_item(
        store, by, draft_id=draft.id, item_id=draft.items[1].id, words="短一些", after=draft.version
    )
    by_hand = start_draft(store, by, consultation_id=case.meeting.id, question="亲手写")
    by_hand = add_item(
        store, by, draft_id=by_hand.id, section=Section.ADVICE, text="先睡好", after=by_hand.version
    )
    note = save_note(store, by, draft_id=by_hand.id, after=by_hand.version)

    assert isinstance(organised, OrganiseDone)
    assert organised.statements
    assert load_patient(store, by, case.patient.id).notes == (note,)


class WithdrawnInTheMiddle(ScriptedModel):
    """While it writes, the patient withdraws: after the first words it calls that in."""

    def __init__(self, withdraw: Callable[[], object]) -> None:
        super().__init__([make_reply()])
        self.withdraw = withdraw
        self.said = 0

    def write(self, ask: Ask, stop: Stop) -> Iterator[Reading | Words | Reply]:
        for event in super().write(ask, stop):
            if isinstance(event, Words):
                self.said += 1
                if self.said == 3:
                    self.withdraw()
            yield event


def test_a_withdrawal_stops_a_model_that_is_writing(case: Case) -> None:
    draft = start_draft(case.store, case.by, consultation_id=case.meeting.id, question="另一个问题")
    lm = WithdrawnInTheMiddle(lambda: answer(case.store, case.by, case.patient, Answer.NO))

    with pytest.raises(ConsentMissing):
        list(write_draft(case.store, lm, case.by, draft_id=draft.id, stop=Never(), ticks=lambda: 0.0))

    with case.store.read(case.by) as tx:
        kept = tx.drafts.get(draft.id)
    assert len(kept.items) <= 1
    assert lm.said < len(make_reply()) / 3


def test_a_withdrawal_stops_a_model_that_is_still_reading(case: Case) -> None:
    now = [0.0]
    stop = Withdrawn(Never(), case.store, case.by, case.patient.id, ticks=lambda: now[0])
    before = stop.is_set()

    answer(case.store, case.by, case.patient, Answer.NO)
    at_once = stop.is_set()
    now[0] = 1.5

    assert (before, at_once, stop.is_set()) == (False, False, True)


def test_what_was_not_asked_is_allowed_for_drafting_alone(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    consents = load_consents(store, anna, patient_id=patient.id)

    allowed = {standing.purpose for standing in consents.standings if standing.is_allowed}

    assert allowed == {Purpose.DRAFTING}
    assert consents.history == ()
    for purpose in set(Purpose) - allowed:
        with pytest.raises(ConsentMissing, match="has not agreed"):
            check_consent(store, anna, patient.id, purpose)
    check_consent(store, anna, patient.id, Purpose.DRAFTING)


def test_every_answer_stays_with_who_when_and_by_whom_and_the_last_recorded_counts(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock
) -> None:
    answer(store, anna, patient, Answer.YES, Purpose.SIMILAR_CASES, on=TODAY, remark="父亲在场")
    clock.move(days=3)
    # The form bears an earlier day; the withdrawal counts all the same.
    answer(
        store, anna, patient, Answer.NO, Purpose.SIMILAR_CASES, on=date(2026, 2, 1), signed_by=Signer.GUARDIAN
    )

    consents = load_consents(store, anna, patient_id=patient.id)

    said = [(one.number, one.answer, one.on, one.signed_by, one.remark) for one in consents.history]
    assert said == [
        (2, Answer.NO, date(2026, 2, 1), Signer.GUARDIAN, ""),
        (1, Answer.YES, TODAY, Signer.PATIENT, "父亲在场"),
    ]
    assert consents.history[0].recorded_at == clock()
    assert {one.recorded_by for one in consents.history} == {anna.id}
    assert not consents.of(Purpose.SIMILAR_CASES).is_allowed
    with store.read(anna) as tx:
        acts = [row.act for row in tx.audit.find(AuditFilter(patient_id=patient.id))]
    assert acts == [Act.VIEWED, Act.CONSENT_REFUSED, Act.CONSENT_GIVEN, Act.CREATED]


def test_neither_purpose_nor_answer_nor_remark_lies_in_the_clear(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
) -> None:
    answer(store, anna, patient, Answer.NO, Purpose.SHARED_TRAINING, remark="heron heron")

    with sqlite3.connect(store_path) as database:
        (row,) = database.execute("SELECT * FROM consents").fetchall()

    assert not any(word in repr(row) for word in ("heron", "shared", "guardian", "'no'"))


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM consents WHERE number = 1", "UPDATE consents SET number = number + 5 WHERE number = 2"],
)
def test_an_answer_that_was_taken_out_or_put_elsewhere_is_seen_and_nothing_is_allowed(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient, change: str
) -> None:
    answer(store, anna, patient, Answer.NO)
    answer(store, anna, patient, Answer.YES)
    with sqlite3.connect(store_path) as database:
        database.execute(change)

    with pytest.raises(CannotOpen):
        check_consent(store, anna, patient.id, Purpose.DRAFTING)


def test_answers_that_cannot_be_are_refused(store: Store, anna: SignedIn, patient: Patient) -> None:
    for wrong in ({"on": date(2026, 3, 3)}, {"remark": "x" * 2001}):
        with pytest.raises(BadInput):
            answer(store, anna, patient, Answer.YES, **wrong)
    with pytest.raises(BadInput, match="no answer"):
        record_answers(store, anna, patient_id=patient.id, answers={}, on=TODAY, signed_by=Signer.PATIENT)

    assert load_consents(store, anna, patient_id=patient.id).history == ()


def test_nobody_answers_for_a_colleagues_patient(store: Store, anna: SignedIn, patient: Patient) -> None:
    bo = SignedIn(anna.counsellor.__class__(anna.id.__class__("b0"), "Bo"), Keyring.make())

    with pytest.raises(NotYourPatient):
        answer(store, bo, patient, Answer.YES)
    with pytest.raises(NotYourPatient):
        load_consents(store, bo, patient_id=patient.id)


def add_adapter(store: Store, by: SignedIn, adapter_id: str, patient: Patient | None) -> None:
    with store.write(by) as tx:
        tx.adapters._desk.conn.execute(
            adapters.insert().values(
                id=adapter_id,
                patient_id=patient.id if patient else None,
                kind="patient" if patient else "practice",
                base_sha256="",
                state="accepted",
                trained_at=store.clock(),
            )
        )


def test_after_a_withdrawal_what_was_learnt_is_left_alone_or_marked(
    store: Store, anna: SignedIn, patient: Patient
) -> None:
    add_adapter(store, anna, "own", patient)
    add_adapter(store, anna, "shared", None)
    with store.write(anna) as tx:
        tx.adapters.record_sources(AdapterId("shared"), [patient.id])
    answer(store, anna, patient, Answer.YES, Purpose.OWN_TRAINING)
    answer(store, anna, patient, Answer.YES, Purpose.SHARED_TRAINING)
    before = [card.id for card in list_choices(store, anna, patient_id=patient.id).cards]

    answer(store, anna, patient, Answer.NO, Purpose.OWN_TRAINING)
    answer(store, anna, patient, Answer.NO, Purpose.SHARED_TRAINING)

    after = list_choices(store, anna, patient_id=patient.id)
    with store.read(anna) as tx:
        assert before == ["own", "shared"]
        assert [card.id for card in after.cards] == ["shared"]
        assert tx.adapters.list_to_retrain() == ("shared",)
