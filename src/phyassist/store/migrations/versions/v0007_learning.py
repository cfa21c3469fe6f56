"""What an adapter is and whose, its files in sealed chunks, and what is left out of training by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("kind", sa.String(length=32), nullable=False, server_default="patient"),
        sa.Column("owner_id", sa.String(length=64), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("in_use_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("progress_sealed", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("adapters", column)
    op.create_table(
        "adapter_chunks",
        sa.Column("adapter_id", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bytes_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["adapter_id"], ["adapters.id"], name="fk_adapter_chunks_adapter_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("adapter_id", "file", "number", name="pk_adapter_chunks"),
    )
    op.create_table(
        "left_out_examples",
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("example_id", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_left_out_examples_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patient_id", "example_id", name="pk_left_out_examples"),
    )
    op.add_column("consultations", sa.Column("adapter_wanted", sa.String(length=64), nullable=True))
