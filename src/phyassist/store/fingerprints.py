"""A note's fingerprint: fixed at signing, written into the audit log, and compared for ever after.

It is a hash of the note's bytes as they were sealed and of what stands in its columns.  The bytes hold a
random salt, so the fingerprint, which stands in the clear, tells nothing to who guesses at a note's words.
Who holds the patient's key could seal other words in a note's place, and other columns; the audit log, whose
rows are chained, still holds the fingerprint of what was signed.  What is hashed never changes
(`tests/store/test_fingerprints.py`); another way of doing it would be another word before the colon.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from phyassist.store.audit import Act, Kind
from phyassist.store.tables import audit, notes, withdrawn_notes

_DOMAIN = b"phyassist/note/1"
PREFIX = "sha256:"
_COLUMNS = ("id", "patient_id", "consultation_id", "draft_id", "author_id", "number", "at", "signed_at")


def make_fingerprint(row: Mapping[Any, Any], blob: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits, of a row of `notes` and its opened value."""
    parts = [_DOMAIN, *(_to_bytes(row[name]) for name in _COLUMNS), blob]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return PREFIX + digest.hexdigest()


def list_unanchored(conn: Connection) -> tuple[str, ...]:
    """Ids of notes whose fingerprint the audit log does not know: the row was changed after signing.

    Needs no key.  Notes that were signed before there were fingerprints have none to compare.
    """
    known = select(audit.c.row_id).where(
        audit.c.act == Act.SIGNED.value, audit.c.kind == Kind.FINGERPRINT.value
    )
    anchored = set(conn.execute(known).scalars())
    return tuple(
        row.id
        for table in (notes, withdrawn_notes)
        for row in conn.execute(
            select(table.c.id, table.c.fingerprint)
            .where(table.c.fingerprint.is_not(None))
            .order_by(table.c.id)
        )
        if row.fingerprint.removeprefix(PREFIX) not in anchored
    )


def _to_bytes(value: object) -> bytes:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().encode()
    return str(value).encode()
