"""Values as bytes, before they are sealed.  What is written here today opens forever.

JSON with short fixed names.  Each blob carries `v`, the version of its coding; a field added later is read
with a default, and a field is never renamed (`tests/vectors/coding.json`).  Ids, times and versions that
stand in columns are not repeated inside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeVar

from phyassist.domain.consents import Answer, Consent, ConsentId, Purpose, Signer
from phyassist.domain.drafts import (
    Basis,
    Comment,
    Draft,
    DraftItem,
    ItemId,
    Section,
    TextRead,
    UnreadReply,
    WrittenBy,
)
from phyassist.domain.library import Citation
from phyassist.domain.notes import ORIGINAL, Amendment, ByHand, Note, Withdrawn
from phyassist.domain.people import Counsellor, CounsellorId, Patient, PatientId, Role
from phyassist.domain.records import (
    ConsultationId,
    RecordField,
    RecordLine,
    SourceId,
    Span,
    Standing,
    Statement,
    StatementId,
)
from phyassist.errors import StoreUnusable
from phyassist.store.people import Identity, Invited

Json = Mapping[str, Any]
_Value = TypeVar("_Value")
CODING = 1
# To look a value up costs a fifth of asking the enum for it, and a patient's page reads thousands.
_SECTIONS, _BASES = {each.value: each for each in Section}, {each.value: each for each in Basis}


def pack(fields: Json) -> bytes:
    """One blob: UTF-8 JSON that carries the version of its coding."""
    return json.dumps({"v": CODING, **fields}, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def unpack(blob: bytes, read: Callable[[Json], _Value]) -> _Value:
    """What `read` makes of a blob.

    Raises StoreUnusable where a newer PhyAssist wrote it: what it says is then not guessed at.
    """
    try:
        fields = json.loads(blob.decode("utf-8", "surrogatepass"))
        if fields["v"] > CODING:
            raise StoreUnusable("a newer PhyAssist wrote this store", hint="update PhyAssist")
        return read(fields)
    except (KeyError, TypeError, ValueError):
        # The contents stay out of the message, and so does the error that quotes them.
        raise StoreUnusable(
            "a value in the store cannot be read by this PhyAssist", hint="update PhyAssist, or run doctor"
        ) from None


def pack_text(text: str) -> bytes:
    return pack({"text": text})


def unpack_text(blob: bytes) -> str:
    return unpack(blob, lambda fields: str(fields["text"]))


def write_time(at: datetime) -> str:
    return at.isoformat()


def read_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def write_span(span: Span | None) -> list[int] | None:
    return None if span is None else [span.start, span.end]


def read_span(pair: list[int]) -> Span:
    return Span(int(pair[0]), int(pair[1]))


def write_line(line: RecordLine) -> Json:
    said = line.statement
    return {
        "id": line.id,
        "field": said.field.value,
        "text": said.text,
        "quote": said.quote,
        "span": write_span(said.span),
        "kind": said.kind,
        "source": line.source_id,
        "consultation": line.consultation_id,
        "added": write_time(line.added_at),
        "standing": line.standing.value,
        "differs": line.differs_from,
    }


def read_line(fields: Json) -> RecordLine:
    differs = fields.get("differs")
    return RecordLine(
        id=StatementId(fields["id"]),
        statement=Statement(
            field=RecordField(fields["field"]),
            text=fields["text"],
            quote=fields["quote"],
            span=read_span(fields["span"]),
            kind=fields.get("kind", ""),
        ),
        source_id=SourceId(fields["source"]),
        consultation_id=ConsultationId(fields["consultation"]),
        added_at=read_time(fields["added"]),
        standing=Standing(fields["standing"]),
        differs_from=None if differs is None else StatementId(differs),
    )


def pack_lines(lines: tuple[RecordLine, ...]) -> bytes:
    return pack({"lines": [write_line(line) for line in lines]})


def unpack_lines(blob: bytes) -> tuple[RecordLine, ...]:
    return unpack(blob, lambda fields: tuple(read_line(line) for line in fields["lines"]))


def write_item(item: DraftItem) -> Json:
    return {
        "id": item.id,
        "section": item.section.value,
        "text": item.text,
        "basis": None if item.basis is None else item.basis.value,
        "quote": item.quote,
        "span": write_span(item.span),
        "by": write_writer(item.written_by),
        "edited": item.edited,
        "deleted": item.deleted,
        "comments": [
            {"words": comment.words, "at": write_time(comment.at), "followed": comment.followed}
            for comment in item.comments
        ],
        **({"cites": write_citation(item.citation)} if item.citation else {}),
    }


def write_citation(citation: Citation) -> list[object]:
    return [citation.passage_id, citation.title, citation.page, citation.quote]


def read_citation(parts: Sequence[Any]) -> Citation:
    return Citation(parts[0], parts[1], int(parts[2]), parts[3])


def read_item(fields: Json) -> DraftItem:
    basis, span = fields.get("basis"), fields.get("span")
    return DraftItem(
        id=ItemId(fields["id"]),
        section=_SECTIONS[fields["section"]],
        text=fields["text"],
        basis=None if basis is None else _BASES[basis],
        quote=fields.get("quote", ""),
        span=None if span is None else read_span(span),
        written_by=read_writer(fields.get("by", {})),
        edited=bool(fields.get("edited", False)),
        deleted=bool(fields.get("deleted", False)),
        comments=_read_comments(fields.get("comments", ())),
        citation=read_citation(fields["cites"]) if fields.get("cites") else None,
    )


def _read_comments(comments: Sequence[Json]) -> tuple[Comment, ...]:
    if not comments:
        return ()
    return tuple(
        Comment(comment["words"], read_time(comment["at"]), bool(comment.get("followed", False)))
        for comment in comments
    )


def write_unread(unread: UnreadReply) -> Json:
    return {
        "id": unread.id,
        "section": None if unread.section is None else unread.section.value,
        "why": unread.why,
        "reply": unread.reply,
        "by": write_writer(unread.written_by),
    }


def read_unread(fields: Json) -> UnreadReply:
    section = fields.get("section")
    return UnreadReply(
        id=ItemId(fields["id"]),
        section=None if section is None else Section(section),
        why=fields["why"],
        reply=fields["reply"],
        written_by=read_writer(fields.get("by", {})),
    )


def write_writer(writer: WrittenBy) -> Json:
    return {"model": writer.model, "adapter": writer.adapter}


def read_writer(fields: Json) -> WrittenBy:
    return _writer(fields.get("model", ""), fields.get("adapter", ""))


@lru_cache(maxsize=256)
def _writer(model: str, adapter: str) -> WrittenBy:
    return WrittenBy(model, adapter)


def pack_draft(draft: Draft) -> bytes:
    """A draft's content at one version; its ids, state, times and partial text stand beside it."""
    return pack(
        {
            "question": draft.question,
            "items": [write_item(item) for item in draft.items],
            "unread": [write_unread(unread) for unread in draft.unread],
            "notes": list(draft.notes_used),
            "left_out": list(draft.left_out),
            "adapter_reason": draft.adapter_reason,
            "record_left_out": draft.record_left_out,
            "text_read": draft.text_read.value,
            "text_left_out": draft.text_left_out,
            "orders_hidden": draft.orders_hidden,
            "passages": [write_citation(each) for each in draft.passages_used],
        }
    )


