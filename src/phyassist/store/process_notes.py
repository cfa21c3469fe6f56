"""Private process notes: sealed under a key of their author's and this patient's alone.

The patient's data key does not open them, so neither does a share of the file.  The key is kept for the
author, and given to the recovery key so that a lost passphrase does not lose it; it goes with the patient.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from phyassist.domain.people import CounsellorId, PatientId
from phyassist.domain.process_notes import ProcessNote, ProcessNoteId, ProcessVersion
from phyassist.errors import NotFound
from phyassist.store.coding import pack_text, unpack_text
from phyassist.store.desk import Desk
from phyassist.store.faults import changed_meanwhile
from phyassist.store.tables import counsellors, process_keys, process_notes, process_versions
from phyassist.store.wraps import RECOVERY_HOLDER, recovery_place
from phyassist.vault.keyring import Keyring, give_key
from phyassist.vault.sealing import DataKey, Place

# What is saved within this time of the last save belongs to the same sitting, and is one version.
SITTING = timedelta(minutes=30)


class ProcessNotes:
    """Of the signed-in counsellor alone: there is no way here to ask for anybody else's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self, patient_id: PatientId) -> tuple[ProcessNote, ...]:
        """One's own notes about a patient, newest first.  Raises NotFound, NotYourPatient, CannotOpen."""
        key = self._find_key(patient_id)
        if key is None:
            return ()
        rows = self._desk.conn.execute(
            select(process_notes, process_versions.c.text_sealed)
            .join(
                process_versions,
                (process_versions.c.note_id == process_notes.c.id)
                & (process_versions.c.sitting == process_notes.c.sitting),
            )
            .where(process_notes.c.patient_id == patient_id, process_notes.c.author_id == self._desk.by.id)
            .order_by(process_notes.c.created_at.desc(), process_notes.c.id)
        ).mappings()
        return tuple(_read(row, key) for row in rows)

    def get(self, patient_id: PatientId, note_id: ProcessNoteId) -> ProcessNote:
        """Raises NotFound, for somebody else's note too; NotYourPatient, CannotOpen."""
        for note in self.list(patient_id):
            if note.id == note_id:
                return note
        raise _no_note(note_id)

    def save(self, patient_id: PatientId, note_id: ProcessNoteId, text: str, *, after: int) -> ProcessNote:
        """The note with these words; a first save, with `after` 0, makes it.

        The same words saved twice are no change.  Raises ChangedMeanwhile unless `after` is the version that
        stands, NotFound for somebody else's note, NotYourPatient.
        """
        desk, now = self._desk, self._desk.clock()
        key = self._find_key(patient_id) or self._make_key(patient_id)
        row = desk.conn.execute(select(process_notes).where(process_notes.c.id == note_id)).mappings().first()
        if row is None:
            if after != 0:
                raise _no_note(note_id)
            return self._add(patient_id, note_id, key, text, now)
        if row["patient_id"] != patient_id or row["author_id"] != desk.by.id:
            raise _no_note(note_id)
        if row["version"] == after + 1:
            present = self.get(patient_id, note_id)
            if present.text == text:
                return present
        is_new = now - row["saved_at"] > SITTING
        sitting = row["sitting"] + 1 if is_new else row["sitting"]
        done = desk.conn.execute(
            update(process_notes)
            .where(process_notes.c.id == note_id, process_notes.c.version == after)
            .values(version=after + 1, sitting=sitting, saved_at=now)
        )
        if done.rowcount != 1:
            raise changed_meanwhile("process note", note_id)
        sealed = key.seal(pack_text(text), _place(note_id, sitting))
        if is_new:
            self._add_version(note_id, sitting, sealed, now)
        else:
            desk.conn.execute(
                update(process_versions)
                .where(process_versions.c.note_id == note_id, process_versions.c.sitting == sitting)
                .values(text_sealed=sealed, saved_at=now)
            )
        return ProcessNote(note_id, text, row["created_at"], now, after + 1, sitting)

    def versions(self, patient_id: PatientId, note_id: ProcessNoteId) -> tuple[ProcessVersion, ...]:
        """What the note said at the end of each sitting, newest first.  Raises NotFound, NotYourPatient."""
        self.get(patient_id, note_id)
        key = self._find_key(patient_id)
        rows = self._desk.conn.execute(
            select(process_versions)
            .where(process_versions.c.note_id == note_id)
            .order_by(process_versions.c.sitting.desc())
        ).mappings()
        return tuple(
            ProcessVersion(row["sitting"], row["begun_at"], row["saved_at"], _open(key, note_id, row))
            for row in rows
            if key is not None
        )

    def delete(self, patient_id: PatientId, note_id: ProcessNoteId) -> None:
        """The note and all its versions, for good.  Raises NotFound, NotYourPatient."""
        self.get(patient_id, note_id)
        self._desk.conn.execute(delete(process_versions).where(process_versions.c.note_id == note_id))
        self._desk.conn.execute(delete(process_notes).where(process_notes.c.id == note_id))

    def _add(
        self, patient_id: PatientId, note_id: ProcessNoteId, key: DataKey, text: str, now: datetime
    ) -> ProcessNote:
        self._desk.conn.execute(
            insert(process_notes).values(
                id=note_id,
                patient_id=patient_id,
                author_id=self._desk.by.id,
                version=1,
                sitting=1,
                created_at=now,
                saved_at=now,
            )
        )
        self._add_version(note_id, 1, key.seal(pack_text(text), _place(note_id, 1)), now)
        return ProcessNote(note_id, text, now, now, 1, 1)

    def _add_version(self, note_id: ProcessNoteId, sitting: int, sealed: bytes, now: datetime) -> None:
        self._desk.conn.execute(
            insert(process_versions).values(
                note_id=note_id, sitting=sitting, begun_at=now, saved_at=now, text_sealed=sealed
            )
        )

    def _find_key(self, patient_id: PatientId) -> DataKey | None:
        # Who may not open the file any more does not open what they once wrote about it either.
        self._desk.keys_of(patient_id)
        by = self._desk.by
        kept = self._desk.conn.execute(
            select(process_keys.c.wrapped_author).where(
                process_keys.c.patient_id == patient_id, process_keys.c.author_id == by.id
            )
        ).scalar_one_or_none()
        if kept is None:
            return None
        return by.keyring.open_key(bytes(kept), _key_place(patient_id, by.id, by.id))

    def _make_key(self, patient_id: PatientId) -> DataKey:
        """A key for this author and patient; it serves this transaction alone, later ones read its row."""
        desk, by = self._desk, self._desk.by
        desk.hold(patient_id)
        made_meanwhile = self._find_key(patient_id)
        if made_meanwhile is not None:
            return made_meanwhile
        key = DataKey.make()
        pinned = desk.conn.execute(select(counsellors.c.recovery_sealed).where(counsellors.c.id == by.id))
        recovery = by.keyring.own.open_sealed(bytes(pinned.scalar_one()), recovery_place(by.id))
        desk.conn.execute(
            insert(process_keys).values(
                patient_id=patient_id,
                author_id=by.id,
                wrapped_author=by.keyring.keep_key(key, _key_place(patient_id, by.id, by.id)),
                wrapped_recovery=give_key(key, recovery, _key_place(patient_id, by.id, RECOVERY_HOLDER)),
                created_at=desk.clock(),
            )
        )
        return key


