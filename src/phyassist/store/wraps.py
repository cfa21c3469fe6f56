"""A data key as one holder has it, and where it lives: it opens for its holder, under its term, at its place.

Three kinds.  A key that the holder made stands sealed under the holder's own key.  A gift was wrapped to the
holder's public key by somebody, who signed it.  An adopted key was a gift, and stands sealed under the own
key at a place that names the giver and the terms, so that neither can be changed in the database.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Row, Select, select

from phyassist.domain.people import CounsellorId, PatientId
from phyassist.store.tables import data_keys, key_wraps
from phyassist.vault.keyring import WRAP_FORMAT
from phyassist.vault.sealing import Place

RECOVERY_HOLDER = "recovery"


@dataclass(frozen=True, slots=True)
class Wrap:
    """A row of `key_wraps` with the key that it is of; without a patient it is a key of the practice."""

    key_id: str
    term: int
    patient_id: PatientId | None
    holder_id: str
    wrapped: bytes = field(repr=False)
    may_write: bool
    until: datetime | None
    added_at: datetime
    giver_id: CounsellorId | None = None
    signature: bytes | None = field(default=None, repr=False)

    @property
    def is_gift(self) -> bool:
        """Whether somebody gave it and the holder has not adopted it yet."""
        return self.giver_id is not None and self.wrapped[:1] == bytes([WRAP_FORMAT])

    @property
    def kept_place(self) -> Place:
        """Where the holder keeps it under the own key."""
        if self.giver_id is None:
            return wrap_place(self.key_id, self.holder_id, self.term)
        terms = f"from/{self.giver_id}/{'write' if self.may_write else 'read'}/{write_until(self.until)}"
        return Place("key_wraps", f"{self.key_id}/{self.holder_id}", terms, self.term)

    def has_ended(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now

    def statement(self, holder_public: bytes) -> bytes:
        """What the giver signs: which key, for whom, on what terms, which bytes (vectors/people.json)."""
        fields = [
            "gift/1",
            self.key_id,
            self.term,
            self.patient_id or "",
            self.holder_id,
            holder_public.hex(),
            self.giver_id or "",
            self.may_write,
            write_until(self.until),
            self.wrapped.hex(),
        ]
        return json.dumps(fields, separators=(",", ":")).encode()


def select_wraps() -> Select[tuple[object, ...]]:
    """Every wrapped key with its term and patient, to be narrowed; the older terms first."""
    return (
        select(
            data_keys.c.id,
            data_keys.c.term,
            data_keys.c.patient_id,
            key_wraps.c.holder_id,
            key_wraps.c.wrapped,
            key_wraps.c.may_write,
            key_wraps.c.until,
            key_wraps.c.added_at,
            key_wraps.c.giver_id,
            key_wraps.c.signature,
        )
        .join(key_wraps, key_wraps.c.key_id == data_keys.c.id)
        .order_by(data_keys.c.term)
    )


def read_wrap(row: Row[tuple[object, ...]]) -> Wrap:
    return Wrap(
        key_id=row.id,
        term=row.term,
        patient_id=row.patient_id,
        holder_id=row.holder_id,
        wrapped=bytes(row.wrapped),
        may_write=bool(row.may_write),
        until=row.until,
        added_at=row.added_at,
        giver_id=row.giver_id,
        signature=row.signature,
    )


def write_wrap(wrap: Wrap) -> dict[str, object]:
    """The row for a wrapped key."""
    return {
        "key_id": wrap.key_id,
        "holder_id": wrap.holder_id,
        "wrapped": wrap.wrapped,
        "may_write": wrap.may_write,
        "until": wrap.until,
        "added_at": wrap.added_at,
        "giver_id": wrap.giver_id,
        "signature": wrap.signature,
    }


def write_until(until: datetime | None) -> str:
    return "" if until is None else until.astimezone(UTC).isoformat(timespec="microseconds")


def wrap_place(key_id: str, holder_id: str, term: int) -> Place:
    """Where a key lives that its holder made, or that was given: to the recovery key, or by somebody."""
    return Place("key_wraps", f"{key_id}/{holder_id}", "wrapped", term)


def link_place(key_id: str, term: int) -> Place:
    """Where the practice's new key stands sealed under the one before it."""
    return Place("data_keys", key_id, "link", term)


def recovery_place(counsellor_id: str) -> Place:
    """Where a counsellor keeps the recovery key's public half: nobody can put another in its place."""
    return Place("counsellors", counsellor_id, "recovery")