def unpack_draft(blob: bytes, bare: Draft) -> Draft:
    """`bare`, a draft with only what stands in columns, filled with its content."""

    def read(fields: Json) -> Draft:
        return replace(
            bare,
            question=fields["question"],
            items=tuple(read_item(item) for item in fields["items"]),
            unread=tuple(read_unread(unread) for unread in fields.get("unread", ())),
            notes_used=tuple(fields.get("notes", ())),
            left_out=tuple(fields.get("left_out", ())),
            adapter_reason=fields.get("adapter_reason", ""),
            record_left_out=int(fields.get("record_left_out", 0)),
            text_read=TextRead(fields.get("text_read", TextRead.WHOLE)),
            text_left_out=int(fields.get("text_left_out", 0)),
            orders_hidden=int(fields.get("orders_hidden", 0)),
            passages_used=tuple(read_citation(each) for each in fields.get("passages", ())),
        )

    return unpack(blob, read)


def pack_note(note: Note, salt: str = "") -> bytes:
    """`salt` keeps a note's fingerprint from telling anything to who guesses at its words."""
    return pack(
        {
            "author": note.author,
            "question": note.question,
            "items": [write_item(item) for item in note.items],
            "template": note.template,
            "by_hand": [[each.heading, each.text] for each in note.by_hand],
            "salt": salt,
        }
    )


