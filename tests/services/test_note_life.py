"""A note's life: signed, withdrawn while it may be, locked, amended; and its fingerprint all along."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine, text

from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Draft, DraftState, Section
from phyassist.domain.notes import ByHand, Note, NoteState
from phyassist.domain.people import Patient
from phyassist.errors import EmptyText, NotAllowed, UnknownName
from phyassist.services.consent import record_answers
from phyassist.services.noting import (
    amend_note,
    export_notes,
    lock_note,
    preview_note,
    save_note,
    save_note_settings,
    withdraw_note,
)
from phyassist.services.patients import load_patient
from phyassist.services.reworking import add_item
from phyassist.services.searching import find
from phyassist.services.sharing import renew_patient, share
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.services.drafts import make_consultation, write_whole
from tests.services.joining import let_in


@pytest.fixture
def written(store: Store, anna: SignedIn, patient: Patient) -> Draft:
    return write_whole(store, anna, make_consultation(store, anna, patient))


@pytest.fixture
def note(store: Store, anna: SignedIn, written: Draft) -> Note:
    return save_note(store, anna, draft_id=written.id, after=written.version)


def states(store: Store, by: SignedIn, note: Note) -> NoteState:
    with store.read(by) as tx:
        return tx.notes.get(note.id).state(store.clock())


def test_a_signed_note_locks_by_itself_after_the_days_of_the_practice(
    store: Store, anna: SignedIn, clock: Clock, note: Note
):
    at_first = states(store, anna, note)

    clock.move(days=7)

    assert at_first == NoteState.SIGNED
    assert states(store, anna, note) == NoteState.LOCKED


def test_its_author_may_lock_it_at_once(store: Store, anna: SignedIn, clock: Clock, note: Note):
    lock_note(store, anna, note_id=note.id)
    clock.move(days=1)
    again = lock_note(store, anna, note_id=note.id)

    assert states(store, anna, note) == NoteState.LOCKED
    assert again.locks_at == note.signed_at
    with store.read(anna) as tx:
        acts = [row.act for row in tx.audit.list(note.id)]
    assert acts.count(Act.LOCKED) == 1


def test_withdrawing_opens_the_draft_again_and_leaves_a_trace(
    store: Store, anna: SignedIn, clock: Clock, written: Draft, note: Note
):
    clock.move(hours=1)

    draft = withdraw_note(store, anna, note_id=note.id, reason=" 日期写错 ")

    assert (draft.state, draft.items) == (DraftState.OPEN, written.items)
    file = load_patient(store, anna, note.patient_id)
    assert file.notes == ()
    (trace,) = file.withdrawn
    assert trace.note == note
    assert (trace.at, trace.by, trace.reason) == (clock.now, "Anna Weiss", "日期写错")
    with store.read(anna) as tx:
        assert Act.WITHDRAWN in {row.act for row in tx.audit.list(note.id)}


def test_a_withdrawn_note_is_found_by_no_search_and_its_number_is_not_given_again(
    store: Store, anna: SignedIn, written: Draft, note: Note
):
    draft = withdraw_note(store, anna, note_id=note.id, reason="日期写错")
    found = find(store, anna, "学业压力")

    draft = add_item(
        store, anna, draft_id=draft.id, section=Section.ADVICE, text="另约。", after=draft.version
    )
    second = save_note(store, anna, draft_id=draft.id, after=draft.version)

    assert found == ()
    assert (note.number, second.number) == (1, 2)
    assert [each.number for each in load_patient(store, anna, note.patient_id).notes] == [2]


def test_a_locked_note_is_not_withdrawn(store: Store, anna: SignedIn, clock: Clock, note: Note):
    clock.move(days=8)

    with pytest.raises(NotAllowed, match="is locked"):
        withdraw_note(store, anna, note_id=note.id, reason="zu spät")


def test_an_amended_note_is_locked(store: Store, anna: SignedIn, note: Note):
    amend_note(store, anna, note_id=note.id, reason="电话", text="妈妈来电。")

    assert states(store, anna, note) == NoteState.AMENDED
    with pytest.raises(NotAllowed, match="is locked"):
        withdraw_note(store, anna, note_id=note.id, reason="x")


def test_withdrawing_needs_a_reason(store: Store, anna: SignedIn, note: Note):
    with pytest.raises(EmptyText):
        withdraw_note(store, anna, note_id=note.id, reason="  ")


def test_a_practice_may_lock_notes_as_they_are_signed(store: Store, anna: SignedIn, written: Draft):
    save_note_settings(store, anna, template="soap", lock_after_days=0)

    note = save_note(store, anna, draft_id=written.id, after=written.version)

    assert note.state(store.clock()) == NoteState.LOCKED
    assert note.template == "soap"


def test_a_shorter_time_does_not_lock_a_note_that_was_signed_before(store: Store, anna: SignedIn, note: Note):
    save_note_settings(store, anna, template="original", lock_after_days=0)

    assert states(store, anna, note) == NoteState.SIGNED


def test_a_form_that_is_not_there_is_no_setting(store: Store, anna: SignedIn):
    with pytest.raises(UnknownName, match="no such form"):
        save_note_settings(store, anna, template="haiku", lock_after_days=7)


def test_what_was_written_by_hand_is_offered_again_after_a_withdrawal(
    store: Store, anna: SignedIn, written: Draft
):
    by_hand = (ByHand("soap.objective", "衣着整洁。"),)
    note = save_note(
        store, anna, draft_id=written.id, after=written.version, template="soap", by_hand=by_hand
    )
    withdraw_note(store, anna, note_id=note.id, reason="日期写错")

    preview = preview_note(store, anna, draft_id=written.id)

    assert (preview.template, preview.by_hand) == ("soap", by_hand)


def test_a_heading_that_is_not_there_is_not_signed(store: Store, anna: SignedIn, written: Draft):
    with pytest.raises(UnknownName, match="no such heading"):
        save_note(
            store,
            anna,
            draft_id=written.id,
            after=written.version,
            by_hand=(ByHand("soap.weather", "rain"),),
        )


def test_the_trace_of_a_withdrawn_note_is_in_the_export(
    store: Store, anna: SignedIn, written: Draft, note: Note
):
    draft = withdraw_note(store, anna, note_id=note.id, reason="日期写错")
    save_note(store, anna, draft_id=draft.id, after=draft.version)

    txt = export_notes(store, anna, patient_id=note.patient_id, form="txt").data.decode()
    md = export_notes(store, anna, patient_id=note.patient_id, form="md").data.decode()
    body = json.loads(export_notes(store, anna, patient_id=note.patient_id, form="json").data)

    assert "笔记 1 已撤回（2026-03-02, Anna Weiss, 日期写错）" in txt
    assert "已撤回" in md
    assert [(each["number"], each["reason"]) for each in body["withdrawn"]] == [(1, "日期写错")]
    assert [each["number"] for each in body["notes"]] == [2]


def test_the_audit_log_holds_the_fingerprint_of_what_was_signed(store: Store, anna: SignedIn, note: Note):
    with store.read(anna) as tx:
        (row,) = tx.audit.list(note.fingerprint.removeprefix("sha256:"))
        wrong, unanchored = tx.notes.check(note.patient_id), tx.notes.list_unanchored()

    assert (row.act, row.kind) == (Act.SIGNED, Kind.FINGERPRINT)
    assert (wrong, unanchored) == ((), ())


def test_a_withdrawn_note_is_still_checked(store: Store, anna: SignedIn, note: Note):
    withdraw_note(store, anna, note_id=note.id, reason="日期写错")

    with store.read(anna) as tx:
        assert (tx.notes.check(note.patient_id), tx.notes.list_unanchored()) == ((), ())


@pytest.mark.parametrize(
    "change",
    ["author_id = 'somebody'", "signed_at = '2020-01-01 00:00:00.000000'", "draft_id = 'another'"],
)
def test_a_row_that_was_changed_after_signing_is_seen(
    store: Store, anna: SignedIn, store_path, note: Note, change: str
):
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        conn.execute(text(f"UPDATE notes SET {change}"))

    with store.read(anna) as tx:
        assert tx.notes.check(note.patient_id) == (note.id,)


def test_a_note_that_was_signed_anew_behind_the_logs_back_is_seen_without_a_key(
    store: Store, anna: SignedIn, store_path, note: Note
):
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        conn.execute(text("UPDATE notes SET fingerprint = 'sha256:" + "0" * 64 + "'"))

    with store.read(anna) as tx:
        assert tx.notes.list_unanchored() == (note.id,)


def test_a_colleague_amends_but_neither_locks_nor_withdraws(
    store: Store, anna: SignedIn, patient: Patient, note: Note
):
    berta = let_in(store, anna, "Berta Lang")
    share(store, anna, patient_id=patient.id, with_id=berta.id, may_write=True)

    with pytest.raises(NotAllowed, match="somebody else"):
        lock_note(store, berta, note_id=note.id)
    with pytest.raises(NotAllowed, match="somebody else"):
        withdraw_note(store, berta, note_id=note.id, reason="x")
    amended = amend_note(store, berta, note_id=note.id, reason="电话", text="妈妈来电。")

    assert [each.author for each in amended.amendments] == ["Berta Lang"]


def test_notes_and_traces_stay_what_they_were_when_the_key_is_renewed(
    store: Store, anna: SignedIn, written: Draft, note: Note
):
    draft = withdraw_note(store, anna, note_id=note.id, reason="日期写错")
    second = save_note(store, anna, draft_id=draft.id, after=draft.version)

    renew_patient(store, anna, patient_id=note.patient_id)

    with store.read(anna) as tx:
        assert tx.notes.check(note.patient_id) == ()
        assert [each.note for each in tx.notes.list_withdrawn(note.patient_id)] == [note]
        assert tx.notes.list(note.patient_id) == (second,)


def count_versions(store: Store, by: SignedIn, draft: Draft) -> int:
    with store.read(by) as tx:
        return len(tx.drafts.history(draft.id))


def test_without_consent_to_training_a_signed_draft_keeps_its_last_version_alone(
    store: Store, anna: SignedIn, written: Draft
):
    before = count_versions(store, anna, written)

    note = save_note(store, anna, draft_id=written.id, after=written.version)

    assert before > 3
    assert count_versions(store, anna, written) == 1
    reopened = withdraw_note(store, anna, note_id=note.id, reason="a word is wrong")
    assert reopened.standing == written.standing


def test_with_consent_the_versions_stay_until_it_is_withdrawn(
    store: Store, anna: SignedIn, patient: Patient, written: Draft
):
    before = count_versions(store, anna, written)
    record_answers(store, anna, patient_id=patient.id, answers={Purpose.OWN_TRAINING: Answer.YES})

    save_note(store, anna, draft_id=written.id, after=written.version)

    assert count_versions(store, anna, written) == before
    record_answers(store, anna, patient_id=patient.id, answers={Purpose.OWN_TRAINING: Answer.NO})
    assert count_versions(store, anna, written) == 1
