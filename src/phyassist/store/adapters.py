"""Adapters: their cards.  Training fills this table; the choice among the cards is `domain.adapters`' own."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, insert, select, update

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterState
from phyassist.domain.people import PatientId
from phyassist.store.desk import Desk
from phyassist.store.tables import adapter_sources, adapters


class Adapters:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def cards(self) -> tuple[AdapterCard, ...]:
        """Cards of the practice's own adapters and of those of patients whom this counsellor may open."""
        self._desk.open_all()
        rows = self._desk.conn.execute(select(adapters).order_by(adapters.c.trained_at, adapters.c.id))
        return tuple(
            AdapterCard(
                AdapterId(row.id),
                row.base_sha256,
                None if row.patient_id is None else PatientId(row.patient_id),
                row.trained_at,
                AdapterState(row.state),
            )
            for row in rows
            if row.patient_id is None or row.patient_id in self._desk.opened
        )

    def record_sources(self, adapter_id: AdapterId, patient_ids: Iterable[PatientId]) -> None:
        """The ledger: from whose notes an adapter learnt.  Recording the same again changes nothing."""
        conn = self._desk.conn
        known = set(
            conn.execute(
                select(adapter_sources.c.patient_id).where(adapter_sources.c.adapter_id == adapter_id)
            ).scalars()
        )
        rows = [{"adapter_id": adapter_id, "patient_id": each} for each in set(patient_ids) - known]
        if rows:
            conn.execute(insert(adapter_sources), rows)

    def count_of(self, patient_id: PatientId) -> int:
        """How many adapters are this patient's own."""
        own = select(func.count()).select_from(adapters).where(adapters.c.patient_id == patient_id)
        return self._desk.conn.execute(own).scalar_one()

    def mark_to_retrain(self, patient_id: PatientId) -> int:
        """Mark the shared adapters that learnt from a patient; how many there are.

        What one has learnt cannot be taken out of it again: it has to be trained anew without that patient.
        """
        learnt = select(adapter_sources.c.adapter_id).where(adapter_sources.c.patient_id == patient_id)
        marked = self._desk.conn.execute(
            update(adapters)
            .where(adapters.c.patient_id.is_distinct_from(patient_id), adapters.c.id.in_(learnt))
            .values(retrain_since=func.coalesce(adapters.c.retrain_since, self._desk.clock()))
        )
        return marked.rowcount

    def list_to_retrain(self) -> tuple[AdapterId, ...]:
        """The adapters that learnt from somebody who has been erased since."""
        query = select(adapters.c.id).where(adapters.c.retrain_since.is_not(None)).order_by(adapters.c.id)
        return tuple(AdapterId(each) for each in self._desk.conn.execute(query).scalars())
