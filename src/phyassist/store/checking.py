"""Looking a whole store through: what the database says of itself, what refers to what, what is sealed.

Nothing is changed.  A finding names a table and a row, never what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, RowMapping, Table, func, inspect, select

from phyassist.domain.clock import utc_now
from phyassist.errors import CannotOpen
from phyassist.store.audit import Audit
from phyassist.store.chat_tables import chat_messages, chat_threads
from phyassist.store.fingerprints import list_unanchored, make_fingerprint
from phyassist.store.library import PRACTICE_OWNER
from phyassist.store.opening import SCHEMA, find_schema
from phyassist.store.people import SignedIn
from phyassist.store.tables import (
    adapters,
    amendments,
    counsellors,
    data_keys,
    draft_versions,
    drafts,
    key_wraps,
    library_documents,
    metadata,
    notes,
    withdrawn_notes,
)
from phyassist.store.wraps import RECOVERY_HOLDER, wrap_place
from phyassist.vault.keyring import WRAP_FORMAT
from phyassist.vault.sealing import DataKeys, Place, term_of

_ROWS_AT_ONCE = 200
_HEAD_BYTES = 64
_KEPT_BYTES, _GIVEN_BYTES = 65, 81


class Part(StrEnum):
    """What a finding is about."""

    SCHEMA = "schema"
    FILE = "file"
    REFERENCE = "reference"
    SEAL = "seal"
    KEY = "key"
    AUDIT = "audit"
    FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Finding:
    part: Part
    table: str
    row_id: str
    said: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what is wrong.  `opened` counts the values that somebody's keys opened."""

    schema: str
    engine: str
    rows: Mapping[str, int]
    sealed: int
    opened: int
    patients_opened: int
    patients_closed: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed values under the patient's key: its place, and how a row leads to its patient."""

    column: Column[bytes]
    place: Callable[[RowMapping], Place]
    patient: Column[str]
    parent: Table | None = None


# Where each value lives is decided for ever: it is bound into what was sealed (decision 2).
UNDER_PATIENT_KEYS = (
    Sealed(
        metadata.tables["patients"].c.card_sealed,
        lambda row: Place("patients", row["id"], "card", row["version"]),
        metadata.tables["patients"].c.id,
    ),
    Sealed(
        metadata.tables["consultations"].c.question_sealed,
        lambda row: Place("consultations", row["id"], "question", row["version"]),
        metadata.tables["consultations"].c.patient_id,
    ),
    Sealed(
        metadata.tables["consultations"].c.source_sealed,
        lambda row: Place("sources", row["source_id"], "text", row["source_version"]),
        metadata.tables["consultations"].c.patient_id,
    ),
    Sealed(
        metadata.tables["record_versions"].c.lines_sealed,
        lambda row: Place("record_versions", row["patient_id"], "lines", row["version"]),
        metadata.tables["record_versions"].c.patient_id,
    ),
    Sealed(drafts.c.partial_sealed, lambda row: Place("drafts", row["id"], "partial"), drafts.c.patient_id),
    Sealed(
        draft_versions.c.draft_sealed,
        lambda row: Place("draft_versions", row["draft_id"], "draft", row["version"]),
        drafts.c.patient_id,
        drafts,
    ),
    Sealed(notes.c.note_sealed, lambda row: Place("notes", row["id"], "note"), notes.c.patient_id),
    Sealed(
        amendments.c.amendment_sealed,
        lambda row: Place("amendments", row["note_id"], "amendment", row["number"]),
        notes.c.patient_id,
        notes,
    ),
    Sealed(
        withdrawn_notes.c.note_sealed,
        lambda row: Place("notes", row["id"], "note"),
        withdrawn_notes.c.patient_id,
    ),
    Sealed(
        withdrawn_notes.c.withdrawal_sealed,
        lambda row: Place("withdrawn_notes", row["id"], "withdrawal"),
        withdrawn_notes.c.patient_id,
    ),
    Sealed(
        metadata.tables["consents"].c.consent_sealed,
        lambda row: Place("consents", row["id"], "consent", row["number"]),
        metadata.tables["consents"].c.patient_id,
    ),
    Sealed(adapters.c.key_sealed, lambda row: Place("adapters", row["id"], "key"), adapters.c.patient_id),
    Sealed(
        chat_messages.c.message_sealed,
        lambda row: Place("chat_messages", row["id"], "message", row["version"]),
        chat_threads.c.patient_id,
        chat_threads,
    ),
)
# References that no foreign key holds: (column, the table it names, values that name no row).
SOFT_REFERENCES: tuple[tuple[Column[str], Table, tuple[str, ...]], ...] = (
    (key_wraps.c.holder_id, counsellors, (RECOVERY_HOLDER,)),
    (drafts.c.consultation_id, metadata.tables["consultations"], ()),
    (notes.c.consultation_id, metadata.tables["consultations"], ()),
    (notes.c.author_id, counsellors, ()),
    (adapters.c.owner_id, counsellors, ()),
    (library_documents.c.owner_id, counsellors, (PRACTICE_OWNER,)),
)


