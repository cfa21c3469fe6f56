"""Notes on paper and in files: as the original study writes them, or under the headings of a template."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phyassist.domain.drafts import Basis, DraftItem, Section
from phyassist.domain.notes import ORIGINAL, Amendment, Note, Withdrawn
from phyassist.domain.people import Language, Patient
from phyassist.domain.records import Record, RecordField
from phyassist.domain.templates import Arranged, Line, Part
from phyassist.services.templates import arrange_note, get_template

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
        "nothing": "未填写",
        "withdrawn": "已撤回",
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
        "nothing": "nothing noted",
        "withdrawn": "withdrawn",
    },
}
# What begins or makes a mark in Markdown, and what begins HTML.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~&=:.@$^])")


def render_note_text(
    patient: Patient,
    record: Record,
    notes: tuple[Note, ...],
    language: Language,
    *,
    zone: str = "UTC",
    template: str = "",
    withdrawn: tuple[Withdrawn, ...] = (),
) -> str:
    """Notes as the original study writes them: the person, then each note with its date, oldest first.

    Each stands in the form that it was signed in unless a `template` is named.  Of a withdrawn note a line
    says so.  Raises UnknownName.
    """
    words = _WORDS[language]
    blocks = ["\n".join(_render_person(patient, record, words))]
    for note in sorted(notes, key=lambda note: note.number):
        lines = _render_note(note, language, zone, template)
        blocks.append("\n".join(lines))
    blocks += [_render_withdrawn(each, words, zone) for each in withdrawn]
    return "\n\n".join(blocks) + "\n"


def render_note_markdown(
    patient: Patient,
    record: Record,
    notes: tuple[Note, ...],
    language: Language,
    *,
    zone: str = "UTC",
    template: str = "",
    withdrawn: tuple[Withdrawn, ...] = (),
) -> str:
    """The same as Markdown.  What people said is shown as it is: nothing in it becomes a mark or a link."""
    words = _WORDS[language]
    lines = [f"# {words['person']}", ""]
    lines += [f"- {_plain_markdown(line)}" for line in _render_person(patient, record, words)[1:]]
    for note in sorted(notes, key=lambda note: note.number):
        head = f"{words['note']} {note.number}"
        lines += ["", f"## {head} · {_render_date(note.at, zone)}{_say_form(note, template)}", ""]
        lines += _mark_up(note, language, template)
        lines += [
            f"> {_plain_markdown(_render_amendment(amendment, words, zone))}\n"
            for amendment in note.amendments
        ]
    lines += ["", *(f"- {_plain_markdown(_render_withdrawn(each, words, zone))}" for each in withdrawn)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def make_export_json(
    patient: Patient,
    record: Record,
    notes: tuple[Note, ...],
    language: Language,
    *,
    template: str = "",
    withdrawn: tuple[Withdrawn, ...] = (),
) -> dict[str, Any]:
    """The same for another program; `docs/json.md` has its fields.  Raises UnknownName."""
    return {
        "patient": {
            "id": patient.id,
            "name": patient.name,
            "number": patient.number,
            "demographic_data": [line.statement.text for line in record.of(RecordField.DEMOGRAPHIC)],
        },
        "notes": [
            _note_as_json(note, language, template) for note in sorted(notes, key=lambda note: note.number)
        ],
        "withdrawn": [
            {"id": each.note.id, "number": each.note.number, "at": each.at.isoformat(), "reason": each.reason}
            for each in sorted(withdrawn, key=lambda each: each.note.number)
        ],
    }


def name_file(patient: Patient, form: str, kind: str = "notes") -> str:
    """The practice's number for the patient, or a part of the id; never a name."""
    number = re.sub(r"[^0-9A-Za-z_-]+", "-", patient.number).strip("-") or patient.id[:8]
    return f"{kind}-{number}.{form}"


def _render_person(patient: Patient, record: Record, words: dict[str, str]) -> list[str]:
    lines = [words["person"], f"{words['name']}{words['colon']}{_line(patient.name)}"]
    if patient.number:
        lines.append(f"{words['number']}{words['colon']}{_line(patient.number)}")
    lines += [_line(line.statement.text) for line in record.of(RecordField.DEMOGRAPHIC)]
    return lines


def _render_note(note: Note, language: Language, zone: str, template: str) -> list[str]:
    words = _WORDS[language]
    colon = words["colon"]
    head = f"{words['note']} {note.number}    {_render_date(note.at, zone)}{_say_form(note, template)}"
    arranged = arrange_note(note, language, template=template)
    if _is_original(note, template):
        lines = [head, *_render_original(note, words)]
        arranged = _by_hand_alone(arranged)
    else:
        lines = [head]
    for each in arranged:
        lines += [f"{each.title}{colon}".rstrip(), *(f"  {line}" for line in _render_arranged(each, words))]
    lines.append(f"{words['signed']}{colon}{_line(note.author)}, {_render_date(note.signed_at, zone)}")
    lines += [_render_amendment(amendment, words, zone) for amendment in note.amendments]
    return lines


