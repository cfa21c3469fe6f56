"""Conversations: threads and their messages, sealed under the patient's data key.

A thread about nobody in particular lies under a key of its author's alone, which is kept for the author and
given to the recovery key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from phyassist.domain.chats import (
    ChatMessage,
    ChatThread,
    Given,
    GivenNote,
    GivenPassage,
    MessageId,
    MessageKind,
    MessageState,
    ThreadId,
)
from phyassist.domain.notes import NoteId
from phyassist.domain.people import CounsellorId, PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotFound
from phyassist.store.chat_tables import chat_keys, chat_messages, chat_threads
from phyassist.store.coding import pack, read_writer, unpack, write_writer
from phyassist.store.desk import Desk
from phyassist.store.faults import changed_meanwhile
from phyassist.store.tables import counsellors
from phyassist.store.wraps import RECOVERY_HOLDER
from phyassist.vault.keyring import Keyring, give_key
from phyassist.vault.sealing import DataKey, Place


class Seals(Protocol):
    """A patient's data keys, or a counsellor's chat key."""

    def seal(self, value: bytes, place: Place) -> bytes: ...
    def open_sealed(self, sealed: bytes, place: Place) -> bytes: ...


class Chats:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._own: DataKey | None = None

    def add(self, thread: ChatThread) -> None:
        """An empty thread.  The same id again changes nothing.  Raises NotFound, NotYourPatient."""
        desk = self._desk
        if thread.patient_id is not None:
            desk.keys_of(thread.patient_id)
        if desk.conn.execute(select(chat_threads.c.id).where(chat_threads.c.id == thread.id)).first() is None:
            desk.conn.execute(
                insert(chat_threads).values(
                    id=thread.id,
                    patient_id=thread.patient_id,
                    author_id=desk.by.id,
                    leaf_id=None,
                    begun_at=thread.begun_at,
                    asked_at=thread.asked_at,
                )
            )

    def get(self, thread_id: ThreadId) -> ChatThread:
        """With all its branches.  Raises NotFound, for somebody else's general thread too; NotYourPatient."""
        row = self._row(thread_id)
        found = self._fill((row,), select(chat_messages).where(chat_messages.c.thread_id == thread_id))
        return found[0]

    def list(self, patient_id: PatientId | None) -> tuple[ChatThread, ...]:
        """All threads of a patient, or one's own of nobody, the one asked in last at the top.

        Raises NotFound, NotYourPatient, CannotOpen.
        """
        if patient_id is not None:
            self._desk.keys_of(patient_id)
            ours = chat_threads.c.patient_id == patient_id
        else:
            ours = chat_threads.c.patient_id.is_(None) & (chat_threads.c.author_id == self._desk.by.id)
        query = select(chat_threads).where(ours)
        newest_first = query.order_by(chat_threads.c.asked_at.desc(), chat_threads.c.id)
        rows = tuple(self._desk.conn.execute(newest_first).mappings())
        of_them = chat_messages.c.thread_id.in_(select(chat_threads.c.id).where(ours))
        return self._fill(rows, select(chat_messages).where(of_them))

    def add_message(self, thread_id: ThreadId, message: ChatMessage) -> None:
        """The message, which ends the branch shown from now on.  The same id again changes nothing."""
        conn, row = self._desk.conn, self._row(thread_id)
        if conn.execute(select(chat_messages.c.id).where(chat_messages.c.id == message.id)).first():
            return
        query = select(func.coalesce(func.max(chat_messages.c.number), 0))
        last = conn.execute(query.where(chat_messages.c.thread_id == thread_id)).scalar_one()
        conn.execute(
            insert(chat_messages).values(
                id=message.id,
                thread_id=thread_id,
                parent_id=message.parent_id,
                number=last + 1,
                kind=message.kind.value,
                state=message.state.value,
                version=message.version,
                at=message.at,
                message_sealed=self._seal(row, message),
            )
        )
        conn.execute(
            update(chat_threads)
            .where(chat_threads.c.id == thread_id)
            .values(leaf_id=message.id, asked_at=message.at)
        )

    def save_message(self, thread_id: ThreadId, message: ChatMessage) -> ChatMessage:
        """The message with other words, one version on.

        Raises ChangedMeanwhile unless its version is the one that stands; the same saved twice is no change.
        """
        stored = replace(message, version=message.version + 1)
        row = self._row(thread_id)
        done = self._desk.conn.execute(
            update(chat_messages)
            .where(
                chat_messages.c.id == message.id,
                chat_messages.c.thread_id == thread_id,
                chat_messages.c.version == message.version,
            )
            .values(state=stored.state.value, version=stored.version, message_sealed=self._seal(row, stored))
        )
        if done.rowcount != 1:
            present = self.get(thread_id).get(message.id)
            if present != stored:
                raise changed_meanwhile("message", message.id)
        return stored

    def set_leaf(self, thread_id: ThreadId, leaf_id: MessageId) -> None:
        """Which branch is shown.  Raises NotFound, NotYourPatient."""
        self._row(thread_id)
        self._desk.conn.execute(
            update(chat_threads).where(chat_threads.c.id == thread_id).values(leaf_id=leaf_id)
        )

    def delete(self, thread_id: ThreadId) -> None:
        """The thread with all its branches, for good.  Raises NotFound, NotYourPatient."""
        self._row(thread_id)
        self._desk.conn.execute(delete(chat_threads).where(chat_threads.c.id == thread_id))

    def _row(self, thread_id: ThreadId) -> RowMapping:
        found = self._desk.conn.execute(select(chat_threads).where(chat_threads.c.id == thread_id))
        row = found.mappings().first()
        is_foreign = row is not None and row["patient_id"] is None and row["author_id"] != self._desk.by.id
        if row is None or is_foreign:
            raise NotFound(f"no thread {thread_id}", hint="go back to the list")
        self._keys(row)
        return row

    def _keys(self, row: RowMapping) -> Seals:
        if row["patient_id"] is not None:
            return self._desk.keys_of(PatientId(row["patient_id"]))
        self._own = self._own or _find_key(self._desk) or _make_key(self._desk)
        return self._own

    def _seal(self, row: RowMapping, message: ChatMessage) -> bytes:
        place = message_place(message.id, message.version)
        return self._keys(row).seal(pack_message(message), place)

    def _fill(
        self, rows: tuple[RowMapping, ...], messages: Select[tuple[Any, ...]]
    ) -> tuple[ChatThread, ...]:
        by_thread: dict[str, list[ChatMessage]] = {row["id"]: [] for row in rows}
        threads = {row["id"]: row for row in rows}
        for each in self._desk.conn.execute(messages.order_by(chat_messages.c.number)).mappings():
            if each["thread_id"] in threads:
                keys = self._keys(threads[each["thread_id"]])
                by_thread[each["thread_id"]].append(_open_message(each, keys))
        return tuple(
            ChatThread(
                ThreadId(row["id"]),
                None if row["patient_id"] is None else PatientId(row["patient_id"]),
                CounsellorId(row["author_id"]),
                row["begun_at"],
                row["asked_at"],
                None if row["leaf_id"] is None else MessageId(row["leaf_id"]),
                tuple(by_thread[row["id"]]),
            )
            for row in rows
        )