def check_rows(conn: Connection, by: SignedIn | None = None) -> Checked:
    """The whole store in one transaction; with somebody signed in, every value that their keys open.

    Raises StoreUnusable for another program's database.
    """
    schema, engine = find_schema(conn), conn.dialect.name
    findings = list(_check_schema(conn, schema))
    if findings:
        return Checked(schema, engine, {}, 0, 0, 0, 0, tuple(findings))
    look = _Look(conn, by, findings)
    findings += _check_file(conn)
    findings += _check_references(conn)
    look.check_wraps()
    for each in UNDER_PATIENT_KEYS:
        look.check_values(each)
    look.check_other_seals()
    audit = Audit(conn, utc_now).verify()
    if audit.first_broken is not None:
        said = "the audit's chain does not fit from here on"
        findings.append(Finding(Part.AUDIT, "audit", str(audit.first_broken), said))
    for note_id in list_unanchored(conn):
        said = "its fingerprint is not the one that the audit log holds"
        findings.append(Finding(Part.FINGERPRINT, "notes", note_id, said))
    rows = {
        each.name: conn.execute(select(func.count()).select_from(each)).scalar_one()
        for each in metadata.sorted_tables
    }
    closed = rows["patients"] - len(look.keys)
    return Checked(schema, engine, rows, look.sealed, look.opened, len(look.keys), closed, tuple(findings))


