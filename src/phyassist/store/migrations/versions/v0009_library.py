"""The library: documents, their texts, and the keys that they are sealed under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_keys",
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("wrapped_owner", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_recovery", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "term", name="pk_library_keys"),
    )
    op.create_table(
        "library_documents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("card_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_library_documents"),
    )
    op.create_index("ix_library_documents_owner_id", "library_documents", ["owner_id"], unique=False)
    op.create_table(
        "library_texts",
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("pieces_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("vectors_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["library_documents.id"],
            name="fk_library_texts_document_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name="pk_library_texts"),
    )
