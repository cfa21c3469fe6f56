"""A consultation to draft about, and replies as a model writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from phyassist.domain.drafts import Draft, Section
from phyassist.domain.people import Patient
from phyassist.domain.records import Consultation, ConsultationId, Source, SourceId
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.draft_events import DraftEvent, Finished, ItemWritten
from phyassist.services.drafting import start_draft, write_draft
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

SAID = "我最近总是睡不着。考试没有考好，妈妈很失望。我担心自己什么都做不好。我已经不去上课了。"
TYPE = "学业压力"
REASONS = (
    (2, "来访者考试没有考好，妈妈很失望，因此压力很大。"),
    (3, "来访者担心自己什么都做不好，所以不敢再试。"),
    (0, "来访者缺少支持，于是独自承受。"),
)
ADVICE = ("了解来访者的睡眠。", "和来访者一起看待考试的结果。", "约定下周恢复一节课。")


def make_reply(
    *,
    symptom_type: str | None = TYPE,
    reasons: Iterable[tuple[int, str]] | None = REASONS,
    advice: Iterable[str] | None = ADVICE,
) -> str:
    """A reply with these sections; None leaves one out."""
    body: dict[str, object] = {}
    if symptom_type is not None:
        body["symptom_type"] = symptom_type
    if reasons is not None:
        body["reasons"] = [{"from": number, "text": text} for number, text in reasons]
    if advice is not None:
        body["advice"] = [{"text": text} for text in advice]
    return json.dumps(body, ensure_ascii=False)


def make_consultation(store: Store, by: SignedIn, patient: Patient, text: str = SAID) -> Consultation:
    consultation = Consultation(
        id=ConsultationId(store.new_id()),
        patient_id=patient.id,
        at=store.clock(),
        source=Source(SourceId(store.new_id()), text),
        question="怎样帮助她？",
    )
    with store.write(by) as tx:
        return tx.consultations.add(consultation)


def write_whole(store: Store, by: SignedIn, consultation: Consultation, reply: str | None = None) -> Draft:
    """A draft that the model has written."""
    draft = start_draft(store, by, consultation_id=consultation.id)
    lm = ScriptedModel([reply or make_reply()])
    *_, last = write_draft(store, lm, by, draft_id=draft.id, stop=Never())
    assert isinstance(last, Finished)
    return last.draft


def items_of(events: Iterable[DraftEvent]) -> list[ItemWritten]:
    return [event for event in events if isinstance(event, ItemWritten)]


def texts_of(draft: Draft, section: Section) -> list[str]:
    return [item.text for item in draft.of(section)]
