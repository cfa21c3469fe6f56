"""Accounts, roles, shares."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _accounts()
    _shares()


def _accounts() -> None:
    op.add_column("counsellors", sa.Column("name_tag", sa.String(length=64), nullable=True))
    op.add_column("counsellors", sa.Column("identity_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("counsellors", sa.Column("second_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("counsellors", sa.Column("second_step", sa.Integer(), nullable=True))
    op.add_column("counsellors", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("counsellors", sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_counsellors_name_tag", "counsellors", ["name_tag"], unique=True)
    op.add_column("logins", sa.Column("browser_sealed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("counsellor_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("person_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("payload_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("by_id", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
    )


def _shares() -> None:
    op.add_column("patients", sa.Column("keeper_id", sa.String(length=64), nullable=True))
    op.create_index("ix_patients_keeper_id", "patients", ["keeper_id"], unique=False)
    # Until now a patient's key had one holder beside the recovery key.
    op.execute(
        "UPDATE patients SET keeper_id = (SELECT key_wraps.holder_id FROM key_wraps"
        " JOIN data_keys ON data_keys.id = key_wraps.key_id"
        " WHERE data_keys.patient_id = patients.id AND key_wraps.holder_id <> 'recovery'"
        " ORDER BY data_keys.term DESC, key_wraps.holder_id LIMIT 1)"
    )
    op.add_column("data_keys", sa.Column("link_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("key_wraps", sa.Column("giver_id", sa.String(length=64), nullable=True))
    op.add_column("key_wraps", sa.Column("signature", sa.LargeBinary(), nullable=True))
    op.create_table(
        "pins",
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("about_id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=True),
        sa.Column("pin_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_pins_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("holder_id", "about_id", name="pk_pins"),
    )
    op.create_index("ix_pins_patient_id", "pins", ["patient_id"], unique=False)
    op.create_table(
        "handovers",
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.String(length=64), nullable=False),
        sa.Column("to_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_handovers_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patient_id", "term", name="pk_handovers"),
    )
