"""Who did what to which id, when: rows that are only added, each bound to the one before it by a hash."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, select, update

from phyassist.domain.clock import Clock
from phyassist.store.tables import audit, audit_head

_START = "sha256:" + "0" * 64


class Act(StrEnum):
    """Every act that is written down; none says anything of what a patient said."""

    SET_UP = "set up"
    SIGNED_IN = "signed in"
    SIGN_IN_FAILED = "sign-in failed"
    SIGNED_OUT = "signed out"
    LOCKED = "locked"
    PASSPHRASE_CHANGED = "passphrase changed"  # noqa: S105  an act, not a passphrase
    RECOVERY_FAILED = "recovery failed"
    RECOVERED = "recovered"
    SETTINGS_CHANGED = "settings changed"
    CREATED = "created"
    VIEWED = "viewed"
    CHANGED = "changed"
    DELETED = "deleted"
    ORGANISED = "organised"
    ANALYSED = "analysed"
    REGENERATED = "regenerated"
    DISCARDED = "discarded"
    SIGNED = "signed"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"
    EXPORTED = "exported"
    INVITED = "invited"
    INVITATION_ENDED = "invitation ended"
    JOINED = "joined"
    JOIN_FAILED = "joining failed"
    ACCOUNT_ENDED = "account ended"
    ACCOUNT_RESUMED = "account resumed"
    LOGIN_ENDED = "login ended"
    SECOND_FACTOR_SET = "second factor set"
    SECOND_FACTOR_ENDED = "second factor ended"
    SHARED = "shared"
    SHARE_ENDED = "share ended"
    HANDED_OVER = "handed over"
    KEY_RENEWED = "key renewed"
    KEYS_CONFIRMED = "keys confirmed"


class Kind(StrEnum):
    """What the id of a row names."""

    PRACTICE = "practice"
    COUNSELLOR = "counsellor"
    LOGIN = "login"
    PATIENT = "patient"
    CONSULTATION = "consultation"
    RECORD = "record"
    DRAFT = "draft"
    NOTE = "note"
    FINGERPRINT = "fingerprint"
    PROCESS_NOTE = "process note"
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class AuditRow:
    number: int
    at: datetime
    by_id: str
    act: Act
    kind: Kind
    row_id: str
    origin: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """How many rows there are, and the first that does not fit the one before it (None: all fit)."""

    rows: int
    first_broken: int | None


class Audit:
    """`by_id` is empty before anyone has signed in."""

    def __init__(self, conn: Connection, clock: Clock, by_id: str = "") -> None:
        self._conn = conn
        self._clock = clock
        self._by_id = by_id

    def write(self, act: Act, kind: Kind, row_id: str, *, origin: str = "") -> None:
        """Add a row.  `origin` says from where: a web login, the command line; never an id of a person."""
        # Updating the one head row first takes its lock, so that two writers cannot follow the same row.
        self._conn.execute(update(audit_head).values(number=audit_head.c.number + 1))
        head = self._conn.execute(select(audit_head)).one_or_none()
        if head is None:
            self._conn.execute(insert(audit_head).values(id=1, number=1, hash=_START))
        number, before = (1, _START) if head is None else (head.number, head.hash)
        row = AuditRow(
            number, self._clock().astimezone(UTC), self._by_id, Act(act), Kind(kind), row_id, origin, ""
        )
        digest = _hash(before, row)
        self._conn.execute(
            insert(audit).values(
                number=number,
                at=row.at,
                by_id=row.by_id,
                act=row.act.value,
                kind=row.kind.value,
                row_id=row_id,
                origin=origin,
                hash=digest,
            )
        )
        self._conn.execute(update(audit_head).values(hash=digest))

    def list(self, row_id: str | None = None, limit: int = 500) -> tuple[AuditRow, ...]:
        """The newest rows first, of one id or of all."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        if row_id is not None:
            query = query.where(audit.c.row_id == row_id)
        return tuple(_read(row._mapping) for row in self._conn.execute(query))

    def verify(self) -> AuditCheck:
        """Whether each row follows from the one before it, and the last is the last that was written."""
        before, rows = _START, 0
        for found in self._conn.execute(select(audit).order_by(audit.c.number)):
            rows += 1
            if found.number != rows or not hmac.compare_digest(
                found.hash, _hash(before, _read(found._mapping))
            ):
                return AuditCheck(rows, found.number)
            before = found.hash
        head = self._conn.execute(select(audit_head)).one_or_none()
        ends_well = rows == 0 if head is None else (head.number == rows and head.hash == before)
        return AuditCheck(rows, None if ends_well else rows + 1)


def _read(row: RowMapping) -> AuditRow:
    return AuditRow(
        number=row["number"],
        at=row["at"],
        by_id=row["by_id"],
        act=Act(row["act"]),
        kind=Kind(row["kind"]),
        row_id=row["row_id"],
        origin=row["origin"],
        hash=row["hash"],
    )


def _hash(before: str, row: AuditRow) -> str:
    fields = [before, row.number, row.at.isoformat(), row.by_id, row.act, row.kind, row.row_id, row.origin]
    return "sha256:" + hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()
