"""Notes: a draft signed, what is added to it afterwards, and how notes leave the house."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phyassist.domain.drafts import Basis, Draft, DraftId, DraftItem, DraftState, Section
from phyassist.domain.notes import Amendment, Note, NoteId
from phyassist.domain.people import Language, Patient, PatientId
from phyassist.domain.records import Record, RecordField
from phyassist.errors import EmptyText
from phyassist.services.access import check_may_change
from phyassist.services.following import get_followed
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

Form = Literal["txt", "md", "json"]

_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "person": "个人基本信息",
        "name": "姓名",
        "number": "编号",
        "note": "笔记",
        "question": "咨询问题",
        "analysis": "分析",
        "symptom_type": "症状类型",
        "reason": "原因",
        "advice": "建议",
        "quoted": "原话",
        "inferred": "推断",
        "amendment": "补记",
        "signed": "签署",
        "colon": "：",
        "open": "（",
        "close": "）",
        "left": "“",
        "right": "”",
        "not_mentioned": "未提及",
        "file": "notes",
    },
    "en": {
        "person": "Personal basic information",
        "name": "Name",
        "number": "Number",
        "note": "Note",
        "question": "Counselling question",
        "analysis": "Analysis",
        "symptom_type": "Symptom type",
        "reason": "Reasons",
        "advice": "Advice",
        "quoted": "in the client's words",
        "inferred": "inferred",
        "amendment": "Amendment",
        "signed": "signed",
        "colon": ": ",
        "open": " (",
        "close": ")",
        "left": "“",
        "right": "”",
        "not_mentioned": "not mentioned",
        "file": "notes",
    },
}
# What begins or makes a mark in Markdown, and what begins HTML.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~&=:.@$^])")


@dataclass(frozen=True, slots=True)
class Export:
    """A file to be handed over; its name holds the practice's number for the patient, never a name."""

    file_name: str
    data: bytes = field(repr=False)


def preview_note(store: Store, by: SignedIn, *, draft_id: DraftId) -> Note:
    """The note as it would be signed now; nothing is stored.

    Raises NotFound, NotYourPatient, EmptyText where no item stands.
    """
    with store.read(by) as tx:
        return _make_note(tx, by, tx.drafts.get(draft_id), NoteId(""), store.clock())


def save_note(store: Store, by: SignedIn, *, draft_id: DraftId, after: int) -> Note:
    """The draft signed: a dated note that never changes.  The draft is closed; its versions stay.

    Raises NotFound, NotYourPatient, NotAllowed, EmptyText, ChangedMeanwhile.
    """
    with store.write(by) as tx:
        draft = get_followed(tx, draft_id, after=after, touching=None)
        note = tx.notes.add(_make_note(tx, by, draft, NoteId(store.new_id()), store.clock()))
        tx.drafts.set_state(draft_id, DraftState.SAVED)
        tx.audit.write(Act.SIGNED, Kind.NOTE, note.id)
    return note


def amend_note(store: Store, by: SignedIn, *, note_id: NoteId, reason: str, text: str) -> Note:
    """The note with words added below it, with author, time and reason.

    Raises NotFound, NotYourPatient, EmptyText where either is missing.
    """
    if not text.strip():
        raise EmptyText("an amendment needs words", hint="write what is to be added")
    if not reason.strip():
        raise EmptyText("an amendment needs a reason", hint="say why it is added")
    amendment = Amendment(store.clock(), by.counsellor.name, reason.strip(), text.strip())
    with store.write(by) as tx:
        check_may_change(tx, tx.notes.get(note_id).patient_id)
        note = tx.notes.amend(note_id, amendment)
        tx.audit.write(Act.AMENDED, Kind.NOTE, note_id)
    return note


def render_note_text(
    patient: Patient, record: Record, notes: tuple[Note, ...], language: Language, *, zone: str = "UTC"
) -> str:
    """Notes as the original study writes them: the person, then each note with its date, oldest first."""
    words = _WORDS[language]
    blocks = ["\n".join(_render_person(patient, record, words))]
    blocks += [
        "\n".join(_render_note(note, words, zone)) for note in sorted(notes, key=lambda note: note.number)
    ]
    return "\n\n".join(blocks) + "\n"


