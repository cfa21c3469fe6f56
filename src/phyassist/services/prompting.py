"""What a prompt begins with: the patient's record and notes, then the text at hand, cut to fit the window."""

from __future__ import annotations

from dataclasses import dataclass, field

from phyassist.domain.drafts import Draft
from phyassist.domain.notes import Note
from phyassist.domain.people import Jurisdiction, Language, PatientId
from phyassist.domain.reading.sentences import Sentence, split_sentences
from phyassist.domain.records import Consultation, Record, Span
from phyassist.lm.protocol import LanguageModel
from phyassist.prompts.budget import (
    HISTORY_SHARE,
    MARGIN_TOKENS,
    Fitted,
    choose_history,
    choose_whole_notes,
    fit_text,
)
from phyassist.prompts.draft import REPLY_TOKENS
from phyassist.prompts.layout import render_draft
from phyassist.prompts.orders import hide_orders_in_note, hide_orders_in_record, without_orders
from phyassist.store.transactions import Tx

# Kept free for the longest task, a regeneration that shows a full draft with comments: the beginning of a
# prompt does not depend on what is asked at its end.
TASK_SHARE = 1 / 8


@dataclass(frozen=True, slots=True)
class Case:
    """The text at hand and what surrounds it; in which language and under which rules it is written about.

    `spans` are those of the record's statements from this text.  `notes` are of other consultations,
    `own_notes` of this one, and `draft` is what is open of it: a conversation is about them, while a draft is
    to read the text itself.
    """

    language: Language
    jurisdiction: Jurisdiction
    sentences: tuple[Sentence, ...] = field(repr=False)
    spans: tuple[Span, ...] = ()
    record: Record = field(default_factory=Record)
    notes: tuple[Note, ...] = field(default=(), repr=False)
    own_notes: tuple[Note, ...] = field(default=(), repr=False)
    draft: Draft | None = field(default=None, repr=False)

    @property
    def all_notes(self) -> tuple[Note, ...]:
        return (*self.notes, *self.own_notes)


def load_case(tx: Tx, patient_id: PatientId, consultation: Consultation | None) -> Case:
    """What every prompt about a consultation begins with; without one, the patient's record and notes.

    The record is shown as it was before this consultation, so that organising it leaves the beginning as it
    is, with the notes of the other consultations.  Raises NotFound, NotYourPatient, CannotOpen.
    """
    patient, record = tx.patients.get(patient_id), tx.records.get(patient_id)
    language, jurisdiction = patient.language, tx.settings.get().jurisdiction
    notes = tuple(hide_orders_in_note(note, language) for note in tx.notes.list(patient_id))
    if consultation is None:
        return Case(language, jurisdiction, (), (), hide_orders_in_record(record, language), notes)
    source = consultation.source.text
    spans = tuple(
        line.statement.span
        for line in record.lines
        if line.consultation_id == consultation.id
        and source[line.statement.span.start : line.statement.span.end] == line.statement.quote
    )
    return Case(
        language,
        jurisdiction,
        without_orders(split_sentences(source), language),
        spans,
        hide_orders_in_record(record.before(consultation.id), language),
        tuple(note for note in notes if note.consultation_id != consultation.id),
        tuple(note for note in notes if note.consultation_id == consultation.id),
    )


def fit_case(case: Case, lm: LanguageModel) -> Fitted:
    """The beginning of a prompt that leaves room for the task and the reply.  Raises PromptTooLong."""
    history = choose_history(
        case.record,
        case.notes,
        language=case.language,
        context_tokens=lm.context_tokens,
        count=lm.count_tokens,
    )
    return fit_text(
        history,
        case.sentences,
        case.spans,
        language=case.language,
        room_tokens=int(lm.context_tokens * (1 - TASK_SHARE)) - REPLY_TOKENS,
        count=lm.count_tokens,
    )


def fit_draft(case: Case, fitted: Fitted, lm: LanguageModel) -> str:
    """What a conversation is shown of the open draft beside such a beginning; empty where it has no room."""
    if case.draft is None:
        return ""
    shown = render_draft(case.draft, case.language)
    return shown if lm.count_tokens(shown) <= _find_room(fitted, "", lm) else ""


def fit_whole_notes(
    case: Case, fitted: Fitted, lm: LanguageModel, *, beside: str = ""
) -> tuple[tuple[Note, ...], str]:
    """The notes that a conversation is shown in full beside such a beginning and a draft, as far as they
    leave room, and what it is shown of them: at most a third of the window, the newest first.
    """
    room = _find_room(fitted, beside, lm)
    return choose_whole_notes(
        case.all_notes,
        above=fitted.history.notes_used,
        language=case.language,
        room_tokens=min(room, int(lm.context_tokens * HISTORY_SHARE)),
        count=lm.count_tokens,
    )


def _find_room(fitted: Fitted, beside: str, lm: LanguageModel) -> int:
    kept_free = int(lm.context_tokens * TASK_SHARE) + REPLY_TOKENS + MARGIN_TOKENS
    return lm.context_tokens - lm.count_tokens(fitted.prefix) - lm.count_tokens(beside) - kept_free
