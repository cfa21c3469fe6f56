"""The tables, all of them.  Columns named `*_sealed` hold sealed values; the rest is what a database may see.

Ids come from the client.  `patient_id` stands on every row that is a patient's, and such rows go with it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from phyassist.store.columns import UtcTime, id_column, metadata, patient_column
from phyassist.store.library_tables import library_documents, library_keys, library_texts

# Those of the library stand in a file of their own and belong to the same `metadata`.
__all__ = ["UtcTime", "library_documents", "library_keys", "library_texts", "metadata"]

practice = Table(
    "practice",
    metadata,
    id_column(),
    Column("recovery_public", LargeBinary, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

counsellors = Table(
    "counsellors",
    metadata,
    id_column(),
    Column("role", String(32), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("passphrase_lock", String(200), nullable=False),
    Column("private_sealed", LargeBinary, nullable=False),
    Column("recovery_sealed", LargeBinary, nullable=False),
    Column("person_sealed", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("name_tag", String(64), nullable=True),
    Column("identity_sealed", LargeBinary, nullable=True),
    Column("second_sealed", LargeBinary, nullable=True),
    Column("second_step", Integer, nullable=True),
    Column("ended_at", UtcTime, nullable=True),
    Column("recovered_at", UtcTime, nullable=True),
    Index("ix_counsellors_name_tag", "name_tag", unique=True),
)

# An account that is to be: who was handed the one-time code opens the payload and makes the account.
invitations = Table(
    "invitations",
    metadata,
    id_column(),
    Column("counsellor_id", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("person_sealed", LargeBinary, nullable=False),
    Column("payload_sealed", LargeBinary, nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
)

logins = Table(
    "logins",
    metadata,
    id_column(),
    Column(
        "counsellor_id",
        String(64),
        ForeignKey("counsellors.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("private_sealed", LargeBinary, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("browser_sealed", LargeBinary, nullable=True),
)

tries = Table(
    "tries",
    metadata,
    id_column(),
    Column("failed", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
)

patients = Table(
    "patients",
    metadata,
    id_column(),
    Column("card_sealed", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("record_version", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("keeper_id", String(64), nullable=True, index=True),
)

# The practice's own key has no patient; a renewed key has the next term.
data_keys = Table(
    "data_keys",
    metadata,
    id_column(),
    patient_column(nullable=True),
    Column("term", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("link_sealed", LargeBinary, nullable=True),
    UniqueConstraint("patient_id", "term"),
)

# `holder_id` is a counsellor's id or "recovery"; `until` ends a share by itself.  A key that was given bears
# its giver's signature, before and after the holder has adopted it.
key_wraps = Table(
    "key_wraps",
    metadata,
    Column("key_id", String(64), ForeignKey("data_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("holder_id", String(64), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("may_write", Boolean, nullable=False),
    Column("until", UtcTime, nullable=True),
    Column("added_at", UtcTime, nullable=False),
    Column("giver_id", String(64), nullable=True),
    Column("signature", LargeBinary, nullable=True),
    Index("ix_key_wraps_holder_id", "holder_id"),
)

# What one holder remembers of somebody's keys, or of who is in charge of a patient, under an own key.
pins = Table(
    "pins",
    metadata,
    Column("holder_id", String(64), primary_key=True),
    Column("about_id", String(64), primary_key=True),
    patient_column(nullable=True),
    Column("pin_sealed", LargeBinary, nullable=False),
)

# From this term of a patient's key on somebody else is in charge, signed by who was until then.
handovers = Table(
    "handovers",
    metadata,
    Column("patient_id", String(64), ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True),
    Column("term", Integer, primary_key=True),
    Column("from_id", String(64), nullable=False),
    Column("to_id", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

consultations = Table(
    "consultations",
    metadata,
    id_column(),
    patient_column(),
    Column("at", UtcTime, nullable=False),
    Column("question_sealed", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("source_sealed", LargeBinary, nullable=False),
    Column("source_version", Integer, nullable=False),
    Column("source_saved_at", UtcTime, nullable=True),
    Column("organised_version", Integer, nullable=True),
    # The adapter that is to answer here, or "base"; empty: the one that is chosen.
    Column("adapter_wanted", String(64), nullable=True),
    Index("ix_consultations_times", "patient_id", "at", "source_saved_at"),
)

record_versions = Table(
    "record_versions",
    metadata,
    Column("patient_id", String(64), ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("lines_sealed", LargeBinary, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    id_column(),
    patient_column(),
    Column("consultation_id", String(64), nullable=False, index=True),
    Column("state", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("partial_sealed", LargeBinary, nullable=True),
    Column("started_at", UtcTime, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
    Index("ix_drafts_times", "patient_id", "state", "saved_at"),
)

draft_versions = Table(
    "draft_versions",
    metadata,
    Column("draft_id", String(64), ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("change", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("item_ids", JSON, nullable=False),
    Column("draft_sealed", LargeBinary, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    id_column(),
    patient_column(),
    Column("consultation_id", String(64), nullable=False, index=True),
    Column("draft_id", String(64), nullable=False, index=True),
    Column("author_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("note_sealed", LargeBinary, nullable=False),
    # Without a time it has been locked since it was signed, as all notes were before there was a choice.
    Column("locks_at", UtcTime, nullable=True),
    Column("fingerprint", String(80), nullable=True),
    UniqueConstraint("patient_id", "number"),
    Index("ix_notes_times", "patient_id", "signed_at"),
)

# A note that was withdrawn leaves `notes`, so that nothing takes it for one that stands.
withdrawn_notes = Table(
    "withdrawn_notes",
    metadata,
    id_column(),
    patient_column(),
    Column("consultation_id", String(64), nullable=False),
    Column("draft_id", String(64), nullable=False, index=True),
    Column("author_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("note_sealed", LargeBinary, nullable=False),
    Column("locks_at", UtcTime, nullable=True),
    Column("fingerprint", String(80), nullable=True),
    Column("withdrawn_at", UtcTime, nullable=False),
    Column("withdrawal_sealed", LargeBinary, nullable=False),
)

amendments = Table(
    "amendments",
    metadata,
    Column("note_id", String(64), ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("author_id", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("amendment_sealed", LargeBinary, nullable=False),
)

# A counsellor's private notes about a patient lie under a key of their own, which no share of the patient's
# file opens.
process_keys = Table(
    "process_keys",
    metadata,
    Column("patient_id", String(64), ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "author_id",
        String(64),
        ForeignKey("counsellors.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    Column("wrapped_author", LargeBinary, nullable=False),
    Column("wrapped_recovery", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

process_notes = Table(
    "process_notes",
    metadata,
    id_column(),
    patient_column(),
    Column(
        "author_id", String(64), ForeignKey("counsellors.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("version", Integer, nullable=False),
    Column("sitting", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
)

# What is written within one sitting is one version, saved over and over as it is typed.
process_versions = Table(
    "process_versions",
    metadata,
    Column("note_id", String(64), ForeignKey("process_notes.id", ondelete="CASCADE"), primary_key=True),
    Column("sitting", Integer, primary_key=True),
    Column("begun_at", UtcTime, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
    Column("text_sealed", LargeBinary, nullable=False),
)

adapters = Table(
    "adapters",
    metadata,
    id_column(),
    patient_column(nullable=True),
    Column("kind", String(32), nullable=False, default="patient"),
    # The counsellor who had it trained; `number` counts the adapters of one owner.
    Column("owner_id", String(64), nullable=True),
    Column("number", Integer, nullable=False, default=1),
    Column("parent_id", String(64), nullable=True),
    Column("base_sha256", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    # While it is in training: when that began.
    Column("trained_at", UtcTime, nullable=False),
    Column("in_use_since", UtcTime, nullable=True),
    # Since when it ought to be trained anew: somebody whom it learnt from was erased or has withdrawn.
    Column("retrain_since", UtcTime, nullable=True),
    # Its own key, sealed under its owner's; card, progress and chunks are sealed under this one.
    Column("key_sealed", LargeBinary, nullable=True),
    Column("card_sealed", LargeBinary, nullable=True),
    Column("progress_sealed", LargeBinary, nullable=True),
)

# The files of an adapter, a megabyte a row.
adapter_chunks = Table(
    "adapter_chunks",
    metadata,
    Column("adapter_id", String(64), ForeignKey("adapters.id", ondelete="CASCADE"), primary_key=True),
    Column("file", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("bytes_sealed", LargeBinary, nullable=False),
)

# From whom an adapter learnt: the ledger by which an erasure finds the shared ones.
adapter_sources = Table(
    "adapter_sources",
    metadata,
    Column("adapter_id", String(64), ForeignKey("adapters.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "patient_id",
        String(64),
        ForeignKey("patients.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)

# Examples that nobody is to train on.  An id says from which note an example is made, not what it says.
left_out_examples = Table(
    "left_out_examples",
    metadata,
    Column("patient_id", String(64), ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True),
    Column("example_id", String(64), primary_key=True),
    Column("by_id", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
)

# Purpose and answer are sealed with the rest, bound to their number: no row can be put before another.
consents = Table(
    "consents",
    metadata,
    id_column(),
    patient_column(),
    Column("number", Integer, nullable=False),
    Column("recorded_by", String(64), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("consent_sealed", LargeBinary, nullable=False),
    UniqueConstraint("patient_id", "number"),
)

# Copies of the store that were made, and when each of them is deleted (empty: not by itself).
backups = Table(
    "backups",
    metadata,
    id_column(),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
)

# Receipts outlive the patient: an id, no name, no reference to a row that is gone.
erasures = Table(
    "erasures",
    metadata,
    id_column(),
    Column("erased_id", String(64), nullable=False, index=True),
    Column("by_id", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("keys", Integer, nullable=False),
    Column("adapters", Integer, nullable=False),
    Column("marked", Integer, nullable=False),
    Column("cleaned_at", UtcTime, nullable=True),
)

# One row: the lock under which the chain grows, and the place of its end, so that a cut tail is seen.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("hash", String(80), nullable=False),
)

# Triggers of the database refuse to change or delete its rows (migration 0004).
audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("act", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("row_id", String(64), nullable=False),
    Column("origin", String(80), nullable=False),
    Column("hash", String(80), nullable=False),
    Index("ix_audit_row_id", "row_id", "number"),
    Index("ix_audit_by_id", "by_id", "number"),
    Index("ix_audit_at", "at"),
)

# What the model is writing just now, and which process reads its answer.  `id` is what is being written: a
# draft's, a consultation's or a message's.  The row goes with the end of the run; an old beat is a process
# that died.
runs = Table(
    "runs",
    metadata,
    id_column(),
    patient_column(nullable=True),
    Column("kind", String(32), nullable=False),
    Column("owner_id", String(64), nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("beat_at", UtcTime, nullable=False),
    Column("stop_wanted", Boolean, nullable=False),
)

# Work for a worker.  `attempt` is the fence: a worker whose job was taken up again writes nothing any more.
jobs = Table(
    "jobs",
    metadata,
    id_column(),
    patient_column(nullable=True),
    Column("kind", String(32), nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts_max", Integer, nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("lease_until", UtcTime, nullable=True),
    Column("stop_wanted", Boolean, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=True),
    Column("error_code", String(40), nullable=False),
    Column("task_sealed", LargeBinary, nullable=True),
    Column("result_sealed", LargeBinary, nullable=True),
    Index("ix_jobs_state", "state", "made_at"),
)

# Machines that run jobs.  Their public keys stand sealed under the practice's key: nobody who can only write
# to the database puts a worker of their own among them.
workers = Table(
    "workers",
    metadata,
    id_column(),
    Column("identity_sealed", LargeBinary, nullable=False),
    Column("admitted_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=True),
)

# A job's key, wrapped to each worker that may run it.  The rows go when the job is over.
job_keys = Table(
    "job_keys",
    metadata,
    Column("job_id", String(64), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "worker_id", String(64), ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    Column("wrapped_worker", LargeBinary, nullable=False),
)

# What holds for the whole store and stops every process that writes: "moved".
marks = Table("marks", metadata, id_column(), Column("at", UtcTime, nullable=False))
