"""Adapters: their cards and keys.  The choice among the cards is `domain.adapters`' own.

The key of an adapter is sealed under its owner's: the patient's data key, the counsellor's own key, or, for
what everybody here may use, the practice's.  It goes with its row, and with the key of a patient.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, select, update

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterKind, AdapterState
from phyassist.domain.people import PatientId
from phyassist.errors import CannotOpen, NotFound
from phyassist.store.adapter_coding import pack_adapter, unpack_adapter
from phyassist.store.adapter_files import AdapterFiles, card_place, key_place, read_bare
from phyassist.store.desk import Desk
from phyassist.store.tables import adapter_sources, adapters
from phyassist.vault.sealing import DataKey, DataKeys
from phyassist.vault.secrets import Secret


class Adapters:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def files(self) -> AdapterFiles:
        """Chunks and progress, for who holds an adapter's key."""
        return AdapterFiles(self._desk.conn)

    def begin(self, card: AdapterCard, patient_ids: Iterable[PatientId]) -> DataKey:
        """The new adapter's own key; its row says that it is in training, and the ledger from whom it learns.

        It is numbered after the last of its owner.  Raises NotFound, NotYourPatient, ReadOnly.
        """
        desk, key = self._desk, DataKey.make()
        if card.patient_id is not None:
            desk.hold(card.patient_id)
        last = desk.conn.execute(select(func.max(adapters.c.number)).where(self._of_owner(card))).scalar_one()
        desk.conn.execute(
            insert(adapters).values(
                id=card.id,
                patient_id=card.patient_id,
                kind=card.kind.value,
                owner_id=card.owner_id,
                number=(last or 0) + 1,
                parent_id=card.parent_id,
                base_sha256=card.base_sha256,
                state=AdapterState.TRAINING.value,
                trained_at=card.trained_at,
                key_sealed=self._seal_key(card, key),
                card_sealed=key.seal(pack_adapter(card), card_place(card.id)),
            )
        )
        self.record_sources(card.id, patient_ids)
        return key

    def cards(self) -> tuple[AdapterCard, ...]:
        """Cards of one's own adapters, of the practice's, and of those of patients whom one may open.

        One that was tampered with is left out: it must not keep all others from answering.
        """
        self._desk.open_all()
        rows = self._desk.conn.execute(select(adapters).order_by(adapters.c.trained_at, adapters.c.id))
        found: list[AdapterCard] = []
        for row in rows.mappings():
            if self._is_mine(row):
                try:
                    found.append(self._read(row))
                except CannotOpen:
                    continue
        return tuple(found)

    def get(self, adapter_id: AdapterId) -> AdapterCard:
        """Raises NotFound, also for somebody else's; CannotOpen."""
        return self._read(self._row(adapter_id))

    def key_of(self, adapter_id: AdapterId) -> DataKey:
        """The key under which its files lie.  Raises NotFound, NotYourPatient, CannotOpen."""
        row = self._row(adapter_id)
        if row["key_sealed"] is None:
            raise NotFound(f"adapter {adapter_id} has no files", hint="train it anew")
        return self._open_key(row)

    def set_state(self, adapter_id: AdapterId, state: AdapterState) -> None:
        """Accepted from now on, kept, or withdrawn.  Raises NotFound."""
        self._row(adapter_id)
        values: dict[str, object] = {"state": state.value}
        if state == AdapterState.ACCEPTED:
            values["in_use_since"] = self._desk.clock()
        self._desk.conn.execute(update(adapters).where(adapters.c.id == adapter_id).values(values))

    def delete(self, adapter_id: AdapterId) -> None:
        """The adapter with its key, its files and its card.  Raises NotFound."""
        self._row(adapter_id)
        self._desk.conn.execute(delete(adapters).where(adapters.c.id == adapter_id))

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

    def sources(self, adapter_id: AdapterId) -> tuple[PatientId, ...]:
        """From whose notes it learnt, also of those whom one may not open."""
        query = select(adapter_sources.c.patient_id).where(adapter_sources.c.adapter_id == adapter_id)
        return tuple(PatientId(each) for each in self._desk.conn.execute(query).scalars())

    def count_of(self, patient_id: PatientId) -> int:
        """How many adapters are this patient's own."""
        return self._count(adapters.c.patient_id == patient_id)

    def count_all(self) -> int:
        """How many adapters the practice keeps, everybody's together."""
        return self._count(adapters.c.id.is_not(None))

    def list_in_training(self, patient_id: PatientId, *, shared: bool | None = None) -> tuple[AdapterId, ...]:
        """What is learning from a patient just now: the patient's own, what answers for others too, or both.

        Another patient's own may be among the others: an assistant that several share was merged into it.
        """
        query = (
            select(adapters.c.id)
            .join(adapter_sources, adapter_sources.c.adapter_id == adapters.c.id)
            .where(
                adapter_sources.c.patient_id == patient_id,
                adapters.c.state == AdapterState.TRAINING.value,
            )
            .order_by(adapters.c.id)
        )
        if shared is not None:
            others = adapters.c.patient_id.is_distinct_from(patient_id)
            query = query.where(others if shared else adapters.c.patient_id == patient_id)
        return tuple(AdapterId(each) for each in self._desk.conn.execute(query).scalars())

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

    def _count(self, where: ColumnElement[bool]) -> int:
        return int(
            self._desk.conn.execute(select(func.count()).select_from(adapters).where(where)).scalar_one()
        )

    def _of_owner(self, card: AdapterCard) -> ColumnElement[bool]:
        same = adapters.c.kind == card.kind.value
        if card.kind == AdapterKind.PATIENT:
            return and_(same, adapters.c.patient_id == card.patient_id)
        if card.kind == AdapterKind.COUNSELLOR:
            return and_(same, adapters.c.owner_id == card.owner_id)
        return same

    def _is_mine(self, row: RowMapping) -> bool:
        if row["patient_id"] is not None:
            return PatientId(row["patient_id"]) in self._desk.opened
        is_own = row["kind"] == AdapterKind.COUNSELLOR.value
        return not is_own or bool(row["owner_id"] == self._desk.by.id)

    def _row(self, adapter_id: AdapterId) -> RowMapping:
        row = self._desk.conn.execute(select(adapters).where(adapters.c.id == adapter_id)).mappings().first()
        if row is not None and row["patient_id"] is not None:
            self._desk.keys_of(PatientId(row["patient_id"]))
        if row is None or not self._is_mine(row):
            raise NotFound(f"no adapter {adapter_id}", hint="look at the list of adapters")
        return row

    def _seal_key(self, card: AdapterCard, key: DataKey) -> bytes:
        desk, place, raw = self._desk, key_place(card.id), key.raw().reveal()
        if card.patient_id is not None:
            return desk.keys_of(card.patient_id).seal(raw, place)
        if card.kind == AdapterKind.COUNSELLOR:
            return desk.by.keyring.own.seal(raw, place)
        return desk.directory.practice.newest.seal(raw, place)

    def _open_key(self, row: RowMapping) -> DataKey:
        desk, place = self._desk, key_place(AdapterId(row["id"]))
        opener: DataKey | DataKeys
        if row["patient_id"] is not None:
            patient_id = PatientId(row["patient_id"])
            # To look through all cards is not to open everybody's file: the audit tells the two apart.
            opener = desk.opened.get(patient_id) or desk.keys_of(patient_id)
        elif row["kind"] == AdapterKind.COUNSELLOR.value:
            opener = desk.by.keyring.own
        else:
            opener = desk.directory.practice.keys
        return DataKey(Secret(opener.open_sealed(bytes(row["key_sealed"]), place)))

    def _read(self, row: RowMapping) -> AdapterCard:
        bare = read_bare(row)
        if row["key_sealed"] is None:
            return bare
        key = self._open_key(row)
        return unpack_adapter(key.open_sealed(bytes(row["card_sealed"]), card_place(bare.id)), bare)


def of_practice() -> ColumnElement[bool]:
    """Adapters whose key lies under the practice's."""
    everybodys = [
        kind.value for kind in AdapterKind if kind not in {AdapterKind.PATIENT, AdapterKind.COUNSELLOR}
    ]
    return and_(adapters.c.kind.in_(everybodys), adapters.c.key_sealed.is_not(None))