def _open_message(row: RowMapping, keys: Seals) -> ChatMessage:
    bare = ChatMessage(
        MessageId(row["id"]),
        None if row["parent_id"] is None else MessageId(row["parent_id"]),
        MessageKind(row["kind"]),
        "",
        row["at"],
        MessageState(row["state"]),
        row["version"],
    )
    sealed = bytes(row["message_sealed"])
    return unpack_message(keys.open_sealed(sealed, message_place(bare.id, bare.version)), bare)


def message_place(message_id: str, version: int) -> Place:
    return Place("chat_messages", message_id, "message", version)


def pack_message(message: ChatMessage) -> bytes:
    """A message's content; its ids, kind, state, version and time stand beside it."""
    return pack(
        {
            "text": message.text,
            "asked_by": message.asked_by,
            "library": message.with_library,
            "by": write_writer(message.written_by),
            "adapter_reason": message.adapter_reason,
            "passages": [
                [each.number, each.passage_id, each.title, each.page, each.text] for each in message.passages
            ],
            "notes": [[each.id, each.number, each.at.isoformat()] for each in message.given.notes_used],
            "left_out": list(message.given.left_out),
            "record_left_out": message.given.record_left_out,
            "recalled": list(message.given.recalled),
            "text_left_out": message.given.text_left_out,
            "draft_read": message.given.draft_read,
            "draft_left_out": message.given.draft_left_out,
            "summary": message.summary,
            "held_back": list(message.held_back),
            "absent": list(message.absent),
            "untold": list(message.untold),
            "consultation": message.consultation_id or "",
        }
    )


