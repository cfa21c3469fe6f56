"""The tables of conversations."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from phyassist.store.tables import UtcTime, metadata

# A thread without a patient lies under its author's chat key.
chat_threads = Table(
    "chat_threads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("patient_id", String(64), ForeignKey("patients.id", ondelete="CASCADE"), nullable=True),
    Column(
        "author_id", String(64), ForeignKey("counsellors.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("leaf_id", String(64), nullable=True),
    Column("begun_at", UtcTime, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Index("ix_chat_threads_patient_id", "patient_id", "asked_at"),
)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column(
        "thread_id",
        String(64),
        ForeignKey("chat_threads.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("parent_id", String(64), nullable=True),
    Column("number", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("message_sealed", LargeBinary, nullable=False),
)

# What a counsellor asks about nobody in particular: the key is kept for them and given to the recovery key,
# so that a lost passphrase does not lose it.
chat_keys = Table(
    "chat_keys",
    metadata,
    Column("author_id", String(64), ForeignKey("counsellors.id", ondelete="CASCADE"), primary_key=True),
    Column("wrapped_author", LargeBinary, nullable=False),
    Column("wrapped_recovery", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
