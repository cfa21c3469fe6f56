"""Consent, receipts of erasures, backups, and an audit that the database itself only lets grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _consents()
    _erasures()
    _ledger()
    op.drop_index("ix_audit_row_id", "audit")
    op.create_index("ix_audit_row_id", "audit", ["row_id", "number"], unique=False)
    op.create_index("ix_audit_by_id", "audit", ["by_id", "number"], unique=False)
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_consents_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.UniqueConstraint("patient_id", "number", name="uq_consents_patient_id"),
    )
    op.create_index("ix_consents_patient_id", "consents", ["patient_id"], unique=False)


def _erasures() -> None:
    op.create_table(
        "backups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_backups"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("erased_id", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys", sa.Integer(), nullable=False),
        sa.Column("adapters", sa.Integer(), nullable=False),
        sa.Column("marked", sa.Integer(), nullable=False),
        sa.Column("cleaned_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_erased_id", "erasures", ["erased_id"], unique=False)


def _ledger() -> None:
    op.add_column("adapters", sa.Column("retrain_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "adapter_sources",
        sa.Column("adapter_id", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["adapter_id"], ["adapters.id"], name="fk_adapter_sources_adapter_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_adapter_sources_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("adapter_id", "patient_id", name="pk_adapter_sources"),
    )
    op.create_index("ix_adapter_sources_patient_id", "adapter_sources", ["patient_id"], unique=False)


def _guard_on_sqlite() -> None:
    refuse = "SELECT RAISE(ABORT, 'the audit is only added to')"
    for name, when in (
        ("audit_no_update", "BEFORE UPDATE ON audit"),
        ("audit_no_delete", "BEFORE DELETE ON audit"),
        # INSERT OR REPLACE would delete without the trigger above.
        (
            "audit_no_replace",
            "BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)",
        ),
        ("audit_head_no_delete", "BEFORE DELETE ON audit_head"),
        (
            "audit_head_no_return",
            "BEFORE UPDATE ON audit_head WHEN NEW.number NOT IN (OLD.number, OLD.number + 1)",
        ),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN {refuse}; END")


def _guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION phyassist_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is only added to'; END $$"
    )
    for name, when in (
        ("audit_no_change", "BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT"),
        ("audit_head_no_delete", "BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT"),
        (
            "audit_head_no_return",
            "BEFORE UPDATE ON audit_head FOR EACH ROW "
            "WHEN (NEW.number <> OLD.number AND NEW.number <> OLD.number + 1)",
        ),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION phyassist_only_added()")
