"""Values to store, each as full as its type allows, with the given text in every field that holds words."""

from __future__ import annotations

from datetime import UTC, datetime

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterKind, AdapterState, NoteRef
from phyassist.domain.drafts import (
    Basis,
    Comment,
    Draft,
    DraftId,
    DraftItem,
    ItemId,
    Section,
    TextRead,
    UnreadReply,
    WrittenBy,
)
from phyassist.domain.library import Citation
from phyassist.domain.notes import Amendment, Note, NoteId
from phyassist.domain.people import PatientId
from phyassist.domain.records import (
    Consultation,
    ConsultationId,
    RecordField,
    RecordLine,
    Source,
    SourceId,
    Span,
    Standing,
    Statement,
    StatementId,
)

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MODEL = WrittenBy("qwen2.5-coder-1.5b-instruct", "a17")


def make_consultation(
    patient_id: PatientId, *, number: int = 1, text: str = "", at: datetime = AT
) -> Consultation:
    return Consultation(
        ConsultationId(f"consultation{number}"), patient_id, at, Source(SourceId(f"source{number}"), text)
    )


def make_line(text: str = "sleeps four hours a night", *, number: int = 1) -> RecordLine:
    return RecordLine(
        id=StatementId(f"statement{number}"),
        statement=Statement(RecordField.PHYSICAL, text, f"{text}, verbatim", Span(3, 28), "sleep"),
        source_id=SourceId("source1"),
        consultation_id=ConsultationId("consultation1"),
        added_at=AT,
        standing=Standing.DIFFERS,
        differs_from=StatementId("statement0"),
    )


def make_item(
    text: str = "academic worry", *, number: int = 1, section: Section = Section.REASON
) -> DraftItem:
    return DraftItem(
        id=ItemId(f"item{number}"),
        section=section,
        text=text,
        basis=Basis.QUOTED,
        quote=f"{text}, verbatim",
        span=Span(0, 9),
        written_by=MODEL,
        edited=True,
        deleted=False,
        comments=(Comment(f"{text}, said otherwise", AT, followed=True),),
        citation=Citation("document1-3", f"{text}, a handbook", 12, f"{text}, cited"),
    )


def make_unread(text: str = "not an item", *, number: int = 1) -> UnreadReply:
    return UnreadReply(ItemId(f"unread{number}"), Section.ADVICE, "it is not JSON", text, MODEL)


def make_draft(
    patient_id: PatientId, *, text: str = "academic worry", number: int = 1, items: int = 1
) -> Draft:
    return Draft(
        id=DraftId(f"draft{number}"),
        patient_id=patient_id,
        consultation_id=ConsultationId("consultation1"),
        question=f"why {text}",
        items=tuple(make_item(text, number=each + 1) for each in range(items)),
        unread=(make_unread(text),),
        partial=f"part of {text}",
        notes_used=("note1",),
        left_out=("note0",),
        adapter_reason="patient-adapter",
        record_left_out=3,
        text_read=TextRead.PART,
        text_left_out=7,
        orders_hidden=2,
        passages_used=(Citation("document1-3", f"{text}, a handbook", 12),),
    )


def make_note(
    patient_id: PatientId, *, text: str = "academic worry", number: int = 1, at: datetime = AT
) -> Note:
    return Note(
        id=NoteId(f"note{number}"),
        patient_id=patient_id,
        consultation_id=ConsultationId("consultation1"),
        draft_id=DraftId("draft1"),
        number=0,
        at=at,
        signed_at=at,
        author="Anna Weiss",
        question=f"why {text}",
        items=(make_item(text), make_item(text, number=2, section=Section.ADVICE)),
    )


def make_adapter(
    patient_id: PatientId | None, kind: AdapterKind = AdapterKind.PATIENT, name: str = "a1"
) -> AdapterCard:
    return AdapterCard(
        id=AdapterId(name),
        base_sha256="b" * 64,
        patient_id=patient_id,
        trained_at=AT,
        state=AdapterState.TRAINING,
        kind=kind,
        label="the evening group",
        ledger=(NoteRef(NoteId("note1"), 2), NoteRef(NoteId("note2"), 1)),
        config={"rank": "8", "free": "zh reason,zh advice"},
    )


def make_amendment(text: str = "the date was wrong", *, at: datetime = AT) -> Amendment:
    return Amendment(at, "Anna Weiss", f"because {text}", text)