def render_note_markdown(
    patient: Patient, record: Record, notes: tuple[Note, ...], language: Language, *, zone: str = "UTC"
) -> str:
    """The same as Markdown.  What people said is shown as it is: nothing in it becomes a mark or a link."""
    words = _WORDS[language]
    lines = [f"# {words['person']}", ""]
    lines += [f"- {_plain_markdown(line)}" for line in _render_person(patient, record, words)[1:]]
    for note in sorted(notes, key=lambda note: note.number):
        head = f"{words['note']} {note.number}"
        lines += ["", f"## {head} · {_render_date(note.at, zone)}", ""]
        lines += [f"### {words['question']}", "", _plain_markdown(note.question or words["not_mentioned"])]
        lines += ["", f"### {words['analysis']}", ""]
        for section in Section:
            if section == Section.ADVICE:
                lines += ["", f"### {words['advice']}"]
            elif section in (Section.SYMPTOM_TYPE, Section.REASON):
                lines += [f"#### {words[section.value]}"]
            lines.append("")
            lines += [
                f"{no}. {_plain_markdown(_render_item(item, words))}"
                for no, item in enumerate(note.of(section), start=1)
            ]
            lines.append("")
        lines += [
            f"> {_plain_markdown(_render_amendment(amendment, words, zone))}\n"
            for amendment in note.amendments
        ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def export_notes(store: Store, by: SignedIn, *, patient_id: PatientId, form: Form) -> Export:
    """All notes of a patient in one file, in the clear; written down in the audit.

    Raises NotFound, NotYourPatient, CannotOpen.
    """
    with store.write(by) as tx:
        patient, record = tx.patients.get(patient_id), tx.records.get(patient_id)
        notes = tx.notes.list(patient_id)
        tx.audit.write(Act.EXPORTED, Kind.PATIENT, patient_id)
    zone = by.counsellor.zone
    if form == "json":
        text = json.dumps(_as_json(patient, record, notes), ensure_ascii=False, indent=2) + "\n"
    elif form == "md":
        text = render_note_markdown(patient, record, notes, patient.language, zone=zone)
    else:
        text = render_note_text(patient, record, notes, patient.language, zone=zone)
    number = re.sub(r"[^0-9A-Za-z_-]+", "-", patient.number).strip("-") or patient.id[:8]
    return Export(f"{_WORDS[patient.language]['file']}-{number}.{form}", text.encode("utf-8"))


def _make_note(tx: Tx, by: SignedIn, draft: Draft, note_id: NoteId, now: datetime) -> Note:
    if not draft.standing:
        raise EmptyText("the draft has no items to sign", hint="write an analysis, or add an item by hand")
    consultation = tx.consultations.get(draft.consultation_id)
    numbers = [note.number for note in tx.notes.list(draft.patient_id)]
    # Comments are instructions to the model, not part of what is signed; they stay with the draft.
    items = tuple(replace(item, comments=()) for item in draft.standing)
    return Note(
        id=note_id,
        patient_id=draft.patient_id,
        consultation_id=draft.consultation_id,
        draft_id=draft.id,
        number=max(numbers, default=0) + 1,
        at=consultation.at,
        signed_at=now,
        author=by.counsellor.name,
        question=draft.question,
        items=items,
    )


def _render_person(patient: Patient, record: Record, words: dict[str, str]) -> list[str]:
    lines = [words["person"], f"{words['name']}{words['colon']}{_line(patient.name)}"]
    if patient.number:
        lines.append(f"{words['number']}{words['colon']}{_line(patient.number)}")
    lines += [_line(line.statement.text) for line in record.of(RecordField.DEMOGRAPHIC)]
    return lines


def _render_note(note: Note, words: dict[str, str], zone: str) -> list[str]:
    colon = words["colon"]
    lines = [
        f"{words['note']} {note.number}    {_render_date(note.at, zone)}",
        f"{words['question']}{colon}{_line(note.question) or words['not_mentioned']}",
        f"{words['analysis']}{colon}".rstrip(),
    ]
    types = "; ".join(_render_item(item, words) for item in note.of(Section.SYMPTOM_TYPE))
    lines.append(f"  {words['symptom_type']}{colon}{types or words['not_mentioned']}")
    lines.append(f"  {words['reason']}{colon}".rstrip())
    lines += [
        f"    {no}. {_render_item(item, words)}" for no, item in enumerate(note.of(Section.REASON), start=1)
    ]
    lines.append(f"{words['advice']}{colon}".rstrip())
    lines += [
        f"  {no}. {_render_item(item, words)}" for no, item in enumerate(note.of(Section.ADVICE), start=1)
    ]
    lines.append(f"{words['signed']}{colon}{_line(note.author)}, {_render_date(note.signed_at, zone)}")
    lines += [_render_amendment(amendment, words, zone) for amendment in note.amendments]
    return lines


def _render_item(item: DraftItem, words: dict[str, str]) -> str:
    text = _line(item.text)
    if item.basis == Basis.QUOTED and item.quote:
        quote = f"{words['left']}{_line(item.quote)}{words['right']}"
        return f"{text}{words['open']}{words['quoted']}{words['colon']}{quote}{words['close']}"
    if item.basis == Basis.INFERRED:
        return f"{text}{words['open']}{words['inferred']}{words['close']}"
    return text


def _render_amendment(amendment: Amendment, words: dict[str, str], zone: str) -> str:
    about = f"{_render_date(amendment.at, zone)}, {_line(amendment.author)}, {_line(amendment.reason)}"
    return (
        f"{words['amendment']}{words['open']}{about}{words['close']}{words['colon']}{_line(amendment.text)}"
    )


def _render_date(at: datetime, zone: str) -> str:
    try:
        return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d}"
    except (ZoneInfoNotFoundError, ValueError):
        return f"{at:%Y-%m-%d}"


def _line(text: str) -> str:
    """Words on one line: a line break in them cannot pass for a heading of the note."""
    return " ".join(text.split())


def _plain_markdown(text: str) -> str:
    return _MARKS.sub(r"\\\1", _line(text))


def _as_json(patient: Patient, record: Record, notes: tuple[Note, ...]) -> dict[str, Any]:
    return {
        "patient": {
            "id": patient.id,
            "name": patient.name,
            "number": patient.number,
            "demographic_data": [line.statement.text for line in record.of(RecordField.DEMOGRAPHIC)],
        },
        "notes": [_note_as_json(note) for note in sorted(notes, key=lambda note: note.number)],
    }


def _note_as_json(note: Note) -> dict[str, Any]:
    return {
        "id": note.id,
        "number": note.number,
        "at": note.at.isoformat(),
        "signed_at": note.signed_at.isoformat(),
        "author": note.author,
        "question": note.question,
        "symptom_type": [{"text": item.text} for item in note.of(Section.SYMPTOM_TYPE)],
        "reasons": [
            {"text": item.text, "quote": item.quote, "basis": item.basis.value if item.basis else None}
            for item in note.of(Section.REASON)
        ],
        "advice": [{"text": item.text} for item in note.of(Section.ADVICE)],
        "amendments": [
            {
                "at": amendment.at.isoformat(),
                "author": amendment.author,
                "reason": amendment.reason,
                "text": amendment.text,
            }
            for amendment in note.amendments
        ],
    }
