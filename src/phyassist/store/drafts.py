"""Drafts: every version kept whole, and the text that the model is still writing beside them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import RowMapping, delete, insert, select, update

from phyassist.domain.drafts import Change, Draft, DraftId, DraftState, DraftVersion, ItemId
from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotFound
from phyassist.store.coding import pack_draft, pack_text, unpack_draft, unpack_text
from phyassist.store.desk import Desk
from phyassist.store.faults import changed_meanwhile
from phyassist.store.tables import draft_versions, drafts
from phyassist.vault.sealing import DataKeys, Place


class Drafts:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, draft: Draft, change: Change = Change.STARTED) -> Draft:
        """The draft at version 1.  The same id again changes nothing.  Raises NotFound, NotYourPatient."""
        desk = self._desk
        keys = desk.keys_of(draft.patient_id)
        if desk.conn.execute(select(drafts.c.id).where(drafts.c.id == draft.id)).first() is not None:
            return self.get(draft.id)
        now = desk.clock()
        stored = replace(draft, version=1, started_at=draft.started_at or now)
        desk.conn.execute(
            insert(drafts).values(
                id=draft.id,
                patient_id=draft.patient_id,
                consultation_id=draft.consultation_id,
                state=draft.state.value,
                version=1,
                partial_sealed=_seal_partial(keys, draft.id, draft.partial),
                started_at=stored.started_at,
                saved_at=now,
            )
        )
        self._add_version(keys, stored, change, ())
        return stored

    def get(self, draft_id: DraftId) -> Draft:
        """The newest version, with the partial text if the model was still writing.

        Raises NotFound, NotYourPatient, CannotOpen.
        """
        row = self._row(draft_id)
        return self._with_partial(row, self._open(row, row["version"]))

    def get_version(self, draft_id: DraftId, version: int) -> Draft:
        """The draft as it stood at a version, without partial text.  Raises NotFound, NotYourPatient."""
        return self._open(self._row(draft_id), version)

    def history(self, draft_id: DraftId) -> tuple[DraftVersion, ...]:
        """What made each version, oldest first."""
        self._keys(self._row(draft_id))
        rows = self._desk.conn.execute(
            select(
                draft_versions.c.version,
                draft_versions.c.change,
                draft_versions.c.at,
                draft_versions.c.item_ids,
            )
            .where(draft_versions.c.draft_id == draft_id)
            .order_by(draft_versions.c.version)
        )
        return tuple(
            DraftVersion(
                row.version, Change(row.change), row.at, tuple(ItemId(item_id) for item_id in row.item_ids)
            )
            for row in rows
        )

    def list_versions(self, draft_id: DraftId) -> tuple[Draft, ...]:
        """The draft at every version that is kept, the oldest first, without partial text.

        Raises NotFound, NotYourPatient, CannotOpen.
        """
        row = self._row(draft_id)
        self._keys(row)
        kept = self._desk.conn.execute(
            select(draft_versions.c.version, draft_versions.c.draft_sealed)
            .where(draft_versions.c.draft_id == draft_id)
            .order_by(draft_versions.c.version)
        )
        return tuple(self._unseal(row, version, bytes(sealed)) for version, sealed in kept)

    def save(self, draft: Draft, change: Change, *, after: int, item_ids: tuple[ItemId, ...] = ()) -> Draft:
        """The draft, one version on; its state stays what it is in the store, its partial text is as given.

        Raises ChangedMeanwhile unless `after` is the newest version and the draft is open; the same content
        saved twice is no change.
        """
        row, version = self._row(draft.id), after + 1
        keys = self._keys(row)
        stored = replace(
            draft,
            version=version,
            state=DraftState(row["state"]),
            started_at=row["started_at"],
            patient_id=PatientId(row["patient_id"]),
            consultation_id=ConsultationId(row["consultation_id"]),
        )
        if row["version"] == version and self.get(draft.id) == stored:
            return stored
        done = self._desk.conn.execute(
            update(drafts)
            .where(
                drafts.c.id == draft.id, drafts.c.version == after, drafts.c.state == DraftState.OPEN.value
            )
            .values(
                version=version,
                partial_sealed=_seal_partial(keys, draft.id, draft.partial),
                saved_at=self._desk.clock(),
            )
        )
        if done.rowcount != 1:
            raise changed_meanwhile("draft", draft.id)
        self._add_version(keys, stored, change, item_ids)
        return stored

    def save_partial(self, draft_id: DraftId, text: str) -> None:
        """Keep what the model has written of an item so far; it overwrites the last one and is no version.

        Raises ChangedMeanwhile where the draft is no longer open.
        """
        row = self._row(draft_id)
        done = self._desk.conn.execute(
            update(drafts)
            .where(drafts.c.id == draft_id, drafts.c.state == DraftState.OPEN.value)
            .values(
                partial_sealed=_seal_partial(self._keys(row), draft_id, text), saved_at=self._desk.clock()
            )
        )
        if done.rowcount != 1:
            raise changed_meanwhile("draft", draft_id)

    def set_state(self, draft_id: DraftId, state: DraftState) -> None:
        self._keys(self._row(draft_id))
        self._desk.conn.execute(
            update(drafts)
            .where(drafts.c.id == draft_id)
            .values(state=state.value, saved_at=self._desk.clock())
        )

    def drop_history(self, patient_id: PatientId) -> None:
        """Forget all versions but the last of every saved draft of a patient."""
        self._desk.keys_of(patient_id)
        saved = select(drafts.c.id).where(
            drafts.c.patient_id == patient_id, drafts.c.state == DraftState.SAVED.value
        )
        newest = select(drafts.c.version).where(drafts.c.id == draft_versions.c.draft_id).scalar_subquery()
        self._desk.conn.execute(
            delete(draft_versions).where(
                draft_versions.c.draft_id.in_(saved), draft_versions.c.version < newest
            )
        )

    def open_of(self, consultation_id: ConsultationId) -> Draft | None:
        """The open draft of a consultation, the newest if there are several."""
        draft_id = self._desk.conn.execute(
            select(drafts.c.id)
            .where(drafts.c.consultation_id == consultation_id, drafts.c.state == DraftState.OPEN.value)
            .order_by(drafts.c.started_at.desc(), drafts.c.id)
            .limit(1)
        ).scalar_one_or_none()
        return None if draft_id is None else self.get(DraftId(draft_id))

    def list(self, patient_id: PatientId) -> tuple[Draft, ...]:
        """Every draft of a patient at its newest version, newest first, saved and discarded ones too."""
        self._desk.keys_of(patient_id)
        newest = (draft_versions.c.draft_id == drafts.c.id) & (draft_versions.c.version == drafts.c.version)
        rows = self._desk.conn.execute(
            select(drafts, draft_versions.c.draft_sealed)
            .outerjoin(draft_versions, newest)
            .where(drafts.c.patient_id == patient_id)
            .order_by(drafts.c.started_at.desc(), drafts.c.id)
        ).mappings()
        return tuple(
            self._with_partial(row, self._unseal(row, row["version"], row["draft_sealed"])) for row in rows
        )

    def _keys(self, row: RowMapping) -> DataKeys:
        return self._desk.keys_of(PatientId(row["patient_id"]))

    def _row(self, draft_id: DraftId) -> RowMapping:
        row = self._desk.conn.execute(select(drafts).where(drafts.c.id == draft_id)).mappings().first()
        if row is None:
            raise NotFound(f"no draft {draft_id}", hint="go back to the patient")
        return row

    def _with_partial(self, row: RowMapping, draft: Draft) -> Draft:
        if row["partial_sealed"] is None:
            return draft
        partial = self._keys(row).open_sealed(row["partial_sealed"], _partial_place(row["id"]))
        return replace(draft, partial=unpack_text(partial))

    def _open(self, row: RowMapping, version: int) -> Draft:
        self._keys(row)
        sealed = self._desk.conn.execute(
            select(draft_versions.c.draft_sealed).where(
                draft_versions.c.draft_id == row["id"], draft_versions.c.version == version
            )
        ).scalar_one_or_none()
        return self._unseal(row, version, sealed)

    def _unseal(self, row: RowMapping, version: int, sealed: bytes | None) -> Draft:
        if sealed is None:
            raise NotFound(f"draft {row['id']} has no version {version}", hint="look at its history")
        bare = Draft(
            id=DraftId(row["id"]),
            patient_id=PatientId(row["patient_id"]),
            consultation_id=ConsultationId(row["consultation_id"]),
            question="",
            version=version,
            state=DraftState(row["state"]),
            started_at=row["started_at"],
        )
        return unpack_draft(self._keys(row).open_sealed(sealed, _place(row["id"], version)), bare)

    def _add_version(
        self, keys: DataKeys, draft: Draft, change: Change, item_ids: tuple[ItemId, ...]
    ) -> None:
        self._desk.conn.execute(
            insert(draft_versions).values(
                draft_id=draft.id,
                version=draft.version,
                change=change.value,
                at=self._desk.clock(),
                item_ids=list(item_ids),
                draft_sealed=keys.seal(pack_draft(draft), _place(draft.id, draft.version)),
            )
        )


def _place(draft_id: str, version: int) -> Place:
    return Place("draft_versions", draft_id, "draft", version)


def _partial_place(draft_id: str) -> Place:
    return Place("drafts", draft_id, "partial")


def _seal_partial(keys: DataKeys, draft_id: str, text: str) -> bytes | None:
    return keys.seal(pack_text(text), _partial_place(draft_id)) if text else None
