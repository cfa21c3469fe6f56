"""The record by hand: what another window changed meanwhile is neither overwritten nor lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phyassist.domain.clock import new_id
from phyassist.domain.people import Patient
from phyassist.domain.records import (
    Consultation,
    Record,
    RecordField,
    RecordLine,
    Span,
    Standing,
    Statement,
    StatementId,
)
from phyassist.errors import ChangedMeanwhile
from phyassist.services.recording import add_statement, edit_statement, remove_statement, settle
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation


def make_line(store: Store, consultation: Consultation, text: str) -> RecordLine:
    statement = Statement(RecordField.MENTAL, text, "我", Span(0, 1), "mood")
    return RecordLine(
        StatementId(new_id()), statement, consultation.source.id, consultation.id, store.clock(), Standing.NEW
    )


@pytest.fixture
def consultation(store: Store, anna: SignedIn, patient: Patient) -> Consultation:
    return make_consultation(store, anna, patient)


@pytest.fixture
def record(store: Store, anna: SignedIn, patient: Patient, consultation: Consultation) -> Record:
    """Three lines; the third differs from the second."""
    first, second, third = (make_line(store, consultation, text) for text in ("睡不好", "很难过", "不难过"))
    third = replace(third, standing=Standing.DIFFERS, differs_from=second.id)
    with store.write(anna) as tx:
        return tx.records.save(patient.id, (first, second, third), after=0)


def texts(record: Record) -> list[str]:
    return [line.statement.text for line in record.of(RecordField.MENTAL)]


def test_a_line_changed_in_another_window_is_not_overwritten(
    store: Store, anna: SignedIn, patient: Patient, record: Record
):
    line = record.lines[0].id
    edit_statement(
        store, anna, patient_id=patient.id, statement_id=line, text="只睡四小时", after=record.version
    )

    with pytest.raises(ChangedMeanwhile, match="changed elsewhere"):
        edit_statement(
            store, anna, patient_id=patient.id, statement_id=line, text="别的", after=record.version
        )
    with pytest.raises(ChangedMeanwhile):
        remove_statement(store, anna, patient_id=patient.id, statement_id=line, after=record.version)

    with store.read(anna) as tx:
        assert texts(tx.records.get(patient.id)) == ["只睡四小时", "很难过", "不难过"]


def test_a_change_of_another_line_is_no_reason_to_refuse(
    store: Store, anna: SignedIn, patient: Patient, record: Record
):
    first, second = record.lines[:2]
    edit_statement(
        store, anna, patient_id=patient.id, statement_id=first.id, text="只睡四小时", after=record.version
    )

    now = edit_statement(
        store, anna, patient_id=patient.id, statement_id=second.id, text="常哭", after=record.version
    )

    assert texts(now) == ["只睡四小时", "常哭", "不难过"]


def test_a_contradiction_is_not_settled_over_a_line_that_reads_otherwise_by_now(
    store: Store, anna: SignedIn, patient: Patient, record: Record
):
    second, third = record.lines[1:]
    edit_statement(
        store, anna, patient_id=patient.id, statement_id=second.id, text="常哭", after=record.version
    )

    with pytest.raises(ChangedMeanwhile):
        settle(
            store,
            anna,
            patient_id=patient.id,
            statement_id=third.id,
            choice="replace",
            after=record.version,
        )

    with store.read(anna) as tx:
        assert texts(tx.records.get(patient.id)) == ["睡不好", "常哭", "不难过"]


def test_a_choice_that_was_made_in_another_window_is_not_made_again(
    store: Store, anna: SignedIn, patient: Patient, record: Record
):
    third = record.lines[2].id
    settle(store, anna, patient_id=patient.id, statement_id=third, choice="leave", after=record.version)

    with pytest.raises(ChangedMeanwhile):
        settle(store, anna, patient_id=patient.id, statement_id=third, choice="replace", after=record.version)

    with store.read(anna) as tx:
        assert texts(tx.records.get(patient.id)) == ["睡不好", "很难过"]


def test_a_new_line_follows_what_was_written_meanwhile_and_is_not_doubled(
    store: Store, anna: SignedIn, patient: Patient, consultation: Consultation, record: Record
):
    words = {"consultation_id": consultation.id, "record_field": RecordField.MENTAL, "after": record.version}
    remove_statement(
        store, anna, patient_id=patient.id, statement_id=record.lines[0].id, after=record.version
    )

    once = add_statement(store, anna, text="爱笑", **words)
    again = add_statement(store, anna, text="爱笑", **words)

    assert texts(once) == ["很难过", "不难过", "爱笑"]
    assert again == once


def test_a_version_that_never_was_is_refused(
    store: Store, anna: SignedIn, consultation: Consultation, record: Record
):
    with pytest.raises(ChangedMeanwhile):
        add_statement(
            store,
            anna,
            consultation_id=consultation.id,
            record_field=RecordField.MENTAL,
            text="爱笑",
            after=record.version + 1,
        )