def unpack_note(blob: bytes, bare: Note) -> Note:
    """`bare`, a note with only what stands in columns, filled with its content."""

    def read(fields: Json) -> Note:
        return replace(
            bare,
            author=fields["author"],
            question=fields["question"],
            items=tuple(read_item(item) for item in fields["items"]),
            template=fields.get("template", ORIGINAL),
            by_hand=tuple(ByHand(heading, text) for heading, text in fields.get("by_hand", ())),
        )

    return unpack(blob, read)


def pack_withdrawal(by: str, reason: str) -> bytes:
    return pack({"by": by, "reason": reason})


def unpack_withdrawal(blob: bytes, note: Note, at: datetime) -> Withdrawn:
    return unpack(blob, lambda fields: Withdrawn(note, at, fields["by"], fields["reason"]))


def pack_amendment(amendment: Amendment) -> bytes:
    return pack({"author": amendment.author, "reason": amendment.reason, "text": amendment.text})


def unpack_amendment(blob: bytes, at: datetime) -> Amendment:
    return unpack(blob, lambda fields: Amendment(at, fields["author"], fields["reason"], fields["text"]))


def pack_card(patient: Patient) -> bytes:
    return pack({"name": patient.name, "number": patient.number, "language": patient.language})


def unpack_card(blob: bytes, bare: Patient) -> Patient:
    """`bare`, a patient with only what stands in columns, filled with the card."""
    return unpack(
        blob,
        lambda fields: replace(
            bare, name=fields["name"], number=fields["number"], language=fields["language"]
        ),
    )


def write_identity(identity: Identity) -> Json:
    return {
        "role": identity.role.value,
        "public": identity.public.hex(),
        "signing": identity.signing.hex(),
    }


def read_identity(fields: Json, counsellor_id: CounsellorId) -> Identity:
    return Identity(
        counsellor_id,
        Role(fields["role"]),
        bytes.fromhex(fields["public"]),
        bytes.fromhex(fields["signing"]),
    )


def pack_identity(identity: Identity) -> bytes:
    return pack(write_identity(identity))


def unpack_identity(blob: bytes, counsellor_id: CounsellorId) -> Identity:
    return unpack(blob, lambda fields: read_identity(fields, counsellor_id))


def pack_invited(invited: Invited) -> bytes:
    return pack(
        {
            "id": invited.counsellor_id,
            "name": invited.name,
            "role": invited.role.value,
            "recovery": invited.recovery_public.hex(),
            "keys": [[key_id, term, raw.hex()] for key_id, term, raw in invited.practice_keys],
            "inviter_id": invited.inviter.id,
            "inviter": write_identity(invited.inviter),
        }
    )


def unpack_invited(blob: bytes) -> Invited:
    def read(fields: Json) -> Invited:
        return Invited(
            CounsellorId(fields["id"]),
            fields["name"],
            Role(fields["role"]),
            bytes.fromhex(fields["recovery"]),
            tuple((key_id, int(term), bytes.fromhex(raw)) for key_id, term, raw in fields["keys"]),
            read_identity(fields["inviter"], CounsellorId(fields["inviter_id"])),
        )

    return unpack(blob, read)


def pack_person(counsellor: Counsellor) -> bytes:
    return pack({"name": counsellor.name, "language": counsellor.language, "zone": counsellor.zone})


def unpack_person(blob: bytes, bare: Counsellor) -> Counsellor:
    """`bare`, a counsellor with only an id, filled."""
    return unpack(
        blob,
        lambda fields: replace(bare, name=fields["name"], language=fields["language"], zone=fields["zone"]),
    )


def pack_consent(consent: Consent) -> bytes:
    return pack(
        {
            "purpose": consent.purpose.value,
            "answer": consent.answer.value,
            "on": consent.on.isoformat(),
            "signed_by": consent.signed_by.value,
            "remark": consent.remark,
        }
    )


def unpack_consent(blob: bytes, consent_id: ConsentId, patient_id: PatientId) -> Consent:
    return unpack(
        blob,
        lambda fields: Consent(
            consent_id,
            patient_id,
            Purpose(fields["purpose"]),
            Answer(fields["answer"]),
            date.fromisoformat(fields["on"]),
            Signer(fields["signed_by"]),
            fields["remark"],
        ),
    )
