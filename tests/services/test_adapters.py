"""An adapter is used, refused and rolled back; a run that is no longer allowed leaves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.adapters import (
    BASE_ALONE,
    FORMS,
    HELD,
    AdapterCard,
    AdapterChoice,
    AdapterId,
    AdapterKind,
    AdapterState,
    FormsByLanguage,
    OwnForm,
    Verdict,
    VerdictReason,
    read_forms,
    write_forms,
)
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Section
from phyassist.domain.jobs import Job, JobId, JobState
from phyassist.domain.people import Patient, PatientId
from phyassist.errors import NotAllowed, NotFound
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.adapters import (
    cancel_run,
    delete_adapter,
    list_choices,
    list_shelf,
    use_adapter,
    want_adapter,
    withdraw_adapter,
)
from phyassist.services.answering import write_answer
from phyassist.services.chatting import begin_thread
from phyassist.services.consent import record_answers
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.erasing import erase_patient
from phyassist.services.patients import new_patient
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.vault.sealing import DataKey
from tests.conftest import Clock
from tests.services.drafts import make_consultation, make_reply
from tests.services.joining import let_in
from tests.store.making import make_adapter


def begin(store: Store, by: SignedIn, card: AdapterCard, *patient_ids: PatientId) -> DataKey:
    with store.write(by) as tx:
        key = tx.adapters.begin(replace(card, owner_id=by.id, base_sha256=""), patient_ids)
        tx.jobs.add(Job(JobId(card.id), "train", by.id, card.patient_id))
    return key


def finish(
    store: Store, by: SignedIn, card: AdapterCard, state: AdapterState = AdapterState.ACCEPTED
) -> AdapterId:
    key = begin(store, by, card, *([card.patient_id] if card.patient_id else []))
    with store.entrance(writes=True) as entrance:
        now = store.clock()
        done = replace(card, state=state, base_sha256="", trained_at=now, in_use_since=now)
        assert entrance.adapter_files.finish(done, key)
    return card.id


@pytest.fixture
def willing(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    answers = {Purpose.OWN_TRAINING: Answer.YES, Purpose.SHARED_TRAINING: Answer.YES}
    record_answers(store, anna, patient_id=patient.id, answers=answers)
    return patient


def chosen(store: Store, by: SignedIn, patient: Patient) -> AdapterId | None:
    card = list_shelf(store, by, patient_id=patient.id).choice.card
    return card.id if card else None


def test_rolling_back_lets_the_one_before_answer_and_using_lets_it_answer_again(
    store: Store, anna: SignedIn, willing: Patient, clock: Clock
) -> None:
    for name in ("first", "second"):
        finish(store, anna, make_adapter(willing.id, name=name))
        clock.move(days=1)
    before = chosen(store, anna, willing)

    withdraw_adapter(store, anna, adapter_id=AdapterId("second"))
    after = chosen(store, anna, willing)
    use_adapter(store, anna, adapter_id=AdapterId("second"))

    assert (before, after, chosen(store, anna, willing)) == ("second", "first", "second")


def test_one_consultation_may_ask_for_another_and_its_items_say_who_wrote_them(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    finish(store, anna, make_adapter(willing.id, name="own"))
    finish(store, anna, make_adapter(willing.id, name="kept"), AdapterState.KEPT)
    consultation = make_consultation(store, anna, willing)
    written: list[tuple[str, str]] = []
    is_free = []

    for wanted in ("", "kept", BASE_ALONE):
        want_adapter(store, anna, consultation_id=consultation.id, wanted=wanted)
        lm = ScriptedModel([make_reply()], adapters=("own", "kept"))
        draft = start_draft(store, anna, consultation_id=consultation.id, question=f"asked {wanted}")
        *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
        written.append((last.draft.adapter_reason, last.draft.items[0].written_by.adapter))
        is_free.append("items" in (lm.asks[0].schema or {})["properties"]["advice"])

    # How many items there are and how they are worded is what an adapter learnt; the base has a form.
    assert is_free == [True, True, False]
    assert written == [("patient-adapter", "own"), ("adapter-wanted", "kept"), ("base-wanted", "")]


def test_a_published_one_writes_drafts_and_the_base_answers_in_chat(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    finish(store, anna, make_adapter(None, AdapterKind.PUBLISHED, name="free"))
    consultation = make_consultation(store, anna, willing)
    lm = ScriptedModel([make_reply(), "先问睡眠。", "先问睡眠。"], adapters=("free",))

    draft = start_draft(store, anna, consultation_id=consultation.id)
    list(write_draft(store, lm, anna, draft_id=draft.id, stop=Never()))
    for patient_id in (willing.id, None):
        thread = begin_thread(store, anna, patient_id=patient_id, question="先问什么？")
        answer_id = thread.path[-1].id
        list(
            write_answer(
                store, lm, anna, thread_id=thread.id, answer_id=answer_id, interface="zh", stop=Never()
            )
        )

    assert [ask.adapter for ask in lm.asks] == ["free", "", ""]


def test_an_adapter_has_forms_of_its_own_where_its_notes_left_the_form_alone() -> None:
    forms: FormsByLanguage = {"zh": {Section.ADVICE: OwnForm(("^拟.{2,80}，并按规定记录在案。$",), (3, 3))}}
    card = replace(make_adapter(None, AdapterKind.COUNSELLOR), config={FORMS: write_forms(forms)})

    assert AdapterChoice(card, "wanted").forms("zh") == forms["zh"]
    assert AdapterChoice(card, "wanted").forms("en") == HELD
    assert AdapterChoice(None, "base").forms("zh") == HELD
    assert replace(card, kind=AdapterKind.PUBLISHED).forms == {}
    assert "拟" not in repr(card.forms)


def test_an_adapter_from_before_forms_were_found_writes_in_any_words_where_it_learnt_to() -> None:
    card = replace(make_adapter(None, AdapterKind.COUNSELLOR), config={"free": "zh symptom_type,zh advice"})

    assert card.forms == {
        "zh": {Section.SYMPTOM_TYPE: OwnForm((), (1, 1)), Section.ADVICE: OwnForm((), (1, 6))}
    }
    assert read_forms({FORMS: write_forms(card.forms)}) == card.forms


def test_a_strangers_adapter_cannot_be_asked_for(store: Store, anna: SignedIn, willing: Patient) -> None:
    other = new_patient(store, anna, name="Lee")
    finish(store, anna, make_adapter(other.id, name="lee's"))
    begin(store, anna, make_adapter(willing.id, name="unfinished"))
    consultation = make_consultation(store, anna, willing)

    for name in ("lee's", "unfinished"):
        with pytest.raises(NotAllowed):
            want_adapter(store, anna, consultation_id=consultation.id, wanted=name)
    with pytest.raises(NotFound):
        want_adapter(store, anna, consultation_id=consultation.id, wanted="nowhere")


def test_what_gave_away_a_name_is_neither_used_nor_offered(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    verdict = Verdict(False, VerdictReason.NAMES_OTHERS)
    leaking = replace(make_adapter(None, AdapterKind.PRACTICE, "leaking"), verdict=verdict)
    finish(store, anna, leaking, AdapterState.KEPT)
    finish(store, anna, make_adapter(None, AdapterKind.PRACTICE, "sound"), AdapterState.KEPT)
    consultation = make_consultation(store, anna, willing)

    with pytest.raises(NotAllowed, match="leaks"):
        use_adapter(store, anna, adapter_id=leaking.id)
    with pytest.raises(NotAllowed, match="leaks"):
        want_adapter(store, anna, consultation_id=consultation.id, wanted=leaking.id)

    shelf = list_choices(store, anna, patient_id=willing.id)
    assert [card.id for card in shelf.cards] == ["sound"]
    # What it wrote before it was told apart is still called by its name.
    assert {card.id for card in shelf.known} == {"leaking", "sound"}


def test_what_was_trained_for_another_model_is_not_offered_and_cannot_be_asked_for(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    finish(store, anna, make_adapter(willing.id, name="own"))
    consultation = make_consultation(store, anna, willing)

    with pytest.raises(NotAllowed, match="other base"):
        want_adapter(store, anna, consultation_id=consultation.id, wanted="own", base_sha256="ab" * 32)

    assert list_choices(store, anna, patient_id=willing.id, base_sha256="ab" * 32).cards == ()
    assert [card.id for card in list_choices(store, anna, patient_id=willing.id).cards] == ["own"]


def test_after_a_withdrawal_the_reason_is_said_and_nobody_uses_it_again(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    finish(store, anna, make_adapter(willing.id, name="own"))
    record_answers(store, anna, patient_id=willing.id, answers={Purpose.OWN_TRAINING: Answer.NO})

    with pytest.raises(NotAllowed, match="consent withdrawn"):
        use_adapter(store, anna, adapter_id=AdapterId("own"))

    shelf = list_shelf(store, anna, patient_id=willing.id)
    assert (shelf.choice.card, shelf.choice.reason) == (None, "consent-withdrawn")
    record_answers(store, anna, patient_id=willing.id, answers={Purpose.OWN_TRAINING: Answer.YES})
    assert chosen(store, anna, willing) == "own"


def test_what_everybody_uses_is_changed_by_who_made_it_or_who_runs_the_practice(
    store: Store, anna: SignedIn
) -> None:
    bo = let_in(store, anna, "Bo Lind")
    finish(store, anna, make_adapter(None, AdapterKind.PRACTICE, "anna's"))
    finish(store, bo, make_adapter(None, AdapterKind.PRACTICE, "bo's"))

    with pytest.raises(NotAllowed):
        withdraw_adapter(store, bo, adapter_id=AdapterId("anna's"))
    withdraw_adapter(store, bo, adapter_id=AdapterId("bo's"))
    delete_adapter(store, anna, adapter_id=AdapterId("bo's"))

    assert [card.id for card in list_shelf(store, bo).cards] == ["anna's"]


def test_a_run_that_is_cancelled_leaves_nothing(store: Store, anna: SignedIn, willing: Patient) -> None:
    begin(store, anna, make_adapter(willing.id), willing.id)

    with pytest.raises(NotAllowed, match="in training"):
        use_adapter(store, anna, adapter_id=AdapterId("a1"))
    assert cancel_run(store, anna, adapter_id=AdapterId("a1"))

    with store.read(anna) as tx:
        assert tx.jobs.get(JobId("a1")).state == JobState.CANCELLED
        assert tx.adapters.cards() == ()


def test_no_word_of_the_notes_is_in_what_a_card_says_of_itself() -> None:
    own = OwnForm(("^The hedgehog .{2,40}$",), (1, 2), ("The hedgehog ", ""))
    card = replace(make_adapter(None), config={FORMS: write_forms({"en": {Section.ADVICE: own}})})

    assert "hedgehog" in str(card.config)
    assert "hedgehog" not in repr(card)


@pytest.mark.parametrize("shared", [True, False])
def test_a_consent_withdrawn_in_mid_run_destroys_what_the_run_has_brought(
    store: Store, anna: SignedIn, willing: Patient, shared: bool
) -> None:
    key = begin(store, anna, make_adapter(None, AdapterKind.COUNSELLOR, "shared"), willing.id)
    begin(store, anna, make_adapter(willing.id, name="own"), willing.id)
    with store.entrance(writes=True) as entrance:
        job = entrance.jobs.take("worker", ["train"])
        entrance.adapter_files.save(AdapterId("shared"), key, "checkpoint", b"half")

    purpose = Purpose.SHARED_TRAINING if shared else Purpose.OWN_TRAINING
    record_answers(store, anna, patient_id=willing.id, answers={purpose: Answer.NO})

    gone, stays = ("shared", "own") if shared else ("own", "shared")
    with store.read(anna) as tx:
        assert [card.id for card in tx.adapters.cards()] == [stays]
        stopped = tx.jobs.get(JobId(gone))
        assert stopped.stop_wanted or stopped.state == JobState.CANCELLED
        assert not tx.jobs.get(JobId(stays)).stop_wanted
    assert job is not None


def test_erasing_a_patient_in_mid_run_ends_the_runs_that_learn_from_them(
    store: Store, anna: SignedIn, willing: Patient
) -> None:
    begin(store, anna, make_adapter(None, AdapterKind.PRACTICE, "shared"), willing.id)
    begin(store, anna, make_adapter(willing.id, name="own"), willing.id)

    erase_patient(store, anna, patient_id=willing.id, typed=willing.name)

    with store.read(anna) as tx:
        assert tx.adapters.cards() == ()
        assert tx.jobs.get(JobId("shared")).state == JobState.CANCELLED
        with pytest.raises(NotFound):
            tx.jobs.get(JobId("own"))
