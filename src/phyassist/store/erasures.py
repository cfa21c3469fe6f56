"""Receipts of erasures, and the backups that decide when one is complete.  Nothing here is sealed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from phyassist.domain.erasures import Backup, BackupId, Erasure, ErasureId
from phyassist.domain.people import PatientId
from phyassist.errors import NotFound
from phyassist.store.tables import backups, erasures


class Backups:
    """Which copies of the store were made.  The copies themselves lie wherever they were written to."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def add(self, backup: Backup) -> None:
        """Adding the same id again changes nothing."""
        known = select(backups.c.id).where(backups.c.id == backup.id)
        if self._conn.execute(known).first() is None:
            self._conn.execute(
                insert(backups).values(id=backup.id, made_at=backup.made_at, expires_at=backup.expires_at)
            )

    def list(self) -> tuple[Backup, ...]:
        """The newest first, expired ones too until they are removed."""
        return tuple(
            Backup(BackupId(row.id), row.made_at, row.expires_at)
            for row in self._conn.execute(select(backups).order_by(backups.c.made_at.desc(), backups.c.id))
        )

    def remove(self, backup_id: BackupId) -> None:
        """For a copy that was deleted; one that is not known is no error."""
        self._conn.execute(delete(backups).where(backups.c.id == backup_id))


class Erasures:
    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def add(self, erasure: Erasure) -> None:
        self._conn.execute(
            insert(erasures).values(
                id=erasure.id,
                erased_id=erasure.patient_id,
                by_id=erasure.by_id,
                at=erasure.at,
                keys=erasure.keys,
                adapters=erasure.adapters,
                marked=erasure.marked,
                cleaned_at=erasure.cleaned_at,
            )
        )

    def get(self, erasure_id: ErasureId) -> Erasure:
        """Raises NotFound."""
        for erasure in self._find(erasures.c.id == erasure_id):
            return erasure
        raise NotFound(f"no receipt {erasure_id}", hint="phyassist erasure receipts lists them")

    def list(self) -> tuple[Erasure, ...]:
        """The newest first."""
        return self._find()

    def holds(self, patient_id: PatientId) -> bool:
        """Whether this patient's file was erased."""
        return bool(self._find(erasures.c.erased_id == patient_id))

    def is_any_waiting(self) -> bool:
        """Whether a key that was erased may still lie in the database's own files."""
        waiting = select(erasures.c.id).where(erasures.c.cleaned_at.is_(None)).limit(1)
        return self._conn.execute(waiting).first() is not None

    def mark_cleaned(self, at: datetime) -> None:
        """The database's own files hold no copy any more of the keys that were erased up to `at`."""
        self._conn.execute(
            update(erasures).where(erasures.c.cleaned_at.is_(None), erasures.c.at <= at).values(cleaned_at=at)
        )

    def _find(self, *where: object) -> tuple[Erasure, ...]:
        query = select(erasures).order_by(erasures.c.at.desc(), erasures.c.id)
        return tuple(
            Erasure(
                ErasureId(row.id),
                PatientId(row.erased_id),
                row.by_id,
                row.at,
                row.keys,
                row.adapters,
                row.marked,
                row.cleaned_at,
            )
            for row in self._conn.execute(query.where(*where))  # type: ignore[arg-type]  # SQL conditions
        )
