"""A consultation on the page: the text, the question, what was read from it, and the draft below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.domain.consents import Standing
from phyassist.domain.drafts import Draft
from phyassist.domain.records import Consultation, Record, RecordField
from phyassist.services.patients import PatientFile
from phyassist.web.desk import Desk
from phyassist.web.views.assistant import AssistantChip, name_adapters, view_chip
from phyassist.web.views.drafting import DraftView, view_draft
from phyassist.web.views.frame import Frame, PatientHead, show_name
from phyassist.web.views.recording import RecordFragment, SourceView, view_record
from phyassist.web.when import When
from phyassist.web.wording import Words

HEAD_KINDS = ("sex", "age", "occupation")


@dataclass(frozen=True, slots=True)
class OtherConsultation:
    href: str
    at: str
    question: str = field(repr=False)
    current: bool


@dataclass(frozen=True, slots=True)
class ConsultationView:
    consultation_id: str
    at: str
    text: str = field(repr=False)
    source_version: int
    saved_at: str
    question: str = field(repr=False)
    version: int
    others: tuple[OtherConsultation, ...]


@dataclass(frozen=True, slots=True)
class ActionsView:
    """Organise and Analysis; while one of them runs, `run` is its stream and Stop stands in their place.

    `anew` is what was asked for and waits to be asked for once more: it lays a worked draft aside.
    """

    consultation_id: str
    run: str = ""
    stop: str = ""
    said: str = ""
    done: int = 0
    total: int = 0
    oob: bool = False
    progress_oob: bool = False
    anew: str = ""


@dataclass(frozen=True, slots=True)
class ActionsFragment:
    template: ClassVar[str] = "_actions.html"
    w: Words
    actions: ActionsView


@dataclass(frozen=True, slots=True)
class ProgressFragment:
    template: ClassVar[str] = "_progress.html"
    w: Words
    actions: ActionsView


@dataclass(frozen=True, slots=True)
class QuestionFragment:
    """The question that was found, put where the counsellor has not written one."""

    template: ClassVar[str] = "_question.html"
    w: Words
    consultation: ConsultationView


@dataclass(frozen=True, slots=True)
class GivenFragment:
    """What the model was given for the draft, for the drawer."""

    template: ClassVar[str] = "_given_oob.html"
    w: Words
    draft: DraftView | None


@dataclass(frozen=True, slots=True)
class RunView:
    """A regeneration that goes on: the stream, where to stop it, and the items that it writes anew."""

    url: str
    stop: str
    item_ids: str
    said: str = ""
    oob: bool = False


@dataclass(frozen=True, slots=True)
class DraftRunFragment:
    """The place of the regenerate buttons: the buttons, or the run with its Stop."""

    template: ClassVar[str] = "_draft_run.html"
    w: Words
    draft_id: str
    run: RunView


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """Below the buttons: that no model reads this file, or that nobody has asked (yes: nothing)."""

    patient_id: str
    state: str
    on: str = ""


@dataclass(frozen=True, slots=True)
class ConsultationPage:
    template: ClassVar[str] = "consultation.html"
    w: Words
    frame: Frame
    head: PatientHead
    consultation: ConsultationView
    record: RecordFragment
    sources: tuple[SourceView, ...]
    draft: DraftView | None
    actions: ActionsView
    consent: ConsentLine
    assistant: AssistantChip


def view_head(file: PatientFile, desk: Desk, consultation_id: str = "") -> PatientHead:
    facts = view_facts(file.record)
    name = show_name(file.patient, desk.practice.hide_names)
    number = "" if desk.practice.hide_names else file.patient.number
    language, may_write = file.patient.language, file.may_write
    return PatientHead(file.patient.id, name, number, facts, language, consultation_id, may_write)


def view_consent(standing: Standing, patient_id: str) -> ConsentLine:
    last = standing.last
    return (
        ConsentLine(patient_id, last.answer.value, last.on.isoformat())
        if last
        else ConsentLine(patient_id, "open")
    )


def view_facts(record: Record) -> str:
    """The few facts that stand beside a name: sex, age, occupation."""
    standing = {line.statement.kind: line.statement for line in record.of(RecordField.DEMOGRAPHIC)}
    return " · ".join(standing[kind].text for kind in HEAD_KINDS if kind in standing)


def view_consultation(
    consultation: Consultation, all_of_them: tuple[Consultation, ...], when: When
) -> ConsultationView:
    others = tuple(
        OtherConsultation(
            f"/patients/{each.patient_id}/consultations/{each.id}",
            when.moment(each.at),
            each.question,
            each.id == consultation.id,
        )
        for each in all_of_them
    )
    return ConsultationView(
        consultation_id=consultation.id,
        at=when.moment(consultation.at),
        text=consultation.source.text,
        source_version=consultation.source.version,
        saved_at=when.clock(consultation.source.saved_at) if consultation.source.text else "",
        question=consultation.question,
        version=consultation.version,
        others=others if len(others) > 1 else (),
    )


def view_source(consultation: Consultation, when: When) -> SourceView:
    return SourceView(consultation.id, when.moment(consultation.at), consultation.source.text)


def name_notes(file: PatientFile, desk: Desk) -> dict[str, str]:
    """How the page calls the notes that a prompt held, and the assistants that wrote."""
    notes: dict[str, str] = {
        note.id: desk.w("given.note", no=note.number, date=desk.when.date(note.at)) for note in file.notes
    }
    return {**notes, **name_adapters(desk, file.patient.id)}


def choose_draft(file: PatientFile, consultation: Consultation, draft_id: str = "") -> Draft | None:
    """The draft asked for, else the one being worked on, else the last that stands of this consultation."""
    own = [draft for draft in file.drafts if draft.consultation_id == consultation.id]
    for draft in own:
        if draft.id == draft_id:
            return draft
    is_open = [draft for draft in own if draft.state.value == "open"]
    return is_open[0] if is_open else None


def make_consultation_page(
    desk: Desk,
    frame: Frame,
    file: PatientFile,
    consultation: Consultation,
    *,
    drafting: Standing,
    draft_id: str = "",
) -> ConsultationPage:
    draft = choose_draft(file, consultation, draft_id)
    return ConsultationPage(
        w=desk.w,
        frame=frame,
        head=view_head(file, desk, consultation.id),
        consultation=view_consultation(consultation, file.consultations, desk.when),
        record=RecordFragment(
            desk.w,
            file.patient.id,
            file.record.version,
            view_record(file.record, file.patient.id),
            "consultation",
        ),
        sources=(view_source(consultation, desk.when), *_other_sources(file, consultation, desk.when)),
        draft=view_draft(draft, "", name_notes(file, desk)) if draft else None,
        actions=ActionsView(consultation.id),
        consent=view_consent(drafting, file.patient.id),
        assistant=view_chip(desk, consultation),
    )


def _other_sources(file: PatientFile, this: Consultation, when: When) -> tuple[SourceView, ...]:
    return tuple(view_source(each, when) for each in file.consultations if each.id != this.id)
