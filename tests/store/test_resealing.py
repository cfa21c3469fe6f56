"""Which columns a renewed key reaches."""

from __future__ import annotations

from sqlalchemy import LargeBinary

from phyassist.store.resealing import PATIENT_COLUMNS
from phyassist.store.tables import metadata

# Sealed under something else than a patient's data key, or no sealed value at all; each says what.
ELSEWHERE = {
    "practice.recovery_public": "a public key",
    "counsellors.public_key": "a public key",
    "counsellors.private_sealed": "under the passphrase",
    "counsellors.recovery_sealed": "under the own key",
    "counsellors.person_sealed": "under the practice's key, which practice_key.py renews",
    "counsellors.identity_sealed": "under the practice's key, which practice_key.py renews",
    "counsellors.second_sealed": "under the own key",
    "invitations.person_sealed": "under the practice's key; a renewal ends all invitations",
    "invitations.payload_sealed": "under a one-time code",
    "logins.private_sealed": "under the cookie",
    "logins.browser_sealed": "under the own key",
    "data_keys.link_sealed": "under the practice's key before",
    "key_wraps.wrapped": "a wrapped key",
    "key_wraps.signature": "a signature",
    "handovers.signature": "a signature",
    "pins.pin_sealed": "under the own key",
    "jobs.task_sealed": "under the job's key, for as long as the job runs",
    "job_keys.wrapped_worker": "a wrapped key",
    "workers.identity_sealed": "under the practice's key",
    "jobs.result_sealed": "to who asked for it, until it is fetched",
    "adapters.card_sealed": "under the adapter's own key",
    "adapters.progress_sealed": "under the adapter's own key",
    "adapter_chunks.bytes_sealed": "under the adapter's own key",
    "process_keys.wrapped_author": "a wrapped key",
    "process_keys.wrapped_recovery": "a wrapped key",
    "library_keys.wrapped_owner": "a wrapped key, under the practice's key or the own one",
    "library_keys.wrapped_recovery": "a wrapped key",
    "library_documents.card_sealed": "under the library's key, which holds nothing of a patient",
    "library_texts.pieces_sealed": "under the library's key",
    "library_texts.vectors_sealed": "under the library's key",
    "process_versions.text_sealed": "under the author's key for the patient",
    "chat_keys.wrapped_author": "a wrapped key",
    "chat_keys.wrapped_recovery": "a wrapped key",
}


def test_every_sealed_column_is_renewed_with_the_patients_key_or_is_said_to_be_sealed_otherwise() -> None:
    known = {f"{each.table.name}.{each.column}" for each in PATIENT_COLUMNS} | set(ELSEWHERE)

    there = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }

    assert there - known == set()
    assert known - there == set()