def _render_original(note: Note, words: dict[str, str]) -> list[str]:
    colon = words["colon"]
    types = "; ".join(_render_item(item, words) for item in note.of(Section.SYMPTOM_TYPE))
    lines = [
        f"{words['question']}{colon}{_line(note.question) or words['not_mentioned']}",
        f"{words['analysis']}{colon}".rstrip(),
        f"  {words['symptom_type']}{colon}{types or words['not_mentioned']}",
        f"  {words['reason']}{colon}".rstrip(),
    ]
    reasons, advice = note.of(Section.REASON), note.of(Section.ADVICE)
    lines += [f"    {no}. {_render_item(item, words)}" for no, item in enumerate(reasons, start=1)]
    lines.append(f"{words['advice']}{colon}".rstrip())
    lines += [f"  {no}. {_render_item(item, words)}" for no, item in enumerate(advice, start=1)]
    return lines


def _render_arranged(each: Arranged, words: dict[str, str]) -> list[str]:
    """What stands under a heading, a line each; no line of it can pass for a heading."""
    lines = [_render_line(line, words) for line in each.lines]
    if len(lines) > 1:
        lines = [f"{no}. {line}" for no, line in enumerate(lines, start=1)]
    lines += [_line(line) for line in each.by_hand.split("\n") if line.strip()]
    return lines or [words["nothing"]]


def _mark_up(note: Note, language: Language, template: str) -> list[str]:
    words = _WORDS[language]
    arranged = arrange_note(note, language, template=template)
    lines: list[str] = []
    if _is_original(note, template):
        lines += _mark_up_original(note, words)
        arranged = _by_hand_alone(arranged)
    for each in arranged:
        lines += ["", f"### {_plain_markdown(each.title)}", ""]
        lines += [f"{_plain_markdown(line)}\n" for line in _render_arranged(each, words)]
    return lines


def _mark_up_original(note: Note, words: dict[str, str]) -> list[str]:
    lines = [f"### {words['question']}", "", _plain_markdown(note.question or words["not_mentioned"])]
    lines += ["", f"### {words['analysis']}", ""]
    for section in Section:
        if section == Section.ADVICE:
            lines += ["", f"### {words['advice']}"]
        else:
            lines += [f"#### {words[section.value]}"]
        lines.append("")
        lines += [
            f"{no}. {_plain_markdown(_render_item(item, words))}"
            for no, item in enumerate(note.of(section), start=1)
        ]
        lines.append("")
    return lines


def _is_original(note: Note, template: str) -> bool:
    return get_template(template).is_original if template else note.template == ORIGINAL


def _by_hand_alone(arranged: tuple[Arranged, ...]) -> tuple[Arranged, ...]:
    """What was written under the headings of another form: the original's layout has no place for it."""
    return tuple(each for each in arranged if each.by_hand)


def _say_form(note: Note, template: str) -> str:
    label = template or note.template
    return "" if label == ORIGINAL else f"    {label.upper()}"


def _render_line(line: Line, words: dict[str, str]) -> str:
    text = _line(line.text)
    if line.part == Part.QUOTES:
        return f"{words['left']}{text}{words['right']}"
    return _render_basis(text, line.basis, line.quote, words)


def _render_item(item: DraftItem, words: dict[str, str]) -> str:
    return _render_basis(_line(item.text), item.basis, item.quote, words)


def _render_basis(text: str, basis: Basis | None, quote: str, words: dict[str, str]) -> str:
    if basis == Basis.QUOTED and quote:
        said = f"{words['left']}{_line(quote)}{words['right']}"
        return f"{text}{words['open']}{words['quoted']}{words['colon']}{said}{words['close']}"
    if basis == Basis.INFERRED:
        return f"{text}{words['open']}{words['inferred']}{words['close']}"
    return text


def _render_amendment(amendment: Amendment, words: dict[str, str], zone: str) -> str:
    about = f"{_render_date(amendment.at, zone)}, {_line(amendment.author)}, {_line(amendment.reason)}"
    return (
        f"{words['amendment']}{words['open']}{about}{words['close']}{words['colon']}{_line(amendment.text)}"
    )


def _render_withdrawn(trace: Withdrawn, words: dict[str, str], zone: str) -> str:
    about = f"{_render_date(trace.at, zone)}, {_line(trace.by)}, {_line(trace.reason)}"
    return f"{words['note']} {trace.note.number} {words['withdrawn']}{words['open']}{about}{words['close']}"


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


def _note_as_json(note: Note, language: Language, template: str) -> dict[str, Any]:
    body = {
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
        "locks_at": note.locks_at.isoformat() if note.locks_at else None,
        "fingerprint": note.fingerprint or None,
        "template": template or note.template,
    }
    body["headings"] = [
        {
            "key": each.key,
            "title": each.title,
            "lines": [line.text for line in each.lines],
            "by_hand": each.by_hand,
        }
        for each in arrange_note(note, language, template=template)
    ]
    return body
