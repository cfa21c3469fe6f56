"""The tables of the library.  Titles and passages are sealed under a key of their owner's.

`owner_id` is a counsellor's id, or "practice".
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table

from phyassist.store.columns import UtcTime, id_column, metadata

# Each term of an owner's library key, as the practice's key or the counsellor's own opens it.  A counsellor's
# is given to the recovery key as well; the practice's key has a recovery copy itself.
library_keys = Table(
    "library_keys",
    metadata,
    Column("owner_id", String(64), primary_key=True),
    Column("term", Integer, primary_key=True),
    Column("wrapped_owner", LargeBinary, nullable=False),
    Column("wrapped_recovery", LargeBinary, nullable=True),
    Column("created_at", UtcTime, nullable=False),
)

library_documents = Table(
    "library_documents",
    metadata,
    id_column(),
    Column("owner_id", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("card_sealed", LargeBinary, nullable=False),
)

# Apart from the cards, so that a list of thousands of documents does not read their texts.
library_texts = Table(
    "library_texts",
    metadata,
    Column(
        "document_id",
        String(64),
        ForeignKey("library_documents.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("pieces_sealed", LargeBinary, nullable=False),
    Column("vectors_sealed", LargeBinary, nullable=True),
)
