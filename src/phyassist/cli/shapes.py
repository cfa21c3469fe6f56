"""The JSON that `organise` and `analyse` print: the shapes of docs/json.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from phyassist.cli.words import JOINT
from phyassist.domain.drafts import Basis, DraftItem, Section, UnreadReply
from phyassist.domain.people import Language
from phyassist.domain.records import RecordField, Statement
from phyassist.lm.protocol import Reply


def shape_analysis(
    items: Iterable[DraftItem],
    unread: Iterable[UnreadReply],
    reply: Reply,
    language: Language,
    *,
    repeated: int,
) -> dict[str, Any]:
    """Symptom type as one string, reasons with quote and basis, advice, and what could not be read.

    `repeated` items were left out: they said again what another one or the task says.
    """
    standing = [item for item in items if not item.deleted]
    symptoms = [item.text for item in standing if item.section == Section.SYMPTOM_TYPE]
    return {
        "symptom_type": JOINT[language].join(symptoms),
        "reasons": [
            {"text": item.text, "quote": item.quote, "basis": (item.basis or Basis.INFERRED).value}
            for item in standing
            if item.section == Section.REASON
        ],
        "advice": [{"text": item.text} for item in standing if item.section == Section.ADVICE],
        "unread": [_shape_unread(one) for one in unread],
        "repeated": repeated,
        "model": reply.model,
        "adapter": reply.adapter,
        "tokens": reply.reply_tokens,
        "seconds": round(reply.seconds, 3),
    }


def shape_record(statements: Iterable[Statement]) -> dict[str, list[dict[str, str]]]:
    """Each field of the record with its statements; a field that the text does not speak of is empty."""
    fields: dict[str, list[dict[str, str]]] = {record_field.value: [] for record_field in RecordField}
    for statement in statements:
        fields[statement.field.value].append({"text": statement.text, "quote": statement.quote})
    return fields


def _shape_unread(one: UnreadReply) -> dict[str, str]:
    return {"section": one.section.value if one.section else "", "why": one.why, "reply": one.reply}
