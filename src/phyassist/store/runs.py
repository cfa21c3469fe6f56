"""Which runs are going on, in whichever process: what lets another one show and stop them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from phyassist.domain.clock import Clock
from phyassist.domain.people import CounsellorId, PatientId
from phyassist.domain.runs import LEASE, ModelRun, RunKind
from phyassist.store.tables import runs


class Runs:
    def __init__(self, conn: Connection, clock: Clock) -> None:
        self._conn = conn
        self._clock = clock

    def begin(self, run: ModelRun) -> bool:
        """Whether the run may go on: False while another process writes the same.

        One whose process died is taken over.  Two at once: one of them gets ChangedMeanwhile at the commit.
        """
        there, now = self.find(run.id), self._clock()
        broken_off = delete(runs).where(runs.c.patient_id == run.patient_id, runs.c.beat_at <= now - LEASE)
        if there is not None:
            if there.owner_id != run.owner_id and there.is_alive(now):
                return False
            taken = delete(runs).where(runs.c.id == run.id, runs.c.beat_at == there.beat_at)
            if self._conn.execute(taken).rowcount != 1:
                return False
        self._conn.execute(broken_off)
        self._conn.execute(
            insert(runs).values(
                id=run.id,
                patient_id=run.patient_id,
                kind=run.kind.value,
                owner_id=run.owner_id,
                by_id=run.by_id,
                started_at=run.started_at,
                beat_at=run.beat_at,
                stop_wanted=False,
            )
        )
        return True

    def find(self, run_id: str) -> ModelRun | None:
        row = self._conn.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        if row is None:
            return None
        return ModelRun(
            row.id,
            None if row.patient_id is None else PatientId(row.patient_id),
            RunKind(row.kind),
            row.owner_id,
            CounsellorId(row.by_id),
            row.started_at,
            row.beat_at,
            row.stop_wanted,
        )

    def beat(self, owner_id: str) -> None:
        """All runs of this process are alive."""
        self._conn.execute(update(runs).where(runs.c.owner_id == owner_id).values(beat_at=self._clock()))

    def list_unwanted(self, owner_id: str) -> tuple[str, ...]:
        """Runs of this process that somebody wants stopped."""
        wanted = select(runs.c.id).where(runs.c.owner_id == owner_id, runs.c.stop_wanted.is_(True))
        return tuple(self._conn.execute(wanted).scalars())

    def want_stop(self, run_id: str) -> None:
        self._conn.execute(update(runs).where(runs.c.id == run_id).values(stop_wanted=True))

    def end(self, run_ids: Iterable[str], owner_id: str) -> None:
        """Take away runs that are over; one that another process has taken up meanwhile is left alone."""
        self._conn.execute(delete(runs).where(runs.c.id.in_(list(run_ids)), runs.c.owner_id == owner_id))