def unpack_message(blob: bytes, bare: ChatMessage) -> ChatMessage:
    """`bare`, a message with only what stands in columns, filled with its content."""

    def read(fields: Mapping[str, Any]) -> ChatMessage:
        return replace(
            bare,
            text=fields["text"],
            asked_by=fields.get("asked_by", ""),
            with_library=bool(fields.get("library", False)),
            written_by=read_writer(fields.get("by", {})),
            adapter_reason=fields.get("adapter_reason", ""),
            passages=tuple(GivenPassage(*each) for each in fields.get("passages", ())),
            given=Given(
                tuple(_read_given_notes(fields.get("notes", ()))),
                tuple(fields.get("left_out", ())),
                int(fields.get("record_left_out", 0)),
                int(fields.get("text_left_out", 0)),
                tuple(fields.get("recalled", ())),
                bool(fields.get("draft_read", False)),
                bool(fields.get("draft_left_out", False)),
            ),
            summary=fields.get("summary", ""),
            held_back=tuple(fields.get("held_back", ())),
            absent=tuple(fields.get("absent", ())),
            untold=tuple(fields.get("untold", ())),
            consultation_id=ConsultationId(fields.get("consultation", "")) or None,
        )

    return unpack(blob, read)


def _read_given_notes(said: Sequence[Any]) -> Iterator[GivenNote]:
    for each in said:
        # Answers of before hold ids alone, which say neither number nor day.
        if not isinstance(each, str):
            note_id, number, at = each
            yield GivenNote(NoteId(note_id), int(number), datetime.fromisoformat(at))


def _find_key(desk: Desk) -> DataKey | None:
    kept = desk.conn.execute(
        select(chat_keys.c.wrapped_author).where(chat_keys.c.author_id == desk.by.id)
    ).scalar_one_or_none()
    return None if kept is None else desk.by.keyring.open_key(bytes(kept), _key_place(desk.by.id, desk.by.id))


def _make_key(desk: Desk) -> DataKey:
    """A chat key for the signed-in counsellor; it serves this transaction alone, later ones read its row."""
    by = desk.by
    # Nobody else makes one at the same moment.
    desk.conn.execute(select(counsellors.c.id).where(counsellors.c.id == by.id).with_for_update())
    made_meanwhile = _find_key(desk)
    if made_meanwhile is not None:
        return made_meanwhile
    key = DataKey.make()
    desk.conn.execute(
        insert(chat_keys).values(
            author_id=by.id,
            wrapped_author=by.keyring.keep_key(key, _key_place(by.id, by.id)),
            wrapped_recovery=give_key(key, desk.recovery_public, _key_place(by.id, RECOVERY_HOLDER)),
            created_at=desk.clock(),
        )
    )
    return key


def restore_chat_key(
    conn: Connection, author_id: CounsellorId, *, recovery: Keyring, keyring: Keyring
) -> None:
    """After a lost passphrase: the author's chat key, opened with the recovery key, kept anew.

    Raises CannotOpen.
    """
    given = conn.execute(
        select(chat_keys.c.wrapped_recovery).where(chat_keys.c.author_id == author_id)
    ).scalar_one_or_none()
    if given is not None:
        key = recovery.open_given(bytes(given), _key_place(author_id, RECOVERY_HOLDER))
        kept = keyring.keep_key(key, _key_place(author_id, author_id))
        conn.execute(update(chat_keys).where(chat_keys.c.author_id == author_id).values(wrapped_author=kept))


def _key_place(author_id: CounsellorId, holder: str) -> Place:
    """Where a chat key lives: it opens for its author or the recovery key."""
    return Place("chat_keys", author_id, f"wrapped for {holder}")
