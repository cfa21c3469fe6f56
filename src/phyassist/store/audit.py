"""Who did what to which id, when, from where: rows that are only added, each bound to the one before it.

The database's triggers refuse to change a row (migration 0004).  Whoever takes the triggers away and rewrites
one row breaks the chain; whoever rewrites all of them is found out by an anchor that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, insert, or_, select, update

from phyassist.domain.clock import Clock
from phyassist.store.chat_tables import chat_threads
from phyassist.store.tables import audit, audit_head, consents, consultations, drafts, notes

_START = "sha256:" + "0" * 64
_VERIFY_ROWS = 5000
_encode = json.JSONEncoder(separators=(",", ":")).encode
# What happens many times a minute is written once in this time: by the same person, from the same place.
SELDOM = timedelta(minutes=15)


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
    REFUSED = "refused"
    CHANGED = "changed"
    DELETED = "deleted"
    ERASED = "erased"
    ORGANISED = "organised"
    ANALYSED = "analysed"
    ASKED = "asked"
    REGENERATED = "regenerated"
    DISCARDED = "discarded"
    SIGNED = "signed"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"
    EXPORTED = "exported"
    BACKED_UP = "backed up"
    RESTORED = "restored"
    MOVED = "moved"
    SENT_OUT = "sent out"
    REOPENED = "reopened"
    PRINTED = "printed"
    SEARCHED = "searched"
    CONSENT_GIVEN = "consent given"
    CONSENT_REFUSED = "consent refused"
    TRAINED = "trained"
    TRAINING_BEGUN = "training begun"
    TRAINING_STOPPED = "training stopped"
    WORKER_ADMITTED = "worker admitted"
    WORKER_REMOVED = "worker removed"
    GATHERED = "gathered to train"
    ADAPTER_USED = "adapter used"
    ADAPTER_WITHDRAWN = "adapter withdrawn"
    AUDIT_READ = "audit read"
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
    CHAT = "chat"
    FINGERPRINT = "fingerprint"
    PROCESS_NOTE = "process note"
    RETENTION = "retention"
    ADAPTER = "adapter"
    BACKUP = "backup"
    CONSENT = "consent"
    WORKER = "worker"
    DOCUMENT = "document"


_ACTS: dict[str, Act] = {act.value: act for act in Act}
_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """`act` and `kind` are plain text where a newer PhyAssist wrote them, or somebody tampered."""

    number: int
    at: datetime
    by_id: str
    act: Act | str
    kind: Kind | str
    row_id: str
    origin: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Empty fields leave nothing out; `since` and `until` bound the time, `before` is a row's number."""

    by_id: str = ""
    act: str = ""
    row_id: str = ""
    patient_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of the chain at some moment, to be printed or kept elsewhere."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """How many rows there are, and the first that does not fit the one before it (None: all fit).

    `fits_anchor` is None where none was given; False: the rows up to it are not those that it was made of.
    """

    rows: int
    first_broken: int | None
    fits_anchor: bool | None = None

    @property
    def is_whole(self) -> bool:
        return self.first_broken is None and self.fits_anchor is not False


class Audit:
    """`by_id` is empty before anyone has signed in."""

    def __init__(self, conn: Connection, clock: Clock, by_id: str = "", origin: str = "") -> None:
        self._conn = conn
        self._clock = clock
        self._by_id = by_id
        self._origin = origin
        self.written = 0
        self.last = Anchor(0, _START)

    def write(self, act: Act, kind: Kind, row_id: str, *, origin: str | None = None) -> None:
        """Add a row.  `origin` says from where: a web login, the command line; never an id of a person.

        Without one it is that of whoever has signed in.
        """
        # Updating the one head row first takes its lock, so that two writers cannot follow the same row.
        self._conn.execute(update(audit_head).values(number=audit_head.c.number + 1))
        head = self._conn.execute(select(audit_head)).one_or_none()
        if head is None:
            self._conn.execute(insert(audit_head).values(id=1, number=1, hash=_START))
        number, before = (1, _START) if head is None else (head.number, head.hash)
        at, origin = self._clock().astimezone(UTC), self._origin if origin is None else origin
        values = (number, at, self._by_id, Act(act).value, Kind(kind).value, row_id, origin)
        digest = _hash(before, *values)
        names = ("number", "at", "by_id", "act", "kind", "row_id", "origin")
        self._conn.execute(insert(audit).values(hash=digest, **dict(zip(names, values, strict=True))))
        self._conn.execute(update(audit_head).values(hash=digest))
        self.written += 1
        self.last = Anchor(number, digest)

    def holds(self, anchor: Anchor) -> bool:
        """Whether this very row stands in the audit: no two rows have one hash.

        It waits for whoever is writing: a commit whose connection was cut may still be under way.
        """
        self._conn.execute(select(audit_head.c.id).with_for_update())
        found = select(audit.c.hash).where(audit.c.number == anchor.number)
        return self._conn.execute(found).scalar_one_or_none() == anchor.hash

    def write_seldom(self, act: Act, kind: Kind, row_id: str) -> None:
        """Add a row, unless the same person did the same from the same place within `SELDOM`."""
        known = (
            select(audit.c.number)
            .where(
                audit.c.row_id == row_id,
                audit.c.act == act.value,
                audit.c.by_id == self._by_id,
                audit.c.origin == self._origin,
                audit.c.at > self._clock() - SELDOM,
            )
            .limit(1)
        )
        if self._conn.execute(known).first() is None:
            self.write(act, kind, row_id)

    def list(self, row_id: str | None = None, limit: int = 500) -> tuple[AuditRow, ...]:
        """The newest rows first, of one id or of all."""
        return self.find(AuditFilter(row_id=row_id or ""), limit)

    def find(self, wanted: AuditFilter, limit: int = 500) -> tuple[AuditRow, ...]:
        """The newest rows first that fit.  Of a patient: rows of the patient's notes and drafts as well."""
        query: Select[tuple[object, ...]] = select(audit).order_by(audit.c.number.desc()).limit(limit)
        return tuple(_read(row._mapping) for row in self._conn.execute(query.where(*_conditions(wanted))))

    def anchor(self) -> Anchor:
        """The end of the chain as it stands."""
        head = self._conn.execute(select(audit_head)).one_or_none()
        return Anchor(0, _START) if head is None else Anchor(head.number, head.hash)

    def verify(self, anchor: Anchor | None = None) -> AuditCheck:
        """Whether each row follows from the one before it, and the last is the last that was written.

        With an anchor, also whether its row still bears its hash.
        """
        before, rows = _START, 0
        fits = None if anchor is None else anchor.number == 0
        found = self._conn.execution_options(yield_per=_VERIFY_ROWS).execute(
            select(audit).order_by(audit.c.number)
        )
        for number, at, by_id, act, kind, row_id, origin, digest in found:
            rows += 1
            expected = _hash(before, number, at, by_id, act, kind, row_id, origin)
            if number != rows or not hmac.compare_digest(digest, expected):
                return AuditCheck(rows, number, fits)
            if anchor is not None and number == anchor.number:
                # What was typed from paper is the beginning of the hash.
                fits = hmac.compare_digest(digest[: len(anchor.hash)], anchor.hash)
            before = digest
        head = self._conn.execute(select(audit_head)).one_or_none()
        ends_well = rows == 0 if head is None else (head.number == rows and head.hash == before)
        return AuditCheck(rows, None if ends_well else rows + 1, fits)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (audit.c.by_id, wanted.by_id),
        (audit.c.act, wanted.act),
        (audit.c.row_id, wanted.row_id),
    ):
        if value:
            conditions.append(column == value)
    if wanted.patient_id:
        parts = [
            audit.c.row_id.in_(select(table.c.id).where(table.c.patient_id == wanted.patient_id))
            for table in (consultations, drafts, notes, consents, chat_threads)
        ]
        conditions.append(or_(audit.c.row_id == wanted.patient_id, *parts))
    if wanted.since is not None:
        conditions.append(audit.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(audit.c.at < wanted.until)
    if wanted.before is not None:
        conditions.append(audit.c.number < wanted.before)
    return conditions


def _read(row: RowMapping) -> AuditRow:
    act, kind = row["act"], row["kind"]
    return AuditRow(
        number=row["number"],
        at=row["at"],
        by_id=row["by_id"],
        act=_ACTS.get(act, act),
        kind=_KINDS.get(kind, kind),
        row_id=row["row_id"],
        origin=row["origin"],
        hash=row["hash"],
    )


def _hash(before: str, number: int, at: datetime, *rest: str) -> str:
    fields = _encode([before, number, at.isoformat(), *rest])
    return "sha256:" + hashlib.sha256(fields.encode()).hexdigest()
