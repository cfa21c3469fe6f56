"""A value written today reads forever, and no field of a value is left behind."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.domain.consents import Answer, Consent, ConsentId, Purpose, Signer
from phyassist.domain.drafts import Draft, DraftId
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import Counsellor, CounsellorId, Patient, PatientId
from phyassist.domain.records import ConsultationId, StatementId
from phyassist.errors import StoreUnusable
from phyassist.store import coding
from tests.store.making import AT, make_amendment, make_draft, make_item, make_line, make_note, make_unread

VECTORS = Path(__file__).parent.parent / "vectors" / "coding.json"
PATIENT = PatientId("p1")
DRAFT = make_draft(PATIENT, text="睡不着 and worry")
NOTE = make_note(PATIENT, text="睡不着 and worry")
BARE_DRAFT = Draft(DraftId("draft1"), PATIENT, ConsultationId("consultation1"), question="")
BARE_NOTE = Note(
    NoteId("note1"), PATIENT, ConsultationId("consultation1"), DraftId("draft1"), 0, AT, AT, "", "", ()
)
COUNSELLOR = Counsellor(CounsellorId("c1"), "安娜", "en", "Asia/Shanghai")
CARD = Patient(PATIENT, "孙某", "0231", "en")
CONSENT = Consent(
    ConsentId("consent1"),
    PATIENT,
    Purpose.SHARED_TRAINING,
    Answer.NO,
    date(2026, 3, 2),
    Signer.GUARDIAN,
    "睡不着",
)


def without_sources(value: Any) -> Any:
    """A draft or note as it was before items cited the library."""
    items = tuple(dataclasses.replace(item, citation=None) for item in value.items)
    plain = dataclasses.replace(value, items=items)
    return dataclasses.replace(plain, passages_used=()) if isinstance(plain, Draft) else plain


def read(name: str, blob: bytes) -> Any:
    readers: dict[str, Any] = {
        "draft": lambda: coding.unpack_draft(blob, BARE_DRAFT),
        "note": lambda: coding.unpack_note(blob, BARE_NOTE),
        "lines": lambda: coding.unpack_lines(blob),
        "amendment": lambda: coding.unpack_amendment(blob, AT),
        "card": lambda: coding.unpack_card(blob, Patient(PATIENT, "")),
        "person": lambda: coding.unpack_person(blob, Counsellor(CounsellorId("c1"), "")),
        "text": lambda: coding.unpack_text(blob),
        "consent": lambda: coding.unpack_consent(blob, CONSENT.id, PATIENT),
    }
    return readers[name]()


WRITTEN: dict[str, tuple[bytes, Any]] = {
    "draft": (coding.pack_draft(DRAFT), dataclasses.replace(DRAFT, partial="")),
    "note": (coding.pack_note(NOTE), NOTE),
    "lines": (coding.pack_lines((make_line("睡不着"),)), (make_line("睡不着"),)),
    "amendment": (coding.pack_amendment(make_amendment("睡不着")), make_amendment("睡不着")),
    "card": (coding.pack_card(CARD), CARD),
    "person": (coding.pack_person(COUNSELLOR), COUNSELLOR),
    "text": (coding.pack_text("睡不着\n"), "睡不着\n"),
    "consent": (coding.pack_consent(CONSENT), CONSENT),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read_back(name: str) -> None:
    blob, value = WRITTEN[name]

    assert read(name, blob) == value


@pytest.mark.parametrize(
    "case", json.loads(VECTORS.read_text(encoding="utf-8")), ids=lambda case: case["name"]
)
def test_what_was_written_long_ago_is_read(case: dict[str, str]) -> None:
    expected = WRITTEN[case["kind"]][1]
    if case["name"] == "draft, first coding":
        expected = dataclasses.replace(expected, orders_hidden=0)  # that field came later
    if case["kind"] in {"draft", "note"} and "sources" not in case["name"]:
        expected = without_sources(expected)

    assert read(case["kind"], case["blob"].encode()) == expected


@pytest.mark.parametrize(
    "value",
    [DRAFT, make_item(), make_unread(), make_line(), make_line().statement, CARD, COUNSELLOR],
    ids=type,
)
def test_a_field_that_is_added_to_a_value_is_tried_here(value: Any) -> None:
    """A sample that leaves a field at its default would not show that the field is not stored."""
    in_columns = {"version", "state", "started_at", "deleted", "created_at", "updated_at"}

    untried = [
        each.name
        for each in dataclasses.fields(value)
        if each.name not in in_columns
        and each.default is not dataclasses.MISSING
        and getattr(value, each.name) == each.default
    ]

    assert untried == []


def test_a_deleted_item_without_a_basis_is_read_back() -> None:
    item = dataclasses.replace(make_item(), basis=None, span=None, deleted=True, comments=())
    draft = dataclasses.replace(
        DRAFT, items=(item,), unread=(dataclasses.replace(make_unread(), section=None),)
    )

    assert coding.unpack_draft(coding.pack_draft(draft), BARE_DRAFT).items == (item,)
    assert coding.unpack_draft(coding.pack_draft(draft), BARE_DRAFT).unread[0].section is None


@given(st.text(st.characters(exclude_categories=())), st.datetimes(timezones=st.just(UTC)))
def test_any_text_and_time_is_read_back(text: str, at: datetime) -> None:
    line = dataclasses.replace(make_line(text), added_at=at, id=StatementId("s"))

    assert coding.unpack_text(coding.pack_text(text)) == text
    assert coding.unpack_lines(coding.pack_lines((line,))) == (line,)


@pytest.mark.parametrize(
    "blob",
    [
        b'{"v":2,"text":"heron"}',
        b'{"text":"heron"}',
        b'{"v":1,"words":"heron"}',
        b'"heron"',
        b"heron",
        b"\xff\xfe heron",
    ],
)
def test_a_value_that_is_not_understood_is_not_guessed_at_nor_quoted(blob: bytes) -> None:
    with pytest.raises(StoreUnusable, match="PhyAssist") as raised:
        coding.unpack_text(blob)

    assert "heron" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_field_that_came_later_is_read_with_its_default() -> None:
    later = {"unread", "notes", "left_out", "adapter_reason", "record_left_out", "text_read", "text_left_out"}
    later |= {"orders_hidden", "passages"}
    fields = json.loads(coding.pack_draft(DRAFT))
    blob = json.dumps({name: value for name, value in fields.items() if name not in later}).encode()

    read_back = coding.unpack_draft(blob, BARE_DRAFT)

    assert read_back == dataclasses.replace(BARE_DRAFT, question=DRAFT.question, items=DRAFT.items)
