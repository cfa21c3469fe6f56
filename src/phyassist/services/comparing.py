"""Two adapters side by side: the same question, answered with each of them, and nothing kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from phyassist.domain.adapters import HELD, AdapterId
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import DraftItem
from phyassist.domain.people import Patient
from phyassist.domain.records import Consultation, ConsultationId
from phyassist.lm.protocol import LanguageModel, Stop
from phyassist.services.access import may_change
from phyassist.services.adapters import check_may_answer
from phyassist.services.consent import Withdrawn, allows, check_consent
from phyassist.services.draft_asking import prepare_question
from phyassist.services.draft_events import AnalysisDone, ItemWritten
from phyassist.services.draft_writing import write_items
from phyassist.services.intake import check_text
from phyassist.services.leaving import guard
from phyassist.services.prompting import fit_case, load_case
from phyassist.services.shelving import put_on_shelf
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store


@dataclass(frozen=True, slots=True)
class SideItem:
    """An item of one side, as it is written; `adapter` names the side, empty for the base alone."""

    adapter: str
    item: DraftItem = field(repr=False)


@dataclass(frozen=True, slots=True)
class SideDone:
    """One side is written; `used` is the adapter that the engine says it used."""

    adapter: str
    used: str
    seconds: float


QUESTIONS_MAX = 20


def list_questions(store: Store, by: SignedIn) -> tuple[tuple[Patient, Consultation], ...]:
    """What adapters of several can be compared on, the newest first: of each of the newest patients who agree
    to drafts, the newest consultation with words.
    """
    found: list[tuple[Patient, Consultation]] = []
    with store.read(by) as tx:
        for patient in reversed(tx.patients.list()):
            if len(found) == QUESTIONS_MAX:
                break
            if not may_change(tx, patient.id) or not allows(tx, patient.id, Purpose.DRAFTING):
                continue
            with_words = (each for each in tx.consultations.list(patient.id) if each.source.text.strip())
            newest = next(with_words, None)
            if newest is not None:
                found.append((patient, newest))
    return tuple(sorted(found, key=lambda pair: pair[1].at, reverse=True))


def compare_adapters(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    consultation_id: ConsultationId,
    sides: tuple[str, str],
    stop: Stop,
    question: str = "",
) -> Iterator[SideItem | SideDone]:
    """A consultation's question, or another one, answered by each side in turn; empty names the base alone.

    Raises NotFound, NotYourPatient, ConsentMissing, NotAllowed for an adapter that may not answer there,
    CannotOpen, EmptyText, and the model's errors.
    """
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        check_consent(tx, by, consultation.patient_id, Purpose.DRAFTING)
        for side in filter(None, sides):
            check_may_answer(tx, AdapterId(side), consultation.patient_id, lm.base_sha256)
        case = load_case(tx, consultation.patient_id, consultation)
    check_text(consultation.source.text)
    asked = question.strip() or consultation.question
    ends = Withdrawn(stop, store, by, consultation.patient_id)
    guarded = guard(store, by, lm, consultation.patient_id)
    for side in sides:
        card = put_on_shelf(store, by, lm, AdapterId(side)) if side else None
        forms = card.forms.get(case.language, HELD) if card else HELD
        ask, assignment = prepare_question(case, fit_case(case, lm), asked, adapter=side, forms=forms)
        for event in write_items(guarded, ask, assignment, ends, store.new_id):
            if isinstance(event, ItemWritten):
                yield SideItem(side, event.item)
            elif isinstance(event, AnalysisDone):
                yield SideDone(side, event.reply.adapter, event.reply.seconds)
        if ends.is_set():
            return