def _check_schema(conn: Connection, schema: str) -> Iterator[Finding]:
    if schema != SCHEMA:
        said = f"the schema is {schema or 'missing'} and not {SCHEMA}: run phyassist store migrate"
        yield Finding(Part.SCHEMA, "", "", said)
        return
    found = inspect(conn)
    there = set(found.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            yield Finding(Part.SCHEMA, table.name, "", "the table is missing")
            continue
        columns = {each["name"] for each in found.get_columns(table.name)}
        for name in sorted(set(table.c.keys()) - columns):
            yield Finding(Part.SCHEMA, table.name, "", f"the column {name} is missing")


def _check_file(conn: Connection) -> Iterator[Finding]:
    """SQLite's own look at its pages; a server looks after its own."""
    if conn.dialect.name != "sqlite":
        return
    said = [row[0] for row in conn.exec_driver_sql("PRAGMA integrity_check(20)")]
    if said != ["ok"]:
        yield Finding(Part.FILE, "", "", f"the file is damaged in {len(said)} places or more")


def _check_references(conn: Connection) -> Iterator[Finding]:
    """Rows that name another one which is not there."""
    hard = [
        (key.parent, key.column.table, ()) for table in metadata.sorted_tables for key in table.foreign_keys
    ]
    for column, target, but in (*hard, *SOFT_REFERENCES):
        table = column.table
        query = select(*table.primary_key).where(
            column.is_not(None),
            column.not_in(but),
            ~select(target.c.id).where(target.c.id == column).exists(),
        )
        for row in conn.execute(query):
            said = f"its {column.name} names no row of {target.name}"
            yield Finding(Part.REFERENCE, table.name, _name(row), said)


class _Look:
    """Counts what is sealed, and opens what it has keys for."""

    def __init__(self, conn: Connection, by: SignedIn | None, findings: list[Finding]) -> None:
        self._conn, self._by, self._findings = conn, by, findings
        self.keys: dict[str, DataKeys] = {}
        self.sealed = self.opened = 0
        self._terms: dict[str, set[int]] = {}
        for row in conn.execute(select(data_keys.c.patient_id, data_keys.c.term)):
            if row.patient_id is not None:
                self._terms.setdefault(row.patient_id, set()).add(row.term)

    def check_wraps(self) -> None:
        """Every wrapped key's form; those of the signed-in counsellor are opened and kept for the values."""
        by_patient: dict[str, dict[int, Any]] = {}
        columns = (data_keys.c.patient_id, data_keys.c.term)
        query = select(key_wraps, *columns).join(data_keys, data_keys.c.id == key_wraps.c.key_id)
        for row in self._conn.execute(query):
            self.sealed += 1
            name = f"{row.key_id}/{row.holder_id}"
            if not _is_wrapped_key(row.wrapped):
                self._find(Part.KEY, "key_wraps", name, "it is no wrapped key")
            elif self._by is not None and row.holder_id == self._by.id:
                try:
                    key = self._by.keyring.open_key(
                        row.wrapped, wrap_place(row.key_id, self._by.id, row.term)
                    )
                except CannotOpen:
                    self._find(Part.KEY, "key_wraps", name, "the wrapped key does not open")
                    continue
                self.opened += 1
                if row.patient_id is not None:
                    by_patient.setdefault(row.patient_id, {})[row.term] = key
        self.keys = {patient_id: DataKeys(by_term) for patient_id, by_term in by_patient.items()}
        held = {row[0] for row in self._conn.execute(select(key_wraps.c.key_id))}
        for row in self._conn.execute(select(data_keys.c.id)):
            if row.id not in held:
                self._find(Part.KEY, "data_keys", row.id, "nobody holds this key")

    def check_values(self, of: Sealed) -> None:
        """Every value of a column: its head, its key's term, and what it holds where there is a key."""
        table, patient = of.column.table, of.patient.label("whose")
        query = select(table, patient).where(of.column.is_not(None))
        if of.parent is not None:
            query = query.join(of.parent)
        for row in self._conn.execute(query.execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE)):
            self.sealed += 1
            values, sealed = row._mapping, getattr(row, of.column.name)
            name, place = "/".join(str(values[key.name]) for key in table.primary_key), of.place(values)
            try:
                term = term_of(sealed, place)
            except CannotOpen:
                self._find(Part.SEAL, table.name, name, f"its {of.column.name} is no sealed value")
                continue
            if row.whose is None:
                # Under the key of a counsellor or of the practice only the form is seen.
                continue
            if term not in self._terms.get(row.whose, set()):
                self._find(Part.KEY, table.name, name, f"its {of.column.name} names a key that is not there")
            elif row.whose in self.keys:
                self._open(of, values, sealed, place, name)

    def check_other_seals(self) -> None:
        """The form of what lies under other keys than a patient's."""
        known = {(each.column.table.name, each.column.name) for each in UNDER_PATIENT_KEYS}
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, LargeBinary) and (table.name, column.name) not in known:
                    self._check_form(table, column)

    def _check_form(self, table: Table, column: Column[bytes]) -> None:
        is_key = column.name.startswith("wrapped_")
        if not (is_key or column.name.endswith("_sealed")):
            return
        # The beginning tells a sealed value from another; a file's chunk is a megabyte long.
        value = column if is_key else func.substr(column, 1, _HEAD_BYTES)
        query = select(*table.primary_key, value.label("value")).where(column.is_not(None))
        for row in self._conn.execute(query):
            self.sealed += 1
            name = "/".join(str(part) for part in row[:-1])
            if not (_is_wrapped_key(row.value) if is_key else _is_sealed(row.value)):
                said = f"its {column.name} is no {'wrapped key' if is_key else 'sealed value'}"
                self._find(Part.KEY if is_key else Part.SEAL, table.name, name, said)

    def _open(self, of: Sealed, row: RowMapping, sealed: bytes, place: Place, name: str) -> None:
        table = of.column.table.name
        try:
            value = self.keys[row["whose"]].open_sealed(sealed, place)
        except CannotOpen:
            self._find(Part.SEAL, table, name, f"its {of.column.name} does not open")
            return
        self.opened += 1
        fixed = row["fingerprint"] if of.column.name == notes.c.note_sealed.name else None
        if fixed is not None and fixed != make_fingerprint(row, value):
            self._find(Part.FINGERPRINT, table, name, "it is not what was signed")

    def _find(self, part: Part, table: str, row_id: str, said: str) -> None:
        self._findings.append(Finding(part, table, row_id, said))


def _is_wrapped_key(wrapped: bytes) -> bool:
    given = len(wrapped) == _GIVEN_BYTES and wrapped[0] == WRAP_FORMAT
    return given or (len(wrapped) == _KEPT_BYTES and _is_sealed(wrapped))


def _is_sealed(sealed: bytes) -> bool:
    try:
        term_of(sealed, Place("", "", ""))
    except CannotOpen:
        return False
    return True


def _name(row: Any) -> str:
    return "/".join(str(part) for part in row)
