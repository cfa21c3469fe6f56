"""The same records as one would keep them without sealing: SQLAlchemy's ORM, names and texts in the clear.

What `records.py` holds the sealed store against.  One class a table, JSON columns for what is nested, a row
of an audit for each act; the same database file settings as ours.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, ForeignKey, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Patient(Base):
    __tablename__ = "patients"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    number: Mapped[str]
    record: Mapped[list[Any]] = mapped_column(JSON)


class Consultation(Base):
    __tablename__ = "consultations"
    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    at: Mapped[datetime]
    question: Mapped[str]
    text: Mapped[str]


class Draft(Base):
    __tablename__ = "drafts"
    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    consultation_id: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    version: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    consultation_id: Mapped[str] = mapped_column(index=True)
    draft_id: Mapped[str] = mapped_column(index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class Audit(Base):
    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    act: Mapped[str]
    row_id: Mapped[str]


class PlainStore:
    def __init__(self, path: Path) -> None:
        self.engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", _prepare)
        Base.metadata.create_all(self.engine)

    def add_patient(self, record: list[Any]) -> str:
        patient = Patient(id=uuid.uuid4().hex, name="孙某", number="A-17", record=record)
        with Session(self.engine) as session:
            session.add(patient)
            session.commit()
            return patient.id

    def add_draft(self, patient_id: str, text: str, body: dict[str, Any]) -> str:
        now, meeting, draft = datetime.now(UTC), uuid.uuid4().hex, uuid.uuid4().hex
        with Session(self.engine) as session:
            session.add(
                Consultation(id=meeting, patient_id=patient_id, at=now, question=body["question"], text=text)
            )
            session.add(
                Draft(
                    id=draft,
                    patient_id=patient_id,
                    consultation_id=meeting,
                    state="open",
                    version=1,
                    body=body,
                )
            )
            session.commit()
        return draft

    def save_note(self, draft_id: str) -> str:
        """The draft becomes the patient's next note."""
        with Session(self.engine) as session:
            draft = session.get_one(Draft, draft_id)
            last = session.scalar(select(func.max(Note.number)).where(Note.patient_id == draft.patient_id))
            now = datetime.now(UTC)
            note = Note(
                id=uuid.uuid4().hex,
                patient_id=draft.patient_id,
                consultation_id=draft.consultation_id,
                draft_id=draft.id,
                number=(last or 0) + 1,
                at=now,
                body=draft.body,
            )
            draft.state = "saved"
            session.add_all([note, Audit(at=now, act="signed", row_id=note.id)])
            session.commit()
            return note.id

    def load_patient(self, patient_id: str) -> tuple[Any, ...]:
        """All that a patient's pages show."""
        with Session(self.engine) as session:
            newest = (
                (Consultation, Consultation.at.desc()),
                (Note, Note.at.desc()),
                (Draft, Draft.id),
            )
            parts = [
                session.scalars(select(kind).where(kind.patient_id == patient_id).order_by(order)).all()
                for kind, order in newest
            ]
            return session.get_one(Patient, patient_id), *parts

    def close(self) -> None:
        self.engine.dispose()


def _prepare(connection: Any, _record: object) -> None:
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {setting}")
