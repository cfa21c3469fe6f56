"""Lists of patients without reading through every text: times by patient, in an index of their own."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_consultations_times", "consultations", ["patient_id", "at", "source_saved_at"])
    op.create_index("ix_drafts_times", "drafts", ["patient_id", "state", "saved_at"])
    op.create_index("ix_notes_times", "notes", ["patient_id", "signed_at"])
