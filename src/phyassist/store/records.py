"""A patient's record, version by version; each version is the whole of it."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from phyassist.domain.people import PatientId
from phyassist.domain.records import Record, RecordLine, RecordVersion
from phyassist.errors import NotFound
from phyassist.store.coding import pack_lines, unpack_lines
from phyassist.store.desk import Desk
from phyassist.store.faults import changed_meanwhile
from phyassist.store.tables import patients, record_versions
from phyassist.vault.sealing import Place


class Records:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get(self, patient_id: PatientId) -> Record:
        """The newest version; an empty one, version 0, where nothing was organised yet."""
        keys = self._desk.keys_of(patient_id)
        newest = (record_versions.c.patient_id == patients.c.id) & (
            record_versions.c.version == patients.c.record_version
        )
        version, sealed = self._desk.conn.execute(
            select(patients.c.record_version, record_versions.c.lines_sealed)
            .outerjoin(record_versions, newest)
            .where(patients.c.id == patient_id)
        ).one()
        if not version:
            return Record()
        if sealed is None:
            raise _no_version(patient_id, version)
        return Record(unpack_lines(keys.open_sealed(sealed, _place(patient_id, version))), version)

    def get_version(self, patient_id: PatientId, version: int) -> Record:
        """Raises NotFound, NotYourPatient, CannotOpen."""
        keys = self._desk.keys_of(patient_id)
        sealed = self._desk.conn.execute(
            select(record_versions.c.lines_sealed).where(
                record_versions.c.patient_id == patient_id, record_versions.c.version == version
            )
        ).scalar_one_or_none()
        if sealed is None:
            raise _no_version(patient_id, version)
        return Record(unpack_lines(keys.open_sealed(sealed, _place(patient_id, version))), version)

    def save(self, patient_id: PatientId, lines: tuple[RecordLine, ...], *, after: int) -> Record:
        """The record, one version on.

        Raises ChangedMeanwhile unless `after` is the newest version; the same lines twice are no change.
        """
        desk, version = self._desk, after + 1
        keys = desk.keys_of(patient_id)
        if self._version(patient_id) == version:
            stored = self.get_version(patient_id, version)
            if stored.lines == lines:
                return stored
        done = desk.conn.execute(
            update(patients)
            .where(patients.c.id == patient_id, patients.c.record_version == after)
            .values(record_version=version)
        )
        if done.rowcount != 1:
            raise changed_meanwhile("record of patient", patient_id)
        desk.conn.execute(
            insert(record_versions).values(
                patient_id=patient_id,
                version=version,
                at=desk.clock(),
                lines_sealed=keys.seal(pack_lines(lines), _place(patient_id, version)),
            )
        )
        return Record(lines, version)

    def versions(self, patient_id: PatientId) -> tuple[RecordVersion, ...]:
        """The record's history, oldest first; `get_version` opens one."""
        self._desk.keys_of(patient_id)
        rows = self._desk.conn.execute(
            select(record_versions.c.version, record_versions.c.at)
            .where(record_versions.c.patient_id == patient_id)
            .order_by(record_versions.c.version)
        )
        return tuple(RecordVersion(row.version, row.at) for row in rows)

    def _version(self, patient_id: PatientId) -> int:
        found = self._desk.conn.execute(select(patients.c.record_version).where(patients.c.id == patient_id))
        return int(found.scalar_one())


def _no_version(patient_id: PatientId, version: int) -> NotFound:
    return NotFound(f"the record of {patient_id} has no version {version}", hint="look at its history")


def _place(patient_id: PatientId, version: int) -> Place:
    return Place("record_versions", patient_id, "lines", version)
