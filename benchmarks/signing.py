"""Signed notes as benchmarks make them, and drafts that are kept from run to run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from phyassist.domain.drafts import Basis, Draft, DraftId, DraftItem, ItemId, Section, WrittenBy
from phyassist.domain.notes import Note, NoteId
from phyassist.domain.people import PatientId
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import ConsultationId, Record, Span
from phyassist.services.learning_examples import Told


def make_told(
    no: int,
    patient: str,
    at: datetime,
    *,
    text: str,
    question: str,
    drafted: Sequence[DraftItem],
    kept: Sequence[DraftItem],
) -> Told:
    """The note `no` of a patient, signed with the items that were kept, and the draft that it was made of."""
    patient_id, consultation, draft_id = PatientId(patient), ConsultationId(f"c{no}"), DraftId(f"d{no}")
    note = Note(
        id=NoteId(f"n{no}"),
        patient_id=patient_id,
        consultation_id=consultation,
        draft_id=draft_id,
        number=no + 1,
        at=at,
        signed_at=at,
        author="A. Author",
        question=question,
        items=tuple(kept),
        fingerprint=f"n{no}",
    )
    draft = Draft(draft_id, patient_id, consultation, question, items=tuple(drafted))
    return Told(note, split_sentences(text), Record(), (), (draft,))


class Kept:
    """Drafts as JSON by a name, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, name: str, make: Callable[[], Any]) -> Any:
        path = self._folder / f"{name}.json"
        if not path.is_file():
            path.write_text(json.dumps(make(), ensure_ascii=False), "utf-8")
        return json.loads(path.read_text("utf-8"))

    def path(self, name: str) -> Path:
        return self._folder / name

    def draft(self, name: str, make: Callable[[], Sequence[DraftItem]]) -> tuple[DraftItem, ...]:
        return tuple(_to_item(each) for each in self.find(name, lambda: [_to_json(each) for each in make()]))


def _to_json(item: DraftItem) -> dict[str, Any]:
    span = None if item.span is None else [item.span.start, item.span.end]
    basis = None if item.basis is None else item.basis.value
    by = [item.written_by.model, item.written_by.adapter]
    return {
        "id": item.id,
        "section": item.section.value,
        "text": item.text,
        "basis": basis,
        "quote": item.quote,
        "span": span,
        "by": by,
    }


def _to_item(said: Mapping[str, Any]) -> DraftItem:
    return DraftItem(
        ItemId(said["id"]),
        Section(said["section"]),
        said["text"],
        basis=Basis(said["basis"]) if said["basis"] else None,
        quote=said["quote"],
        span=Span(*said["span"]) if said["span"] else None,
        written_by=WrittenBy(*said["by"]),
    )
