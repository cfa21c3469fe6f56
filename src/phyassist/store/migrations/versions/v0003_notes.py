"""Notes that lock and may be withdrawn, their fingerprints; private process notes under keys of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notes", sa.Column("locks_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("notes", sa.Column("fingerprint", sa.String(length=80), nullable=True))
    _withdrawn()
    _process()


def _withdrawn() -> None:
    op.create_table(
        "withdrawn_notes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("consultation_id", sa.String(length=64), nullable=False),
        sa.Column("draft_id", sa.String(length=64), nullable=False),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("locks_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fingerprint", sa.String(length=80), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawal_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_withdrawn_notes_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawn_notes"),
    )
    op.create_index("ix_withdrawn_notes_patient_id", "withdrawn_notes", ["patient_id"], unique=False)
    op.create_index("ix_withdrawn_notes_draft_id", "withdrawn_notes", ["draft_id"], unique=False)


def _process() -> None:
    op.create_table(
        "process_keys",
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped_author", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_recovery", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_process_keys_patient_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["counsellors.id"], name="fk_process_keys_author_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patient_id", "author_id", name="pk_process_keys"),
    )
    op.create_index("ix_process_keys_author_id", "process_keys", ["author_id"], unique=False)
    op.create_table(
        "process_notes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sitting", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_process_notes_patient_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["counsellors.id"], name="fk_process_notes_author_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_process_notes"),
    )
    op.create_index("ix_process_notes_patient_id", "process_notes", ["patient_id"], unique=False)
    op.create_index("ix_process_notes_author_id", "process_notes", ["author_id"], unique=False)
    op.create_table(
        "process_versions",
        sa.Column("note_id", sa.String(length=64), nullable=False),
        sa.Column("sitting", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"], ["process_notes.id"], name="fk_process_versions_note_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("note_id", "sitting", name="pk_process_versions"),
    )
