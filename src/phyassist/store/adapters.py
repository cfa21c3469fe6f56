"""Adapters: their cards.  Training fills this table; the choice among the cards is `domain.adapters`' own."""

from __future__ import annotations

from sqlalchemy import select

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterState
from phyassist.domain.people import PatientId
from phyassist.store.desk import Desk
from phyassist.store.tables import adapters


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
