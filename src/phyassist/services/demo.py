"""The invented practice: six patients who do not exist, with records, notes, a draft and an unread text.

Every word of it stands in `phyassist/demo/practice/*.toml` and was written for this purpose.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, cast

from phyassist.domain.drafts import Basis, Change, Draft, DraftId, DraftItem, DraftState, ItemId, Section
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Language, Patient, PatientId
from phyassist.domain.records import (
    Consultation,
    ConsultationId,
    RecordField,
    RecordLine,
    Source,
    SourceId,
    Span,
    Statement,
    StatementId,
)
from phyassist.services.practice import set_up
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store, Tx

PASSPHRASE = "two chairs, a window and a clock"  # noqa: S105  # shown on the screen: it guards no secret
COUNSELLOR = "Wen Demo"


@dataclass(frozen=True, slots=True)
class DemoConsultation:
    """One invented occasion; without items it waits to be organised, with `open_draft` to be signed."""

    days_ago: int
    text: str = field(repr=False)
    question: str = field(repr=False)
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    items: tuple[DraftItem, ...] = field(default=(), repr=False)
    open_draft: bool = False


@dataclass(frozen=True, slots=True)
class DemoPatient:
    name: str = field(repr=False)
    number: str
    language: Language
    consultations: tuple[DemoConsultation, ...] = field(repr=False)


def load_invented() -> tuple[DemoPatient, ...]:
    """The six patients, in the order of their files.

    Raises ValueError for a quote that is not in its text.
    """
    folder = files("phyassist.demo").joinpath("practice")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(_parse_patient(folder.joinpath(name).read_text(encoding="utf-8")) for name in names)


class PastClock:
    """A clock that stands where it was last set, so that what is written bears the day it tells of."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def fill_practice(
    store: Store, clock: PastClock, *, now: datetime, language: Language = "zh", zone: str = "UTC"
) -> SetUp:
    """Set the practice up under PASSPHRASE and write the six patients into it; `clock` is the store's own.

    Raises AlreadySetUp where the store holds a practice.
    """
    clock.now = now - timedelta(days=90)
    done = set_up(
        store, name=COUNSELLOR, passphrase=PASSPHRASE, language=language, jurisdiction="cn", zone=zone
    )
    filler = _Filler(store, done.signed_in, clock, now)
    for patient in load_invented():
        filler.add_patient(patient)
    clock.now = now
    return done


@dataclass(frozen=True)
class _Filler:
    store: Store
    by: SignedIn
    clock: PastClock
    now: datetime

    def new_id(self) -> str:
        return self.store.new_id()

    def add_patient(self, invented: DemoPatient) -> None:
        first_at = self._moment(max(one.days_ago for one in invented.consultations))
        patient = Patient(
            PatientId(self.new_id()),
            name=invented.name,
            number=invented.number,
            language=invented.language,
            created_at=first_at,
            updated_at=first_at,
        )
        lines: tuple[RecordLine, ...] = ()
        self.clock.now = first_at
        with self.store.write(self.by) as tx:
            tx.patients.add(patient)
        for number, one in enumerate(invented.consultations, start=1):
            lines += self._add_consultation(patient.id, one, number, lines)

    def _add_consultation(
        self, patient_id: PatientId, one: DemoConsultation, number: int, known: tuple[RecordLine, ...]
    ) -> tuple[RecordLine, ...]:
        """Write consultation, record lines, draft and note; the lines that it brought."""
        at = self.clock.now = self._moment(one.days_ago)
        consultation = Consultation(
            ConsultationId(self.new_id()),
            patient_id,
            at,
            Source(SourceId(self.new_id()), one.text, version=1, saved_at=at),
            one.question,
            version=1,
        )
        added = tuple(
            RecordLine(StatementId(self.new_id()), statement, consultation.source.id, consultation.id, at)
            for statement in one.statements
        )
        with self.store.write(self.by) as tx:
            tx.consultations.add(consultation)
            if added:
                record = tx.records.get(patient_id)
                tx.records.save(patient_id, known + added, after=record.version)
                tx.consultations.mark_organised(consultation.id, consultation.source.version)
            if one.items:
                self._add_draft(tx, consultation, one, number)
        return added

    def _add_draft(self, tx: Tx, consultation: Consultation, one: DemoConsultation, number: int) -> None:
        items = tuple(
            DraftItem(
                ItemId(self.new_id()),
                item.section,
                item.text,
                basis=item.basis,
                quote=item.quote,
                span=item.span,
            )
            for item in one.items
        )
        draft = Draft(
            DraftId(self.new_id()),
            consultation.patient_id,
            consultation.id,
            one.question,
            items=items,
            version=1,
            started_at=consultation.at,
        )
        tx.drafts.add(draft, Change.STARTED)
        if one.open_draft:
            return
        signed_at = self.clock.now = consultation.at + timedelta(minutes=50)
        tx.notes.add(
            Note(
                NoteId(self.new_id()),
                consultation.patient_id,
                consultation.id,
                draft.id,
                number=number,
                at=consultation.at,
                signed_at=signed_at,
                author=self.by.counsellor.name,
                question=one.question,
                items=items,
            )
        )
        tx.drafts.set_state(draft.id, DraftState.SAVED)

    def _moment(self, days_ago: int) -> datetime:
        return (self.now - timedelta(days=days_ago)).replace(hour=6, minute=30, second=0, microsecond=0)


def _parse_patient(text: str) -> DemoPatient:
    value = tomllib.loads(text)
    return DemoPatient(
        name=value["name"],
        number=value["number"],
        language=cast(Language, value["language"]),
        consultations=tuple(_parse_consultation(one) for one in value["consultations"]),
    )


def _parse_consultation(value: dict[str, Any]) -> DemoConsultation:
    text = value["text"].strip()
    return DemoConsultation(
        days_ago=value["days_ago"],
        text=text,
        question=value["question"],
        statements=tuple(
            Statement(
                RecordField(one["field"]),
                one["text"],
                one["quote"],
                _find_span(text, one["quote"]),
                one.get("kind", ""),
            )
            for one in value.get("statements", ())
        ),
        items=tuple(_parse_item(text, one) for one in value.get("items", ())),
        open_draft=value.get("open_draft", False),
    )


def _parse_item(text: str, value: dict[str, Any]) -> DraftItem:
    section = Section(value["section"])
    quote = value.get("quote", "")
    basis = None
    if section == Section.REASON:
        basis = Basis.QUOTED if quote else Basis.INFERRED
    return DraftItem(
        ItemId(""), section, value["text"], basis, quote, _find_span(text, quote) if quote else None
    )


def _find_span(text: str, quote: str) -> Span:
    start = text.find(quote)
    if start < 0:
        raise ValueError(f"a quote of {len(quote)} characters does not stand in its text")
    return Span(start, start + len(quote))
