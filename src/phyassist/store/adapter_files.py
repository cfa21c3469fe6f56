"""What lies under an adapter's own key: its files in sealed chunks, its card, the progress of its run.

Each adapter has a key of its own, made when its run begins.  A worker is given that key and no other: it can
write what it trains, and opens nothing else of the store with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from phyassist.domain.adapters import AdapterCard, AdapterFile, AdapterId, AdapterKind, AdapterState
from phyassist.domain.learning import RunProgress
from phyassist.domain.people import CounsellorId, PatientId
from phyassist.errors import NotFound
from phyassist.store.adapter_coding import pack_adapter, pack_progress, unpack_progress
from phyassist.store.tables import adapter_chunks, adapters
from phyassist.vault.sealing import DataKey, Place

CHUNK_BYTES = 1 << 20


class AdapterFiles:
    """For a holder of an adapter's key: a worker, or whoever `Adapters.key_of` gave it to."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def save(self, adapter_id: AdapterId, key: DataKey, name: str, data: bytes) -> AdapterFile:
        """The file, sealed chunk by chunk, in the place of any of that name.

        Raises NotFound where the adapter is gone: its patient was erased, or its run was broken off.
        """
        self._check_known(adapter_id)
        self.drop(adapter_id, name)
        starts = range(0, max(len(data), 1), CHUNK_BYTES)
        for number, start in enumerate(starts, 1):
            place = chunk_place(adapter_id, name, number, is_last=number == len(starts))
            sealed = key.seal(data[start : start + CHUNK_BYTES], place)
            row = {"adapter_id": adapter_id, "file": name, "number": number, "bytes_sealed": sealed}
            self._conn.execute(insert(adapter_chunks), row)
        return AdapterFile(name, len(data), hashlib.sha256(data).hexdigest())

    def read(self, adapter_id: AdapterId, key: DataKey, name: str) -> Iterator[bytes]:
        """The file's bytes, a chunk at a time: who writes them on need not hold them all.

        Raises NotFound where there is no such file, CannotOpen where a chunk was changed or is missing.
        """
        of_file = (adapter_chunks.c.adapter_id == adapter_id, adapter_chunks.c.file == name)
        count = self._conn.execute(select(func.count()).where(*of_file)).scalar_one()
        if not count:
            raise NotFound(f"adapter {adapter_id} has no file {name}", hint="train it anew")
        for number in range(1, count + 1):
            sealed = self._conn.execute(
                select(adapter_chunks.c.bytes_sealed).where(*of_file, adapter_chunks.c.number == number)
            ).scalar_one_or_none()
            # The last chunk has a place of its own: a file that lost its end does not open.
            place = chunk_place(adapter_id, name, number, is_last=number == count)
            yield key.open_sealed(bytes(sealed or b""), place)

    def drop(self, adapter_id: AdapterId, name: str) -> None:
        """A file that is not there is no error."""
        of_file = (adapter_chunks.c.adapter_id == adapter_id) & (adapter_chunks.c.file == name)
        self._conn.execute(delete(adapter_chunks).where(of_file))

    def list(self, adapter_id: AdapterId) -> tuple[str, ...]:
        """The names of an adapter's files."""
        names = select(adapter_chunks.c.file).where(adapter_chunks.c.adapter_id == adapter_id).distinct()
        return tuple(sorted(self._conn.execute(names).scalars()))

    def save_progress(self, adapter_id: AdapterId, key: DataKey, progress: RunProgress) -> None:
        """How far its run is, in the place of what was said before."""
        sealed = key.seal(pack_progress(progress), progress_place(adapter_id))
        self._conn.execute(update(adapters).where(adapters.c.id == adapter_id).values(progress_sealed=sealed))

    def find_progress(self, adapter_id: AdapterId, key: DataKey) -> RunProgress | None:
        """What its run said last, also when it is over; None before it said anything.  Raises CannotOpen."""
        query = select(adapters.c.progress_sealed).where(adapters.c.id == adapter_id)
        sealed = self._conn.execute(query).scalar_one_or_none()
        if sealed is None:
            return None
        return unpack_progress(key.open_sealed(bytes(sealed), progress_place(adapter_id)))

    def finish(self, card: AdapterCard, key: DataKey) -> bool:
        """Whether its run was still wanted; the card then says all that is known, and it may be chosen."""
        done = self._conn.execute(
            update(adapters)
            .where(adapters.c.id == card.id, adapters.c.state == AdapterState.TRAINING.value)
            .values(
                state=card.state.value,
                base_sha256=card.base_sha256,
                trained_at=card.trained_at,
                in_use_since=card.in_use_since,
                card_sealed=key.seal(pack_adapter(card), card_place(card.id)),
            )
        )
        return done.rowcount == 1

    def break_off(self, adapter_id: AdapterId) -> None:
        """All that a run that is not over has brought is destroyed, its key with it."""
        self._conn.execute(
            delete(adapters).where(
                adapters.c.id == adapter_id, adapters.c.state == AdapterState.TRAINING.value
            )
        )

    def _check_known(self, adapter_id: AdapterId) -> None:
        if self._conn.execute(select(adapters.c.id).where(adapters.c.id == adapter_id)).first() is None:
            raise NotFound(f"no adapter {adapter_id}", hint="it was deleted, or its run was broken off")


def key_place(adapter_id: AdapterId) -> Place:
    return Place("adapters", adapter_id, "key")


def card_place(adapter_id: AdapterId) -> Place:
    return Place("adapters", adapter_id, "card")


def progress_place(adapter_id: AdapterId) -> Place:
    return Place("adapters", adapter_id, "progress")


def chunk_place(adapter_id: AdapterId, name: str, number: int, *, is_last: bool) -> Place:
    return Place("adapter_chunks", f"{adapter_id}/{name}", "end" if is_last else "bytes", number)


def read_bare(row: RowMapping) -> AdapterCard:
    """A card with only what stands in columns."""
    return AdapterCard(
        id=AdapterId(row["id"]),
        base_sha256=row["base_sha256"],
        patient_id=None if row["patient_id"] is None else PatientId(row["patient_id"]),
        trained_at=row["trained_at"],
        state=AdapterState(row["state"]),
        kind=AdapterKind(row["kind"]),
        owner_id=None if row["owner_id"] is None else CounsellorId(row["owner_id"]),
        number=row["number"],
        parent_id=None if row["parent_id"] is None else AdapterId(row["parent_id"]),
        in_use_since=row["in_use_since"],
        retrain_since=row["retrain_since"],
    )
