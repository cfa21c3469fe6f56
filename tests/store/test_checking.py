"""A store that is sound is said to be; one that is not, in which row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, LargeBinary, create_engine, text

from phyassist.domain.drafts import Change
from phyassist.domain.people import Patient
from phyassist.errors import StoreUnusable
from phyassist.services.patients import new_patient
from phyassist.store.checking import UNDER_PATIENT_KEYS, Checked, Part
from phyassist.store.moving import check_store
from phyassist.store.people import SignedIn
from phyassist.store.tables import metadata
from phyassist.store.transactions import Store
from tests.store.making import (
    make_adapter,
    make_amendment,
    make_consultation,
    make_draft,
    make_line,
    make_note,
)


@pytest.fixture
def full(store: Store, anna: SignedIn, patient: Patient) -> Patient:
    with store.write(anna) as tx:
        tx.consultations.add(make_consultation(patient.id, text="she sleeps badly"))
        tx.records.save(patient.id, (make_line("heron"),), after=0)
        tx.drafts.add(make_draft(patient.id), Change.STARTED)
        tx.notes.add(make_note(patient.id))
        tx.notes.amend(make_note(patient.id).id, make_amendment())
        tx.adapters.begin(make_adapter(patient.id), [patient.id])
    return patient


@contextmanager
def changed_behind_its_back(url: str) -> Iterator[Connection]:
    """The database as somebody with its password changes it: no key, no trigger, no foreign key."""
    engine = create_engine(url)
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SET session_replication_role = replica"))
        yield conn
    engine.dispose()


def said(found: Checked) -> list[tuple[Part, str, str]]:
    return [(each.part, each.table, each.row_id) for each in found.findings]


def test_a_store_as_it_should_be_has_no_findings(
    store: Store, store_url: str, anna: SignedIn, full: Patient
) -> None:
    plain = check_store(store_url)
    opened = check_store(store_url, anna)

    assert plain.findings == opened.findings == ()
    assert plain.rows["notes"] == 1
    assert plain.opened == 0
    # One value in each column that is filled, and the two keys: the practice's and the patient's.
    assert opened.opened >= 10
    assert (opened.patients_opened, opened.patients_closed) == (1, 0)


def test_an_empty_store_is_sound_and_another_programs_is_refused(store: Store, store_url: str) -> None:
    assert check_store(store_url).is_sound

    with changed_behind_its_back(store_url) as conn:
        conn.execute(text("ALTER TABLE alembic_version RENAME TO hidden_version"))
    try:
        with pytest.raises(StoreUnusable, match="another program"):
            check_store(store_url)
    finally:
        with changed_behind_its_back(store_url) as conn:
            conn.execute(text("ALTER TABLE hidden_version RENAME TO alembic_version"))


@pytest.mark.parametrize(
    "of",
    UNDER_PATIENT_KEYS,
    ids=[f"{each.column.table.name}.{each.column.name}" for each in UNDER_PATIENT_KEYS],
)
def test_a_value_that_was_tampered_with_is_found_with_a_key_and_one_that_is_none_without(
    store: Store, store_url: str, anna: SignedIn, full: Patient, of: object
) -> None:
    table, column = of.column.table, of.column.name
    with changed_behind_its_back(store_url) as conn:
        row = conn.execute(table.select().where(of.column.is_not(None))).mappings().first()
        if row is None:
            pytest.skip("no value stands in this column of the full patient")
        bent = row[column][:-1] + bytes([row[column][-1] ^ 1])
        conn.execute(table.update().values({column: bent}))
    name = "/".join(str(row[key.name]) for key in table.primary_key)

    unseen, seen = check_store(store_url), check_store(store_url, anna)
    with changed_behind_its_back(store_url) as conn:
        conn.execute(table.update().values({column: b"plain words in place of a seal"}))
    found = check_store(store_url)

    assert said(unseen) == []
    assert (Part.SEAL, table.name, name) in said(seen)
    assert (Part.SEAL, table.name, name) in said(found)
    assert not any("plain words" in each.said for each in found.findings)


def test_every_sealed_column_is_looked_at() -> None:
    opened = {(each.column.table.name, each.column.name) for each in UNDER_PATIENT_KEYS}

    forms_alone = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and (table.name, column.name) not in opened
    }

    # What stands here lies under a key that is no patient's, or is no sealed value.  A new column of values
    # under patients' keys belongs into UNDER_PATIENT_KEYS.
    assert forms_alone <= {
        "adapter_chunks.bytes_sealed",
        "adapters.card_sealed",
        "adapters.progress_sealed",
        "counsellors.identity_sealed",
        "counsellors.person_sealed",
        "chat_keys.wrapped_author",
        "chat_keys.wrapped_recovery",
        "counsellors.private_sealed",
        "counsellors.public_key",
        "counsellors.recovery_sealed",
        "counsellors.second_sealed",
        "data_keys.link_sealed",
        "handovers.signature",
        "invitations.payload_sealed",
        "invitations.person_sealed",
        "job_keys.wrapped_worker",
        "jobs.result_sealed",
        "jobs.task_sealed",
        "library_keys.wrapped_owner",
        "library_keys.wrapped_recovery",
        "library_documents.card_sealed",
        "library_texts.pieces_sealed",
        "library_texts.vectors_sealed",
        "key_wraps.signature",
        "key_wraps.wrapped",
        "logins.browser_sealed",
        "logins.private_sealed",
        "pins.pin_sealed",
        "practice.recovery_public",
        "process_keys.wrapped_author",
        "process_keys.wrapped_recovery",
        "process_versions.text_sealed",
        "workers.identity_sealed",
    }


def test_a_row_whose_patient_is_gone_is_found(
    store: Store, store_url: str, anna: SignedIn, full: Patient
) -> None:
    with changed_behind_its_back(store_url) as conn:
        conn.execute(text("DELETE FROM patients"))

    found = said(check_store(store_url))

    assert (Part.REFERENCE, "notes", "note1") in found
    assert (Part.REFERENCE, "consultations", "consultation1") in found


def test_a_key_that_is_gone_is_found(store: Store, store_url: str, anna: SignedIn, full: Patient) -> None:
    with changed_behind_its_back(store_url) as conn:
        conn.execute(text("DELETE FROM key_wraps WHERE holder_id = :by"), {"by": anna.id})
    alone = said(check_store(store_url, anna))
    with changed_behind_its_back(store_url) as conn:
        conn.execute(text("DELETE FROM key_wraps"))
        conn.execute(text("DELETE FROM data_keys WHERE patient_id IS NOT NULL"))

    found = said(check_store(store_url))

    assert alone == []
    assert (Part.KEY, "notes", "note1") in found
    assert [part for part, table, _ in found if table == "data_keys"] == [Part.KEY]


def test_a_wrapped_key_that_does_not_open_is_found(
    store: Store, store_url: str, anna: SignedIn, full: Patient
) -> None:
    new_patient(store, anna, name="Lee")
    with changed_behind_its_back(store_url) as conn:
        kept = conn.execute(
            text(
                "SELECT key_id, wrapped FROM key_wraps JOIN data_keys ON id = key_id "
                "WHERE holder_id = :by AND patient_id = :patient"
            ),
            {"by": anna.id, "patient": full.id},
        ).one()
        bent = kept.wrapped[:-1] + bytes([kept.wrapped[-1] ^ 1])
        conn.execute(
            text("UPDATE key_wraps SET wrapped = :bent WHERE key_id = :id AND holder_id = :by"),
            {"bent": bent, "id": kept.key_id, "by": anna.id},
        )

    found = check_store(store_url, anna)

    assert said(found) == [(Part.KEY, "key_wraps", f"{kept.key_id}/{anna.id}")]
    assert (found.patients_opened, found.patients_closed) == (1, 1)


def test_an_audit_that_was_changed_is_found(
    store: Store, store_url: str, anna: SignedIn, full: Patient
) -> None:
    with changed_behind_its_back(store_url) as conn:
        if conn.dialect.name == "sqlite":
            for (name,) in conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                conn.execute(text(f"DROP TRIGGER {name}"))
        conn.execute(text("UPDATE audit SET act = 'viewed' WHERE number = 2"))

    assert said(check_store(store_url)) == [(Part.AUDIT, "audit", "2")]


def test_an_older_schema_and_a_missing_column_are_found(store: Store, store_url: str) -> None:
    with changed_behind_its_back(store_url) as conn:
        conn.execute(text("ALTER TABLE jobs RENAME COLUMN done TO was_done"))
    try:
        missing = check_store(store_url)
    finally:
        with changed_behind_its_back(store_url) as conn:
            conn.execute(text("ALTER TABLE jobs RENAME COLUMN was_done TO done"))

    assert [(each.table, each.said) for each in missing.findings] == [("jobs", "the column done is missing")]