def restore_process_keys(
    conn: Connection, author_id: CounsellorId, *, recovery: Keyring, keyring: Keyring
) -> None:
    """After a lost passphrase: an author's process keys, opened with the recovery key, kept anew.

    Raises CannotOpen.
    """
    rows = conn.execute(
        select(process_keys.c.patient_id, process_keys.c.wrapped_recovery).where(
            process_keys.c.author_id == author_id
        )
    )
    for row in rows.all():
        given = _key_place(row.patient_id, author_id, RECOVERY_HOLDER)
        key = recovery.open_given(bytes(row.wrapped_recovery), given)
        kept = keyring.keep_key(key, _key_place(row.patient_id, author_id, author_id))
        conn.execute(
            update(process_keys)
            .where(process_keys.c.patient_id == row.patient_id, process_keys.c.author_id == author_id)
            .values(wrapped_author=kept)
        )


def _key_place(patient_id: PatientId, author_id: CounsellorId, holder: str) -> Place:
    """Where a process key lives: it opens for its author or the recovery key, for this patient alone."""
    return Place("process_keys", f"{patient_id}/{author_id}", f"wrapped for {holder}")


def _read(row: RowMapping, key: DataKey) -> ProcessNote:
    note_id = ProcessNoteId(row["id"])
    text = unpack_text(key.open_sealed(row["text_sealed"], _place(note_id, row["sitting"])))
    return ProcessNote(note_id, text, row["created_at"], row["saved_at"], row["version"], row["sitting"])


def _open(key: DataKey, note_id: ProcessNoteId, row: RowMapping) -> str:
    return unpack_text(key.open_sealed(row["text_sealed"], _place(note_id, row["sitting"])))


def _place(note_id: ProcessNoteId, sitting: int) -> Place:
    return Place("process_versions", note_id, "text", sitting)


def _no_note(note_id: ProcessNoteId) -> NotFound:
    return NotFound(f"no process note {note_id} of yours", hint="load the page again")
