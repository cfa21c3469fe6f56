"""What is asked of the model for a draft: what stands in the prompt, and what one reply is to bring."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from phyassist.domain.adapters import HELD, AdapterChoice, Forms
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import Change, Draft, DraftId, DraftItem, Section
from phyassist.domain.library import Citation, Passage
from phyassist.domain.people import Language
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotFound
from phyassist.lm.protocol import Ask, LanguageModel
from phyassist.prompts.budget import MARGIN_TOKENS, Fitted
from phyassist.prompts.citing import Shelf, choose_passages
from phyassist.prompts.draft import NO_SHELF, REPLY_TOKENS, Task, join_comments, make_redo_task, make_task
from phyassist.prompts.layout import make_messages
from phyassist.prompts.orders import count_hidden
from phyassist.prompts.referrals import asks_for_referral
from phyassist.services.adapters import choose_for
from phyassist.services.consent import check_consent
from phyassist.services.draft_events import Prepared
from phyassist.services.draft_writing import Assignment, ask_again
from phyassist.services.following import get_open
from phyassist.services.intake import check_text
from phyassist.services.library import FOUND_MAX, Embedder, get_passage, search_passages
from phyassist.services.prompting import Case, fit_case, load_case
from phyassist.services.shelving import make_ready
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

# At temperature 0 a second try would say the first one again.
REDO_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class Loaded:
    """A draft with what its prompts are made of; `passages` more than one holds, best first."""

    draft: Draft
    case: Case
    adapter: AdapterChoice
    passages: tuple[Passage, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Round:
    """One reply that is asked for."""

    fitted: Fitted
    ask: Ask
    assignment: Assignment
    change: Change

    def ask_again(self) -> Round:
        """The same, asked so that another reply comes than the first one at temperature 0."""
        return replace(self, ask=ask_again(self.ask))


# Sections to write, and items to write anew.
Part = tuple[tuple[Section, ...], tuple[DraftItem, ...]]


def make_asks(
    store: Store,
    by: SignedIn,
    lm: LanguageModel,
    *,
    consultation_id: ConsultationId,
    embedder: Embedder | None = None,
) -> tuple[Ask, ...]:
    """What an analysis of this consultation would ask the model, in the words of the file; asks nothing.

    The question is that of the open draft, else the consultation's.  What the first reply brings stands in
    the second ask too, where there is one.
    Raises NotFound, NotYourPatient, CannotOpen, PromptTooLong.
    """
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        case = load_case(tx, consultation.patient_id, consultation)
        wants_library = tx.settings.get().library_in_drafts
        choice = choose_for(tx, consultation.patient_id, lm.base_sha256, consultation.adapter_wanted)
        present = tx.drafts.open_of(consultation_id)
    asked = consultation.question if present is None else present.question
    draft = Draft(DraftId(""), consultation.patient_id, consultation_id, asked)
    passages = _find_passages(store, by, draft, case, embedder) if wants_library else ()
    loaded = Loaded(draft, case, choice, passages)
    return tuple(prepare_round(loaded, lm, *part).ask for part in split_parts(loaded, tuple(Section)))


def _find_again(store: Store, by: SignedIn, given: Sequence[Citation]) -> tuple[Passage, ...]:
    """Those of the passages whose document is still there."""
    found = []
    for each in given:
        with suppress(NotFound):
            found.append(get_passage(store, by, each.passage_id))
    return tuple(found)


def load_draft(
    store: Store, by: SignedIn, draft_id: DraftId, lm: LanguageModel, embedder: Embedder | None = None
) -> Loaded:
    """Raises NotFound, NotYourPatient, EmptyText, ConsentMissing, NotAllowed where the draft is closed."""
    with store.read(by) as tx:
        draft = get_open(tx, draft_id)
        consultation = tx.consultations.get(draft.consultation_id)
        check_consent(tx, by, draft.patient_id, Purpose.DRAFTING)
        case = load_case(tx, draft.patient_id, consultation)
        wants_library = tx.settings.get().library_in_drafts
        choice = choose_for(tx, draft.patient_id, lm.base_sha256, consultation.adapter_wanted)
    check_text(consultation.source.text)
    passages = _find_passages(store, by, draft, case, embedder) if wants_library else ()
    return Loaded(draft, case, make_ready(store, by, lm, choice), passages)


def _find_passages(
    store: Store, by: SignedIn, draft: Draft, case: Case, embedder: Embedder | None
) -> tuple[Passage, ...]:
    """The passages that the draft was given before, so that it rests on the same ones and the engine need not
    read others; at first what the library says on question and text, in the language of the draft, more than
    a prompt holds.
    """
    if draft.passages_used:
        return _find_again(store, by, draft.passages_used)
    told = " ".join(each.text for each in case.sentences if each.speaker != Speaker.COUNSELLOR)
    asked = f"{draft.question} {told}"
    return search_passages(store, by, asked, embedder=embedder, limit=FOUND_MAX, language=case.language)


def split_parts(
    loaded: Loaded, sections: tuple[Section, ...], targets: tuple[DraftItem, ...] = ()
) -> tuple[Part, ...]:
    """What one reply is to bring, and what the next.

    Only advice is written with passages in sight: a small model takes what they say of others for the
    client's own (docs/results/passages.md).
    """
    if not loaded.passages:
        return ((sections, targets),)
    parts = tuple(
        (
            tuple(each for each in sections if (each == Section.ADVICE) == is_advice),
            tuple(each for each in targets if (each.section == Section.ADVICE) == is_advice),
        )
        for is_advice in (False, True)
    )
    return tuple(part for part in parts if any(part))


def prepare_round(
    loaded: Loaded, lm: LanguageModel, sections: tuple[Section, ...], targets: tuple[DraftItem, ...] = ()
) -> Round:
    """The prompt of writing these sections, or of writing these items anew."""
    draft, case = loaded.draft, loaded.case
    fitted = fit_case(case, lm)
    shelf, task = _choose_shelf(loaded, lm, fitted, sections, targets)
    ids = {item.id for item in targets}
    others = tuple(item for item in draft.standing if item.id not in ids)
    ask = _make_ask(case, fitted, task, adapter=loaded.adapter.card.id if loaded.adapter.card else "")
    if targets:
        ask = replace(ask, temperature=REDO_TEMPERATURE, seed=draft.version)
    return Round(
        fitted,
        ask,
        Assignment(
            task.asked,
            fitted.sentences,
            case.language,
            case.jurisdiction,
            targets,
            others,
            shelf,
            task.forms,
            asks_for_referral(" ".join([draft.question, *(join_comments(item) for item in targets)])),
        ),
        Change.REGENERATED if targets else Change.WROTE,
    )


def _choose_shelf(
    loaded: Loaded,
    lm: LanguageModel,
    fitted: Fitted,
    sections: tuple[Section, ...],
    targets: tuple[DraftItem, ...],
) -> tuple[Shelf, Task]:
    """As many passages as fit beside the text and the reply, and the task with them."""
    whole = choose_passages(
        loaded.passages, told=f"{loaded.draft.question}\n{fitted.prefix}", language=loaded.case.language
    )
    for count in range(len(whole.passages), 0, -1):
        shelf = whole.first(count, loaded.case.language)
        task = _make_task(loaded, fitted, shelf, sections, targets)
        tokens = lm.count_tokens(fitted.prefix) + lm.count_tokens(task.text)
        if tokens + MARGIN_TOKENS + REPLY_TOKENS <= lm.context_tokens:
            return shelf, task
    return NO_SHELF, _make_task(loaded, fitted, NO_SHELF, sections, targets)


def _make_task(
    loaded: Loaded,
    fitted: Fitted,
    shelf: Shelf,
    sections: tuple[Section, ...],
    targets: tuple[DraftItem, ...],
) -> Task:
    draft, case = loaded.draft, loaded.case
    if targets:
        return make_redo_task(
            draft,
            targets,
            language=case.language,
            jurisdiction=case.jurisdiction,
            sentences=fitted.sentences,
            shelf=shelf,
            forms=loaded.adapter.forms(case.language),
        )
    return make_task(
        question=draft.question,
        language=case.language,
        jurisdiction=case.jurisdiction,
        sentences=fitted.sentences,
        sections=sections,
        present=draft.standing,
        shelf=shelf,
        forms=loaded.adapter.forms(case.language),
    )


def prepare_question(
    case: Case,
    fitted: Fitted,
    question: str,
    *,
    adapter: str = "",
    forms: Forms = HELD,
    sections: tuple[Section, ...] = tuple(Section),
    present: tuple[DraftItem, ...] = (),
) -> tuple[Ask, Assignment]:
    """The ask of a draft about a question, whole or some sections beside the items that are present, and what
    its reply is to bring.
    """
    task = make_task(
        question=question,
        language=case.language,
        jurisdiction=case.jurisdiction,
        sentences=fitted.sentences,
        sections=sections,
        present=present,
        forms=forms,
    )
    assignment = Assignment(
        task.asked,
        fitted.sentences,
        case.language,
        case.jurisdiction,
        others=present,
        forms=task.forms,
        may_refer=asks_for_referral(question),
    )
    return _make_ask(case, fitted, task, adapter=adapter), assignment


def _make_ask(case: Case, fitted: Fitted, task: Task, *, adapter: str = "") -> Ask:
    messages = make_messages(language=case.language, prefix=fitted.prefix, task=task.text)
    return Ask(messages, REPLY_TOKENS, task.schema, adapter)


def say_prepared(fitted: Fitted, language: Language, adapter_reason: str) -> Prepared:
    """What a prompt that begins so holds."""
    history = fitted.history
    return Prepared(
        notes_used=history.notes_used,
        left_out=history.left_out,
        record_left_out=history.record_left_out,
        text_read=fitted.text_read,
        text_left_out=fitted.text_left_out,
        adapter_reason=adapter_reason,
        orders_hidden=count_hidden(fitted.prefix, language),
    )


def name_passages(draft: Draft, assignment: Assignment) -> tuple[Citation, ...]:
    """The passages that the prompt held; where no advice was asked for, those of before."""
    if Section.ADVICE not in assignment.asked:
        return draft.passages_used
    return tuple(Citation(each.id, each.document.title, each.page) for each in assignment.shelf.passages)
