"""A canary goes through every field that holds words; the store's files, messages and logs do not show it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from phyassist.domain.drafts import Change
from phyassist.errors import ChangedMeanwhile, StoreError
from phyassist.services.patients import edit_patient, load_patient, new_patient
from phyassist.services.practice import change_passphrase, open_login, resume_login, set_up, sign_in
from phyassist.services.searching import find
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.house.canary import CANARY, find_canary
from tests.store.making import (
    make_adapter,
    make_amendment,
    make_consultation,
    make_draft,
    make_line,
    make_note,
)

PASSPHRASE = f"{CANARY} is the passphrase"


@pytest.fixture
def by(store: Store) -> SignedIn:
    return set_up(
        store, name=CANARY, passphrase=PASSPHRASE, language="zh", jurisdiction="cn", zone="Asia/Shanghai"
    ).signed_in


def fill(store: Store, by: SignedIn) -> None:
    patient = new_patient(store, by, name=CANARY, number=CANARY)
    edit_patient(store, by, patient_id=patient.id, name=f"{CANARY} again", number=CANARY, language="en")
    consultation = make_consultation(patient.id)
    draft = make_draft(patient.id, text=CANARY, items=3)
    with store.write(by) as tx:
        tx.consultations.add(consultation)
        tx.consultations.save_source(consultation.id, f"{CANARY} " * 3000, after=0)
        tx.consultations.save_question(consultation.id, f"why {CANARY}", after=0)
        tx.records.save(patient.id, (make_line(CANARY),), after=0)
        tx.drafts.add(draft, Change.STARTED)
        tx.drafts.save(replace(draft, question=f"{CANARY} again"), Change.EDITED, after=1)
        tx.drafts.save_partial(draft.id, CANARY)
        tx.notes.add(make_note(patient.id, text=CANARY))
        tx.notes.amend(make_note(patient.id).id, make_amendment(CANARY))
        card = replace(make_adapter(patient.id), label=CANARY, config={"said": CANARY})
        key = tx.adapters.begin(card, [patient.id])
        tx.adapters.files.save(card.id, key, "examples", CANARY.encode() * 100_000)
    assert load_patient(store, by, patient.id).open_draft is not None
    assert len(find(store, by, CANARY)) == 2


def test_the_stores_files_hold_no_plain_text(store: Store, store_path: Path, by: SignedIn) -> None:
    cookie = open_login(store, by).reveal_text()

    fill(store, resume_login(store, cookie, idle_lock_min=15))
    sign_in(store, passphrase=PASSPHRASE)
    change_passphrase(store, by, passphrase=PASSPHRASE, new_passphrase=PASSPHRASE * 2)

    assert {path.suffix for path in store_path.parent.iterdir()} >= {".db", ".db-wal"}
    assert find_canary([store_path.parent]) == []
    assert find_canary([store_path.parent], cookie) == []
    store.close()
    assert find_canary([store_path.parent]) == []


def test_logs_at_debug_hold_no_plain_text(
    store: Store, by: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "sqlalchemy"):
        fill(store, by)

    assert "INSERT INTO notes" in caplog.text
    assert find_canary([caplog.text]) == []


def test_what_prints_a_value_prints_no_words(store: Store, by: SignedIn) -> None:
    fill(store, by)
    patient_id = find(store, by, CANARY)[0].patient.id

    shown = [repr(by), repr(find(store, by, CANARY)), repr(load_patient(store, by, patient_id))]

    assert find_canary(shown) == []


def test_an_error_and_what_caused_it_hold_no_plain_text(store: Store, by: SignedIn) -> None:
    fill(store, by)
    patient_id = find(store, by, CANARY)[0].patient.id
    messages: list[str] = []

    with pytest.raises(ChangedMeanwhile) as stale, store.write(by) as tx:
        tx.consultations.save_source(make_consultation(patient_id).id, CANARY * 2, after=0)
    with pytest.raises(StoreError) as broken, store.write(by) as tx:
        tx.notes._desk.conn.execute(text("INSERT INTO notes (id) VALUES (:words)"), {"words": CANARY})
    for error in (stale.value, broken.value):
        cause = error.__cause__
        messages += [str(error), repr(error), repr(error.__dict__), str(cause), repr(cause)]

    assert find_canary(messages) == []
