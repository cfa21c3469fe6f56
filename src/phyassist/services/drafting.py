"""Drafts: written by the model item by item, and written anew where the counsellor asks for it.

Each finished item is a version in the store before it is handed on, and the words of the one being written
are kept a few times a second.  What a counsellor changes meanwhile stays: the writer follows the newest
version.  What is done to a draft by hand stands in `reworking`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from phyassist.domain.adapters import HELD, AdapterChoice, Forms
from phyassist.domain.clock import NewId, new_id
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import Change, Draft, DraftId, DraftItem, ItemId, Section
from phyassist.domain.library import Citation, Passage
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.reading.speakers import Speaker
from phyassist.domain.records import ConsultationId
from phyassist.errors import ModelError, NotAllowed, NotFound
from phyassist.lm.protocol import Ask, LanguageModel, Stop
from phyassist.prompts.budget import MARGIN_TOKENS, Fitted
from phyassist.prompts.citing import Shelf, choose_passages
from phyassist.prompts.draft import NO_SHELF, REPLY_TOKENS, Task, make_redo_task, make_task
from phyassist.prompts.layout import make_messages
from phyassist.prompts.orders import count_hidden, without_orders
from phyassist.prompts.replies import ItemWords
from phyassist.services.access import check_may_change
from phyassist.services.adapters import choose_for
from phyassist.services.consent import Withdrawn, check_consent
from phyassist.services.draft_events import (
    AnalysisDone,
    AnalysisEvent,
    DraftEvent,
    Finished,
    ItemWritten,
    Prepared,
    UnreadWritten,
)
from phyassist.services.draft_writing import Assignment, DraftKeeper, write_items
from phyassist.services.following import get_followed, get_open
from phyassist.services.intake import check_text
from phyassist.services.leaving import guard
from phyassist.services.library import FOUND_MAX, Embedder, get_passage, search_passages, wants_passages
from phyassist.services.prompting import Case, fit_case, load_case
from phyassist.services.reworking import (
    add_item,
    bring_back_item,
    comment_on_item,
    delete_item,
    discard_draft,
    edit_item,
    get_version,
    list_versions,
    move_item,
    restore_version,
)
from phyassist.services.shelving import make_ready
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

# Pages and the command line take all that concerns a draft from here.
__all__ = [
    "AnalysisDone",
    "AnalysisEvent",
    "DraftEvent",
    "Finished",
    "ItemWords",
    "ItemWritten",
    "Prepared",
    "UnreadWritten",
    "add_item",
    "analyse_text",
    "bring_back_item",
    "comment_on_item",
    "delete_item",
    "discard_draft",
    "edit_item",
    "get_version",
    "list_versions",
    "make_first_ask",
    "move_item",
    "redo_items",
    "restore_version",
    "start_draft",
    "write_draft",
]

# At temperature 0 a second try would say the first one again.
REDO_TEMPERATURE = 0.7
Ticks = Callable[[], float]


def analyse_text(
    text: str,
    lm: LanguageModel,
    *,
    question: str,
    language: Language,
    jurisdiction: Jurisdiction,
    stop: Stop,
    new_id: NewId = new_id,
    forms: Forms = HELD,
) -> Iterator[AnalysisEvent]:
    """The draft of a text that belongs to no patient; touches no store.

    `forms` are those of the adapter that answers, where it has its own.
    Raises EmptyText, TextTooLong, PromptTooLong, EngineDown, ServerRefused.
    """
    check_text(text)
    case = Case(language, jurisdiction, without_orders(split_sentences(text), language))
    fitted = fit_case(case, lm)
    ask, assignment = prepare_question(case, fitted, question, forms=forms)
    yield _say_prepared(fitted, case.language, "")
    yield from write_items(lm, ask, assignment, stop, new_id)


@again
def start_draft(store: Store, by: SignedIn, *, consultation_id: ConsultationId, question: str = "") -> Draft:
    """An empty draft of a consultation, about `question` or the consultation's own.

    An open one that is still empty and asks the same is taken up again.  Raises NotFound, NotYourPatient.
    """
    with store.write(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        check_may_change(tx, consultation.patient_id)
        asked = question.strip() or consultation.question
        present = tx.drafts.open_of(consultation.patient_id)
        if (
            present is not None
            and present.consultation_id == consultation_id
            and present.question == asked
            and not present.items
        ):
            return present
        draft = Draft(DraftId(store.new_id()), consultation.patient_id, consultation_id, asked)
        return tx.drafts.add(draft, Change.STARTED)


def write_draft(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    draft_id: DraftId,
    stop: Stop,
    ticks: Ticks = time.monotonic,
    embedder: Embedder | None = None,
) -> Iterator[DraftEvent]:
    """Write the sections that the draft does not have yet: all of them, or the rest after a stop or a fault.

    Raises NotFound, NotYourPatient, EmptyText, ConsentMissing, NotAllowed where the draft is closed or
    nothing is missing, ChangedMeanwhile where another window writes it too, and the model's errors; what was
    written stays.
    """
    loaded = _load(store, by, draft_id, lm, embedder)
    missing = tuple(
        section for section in Section if not any(item.section == section for item in loaded.draft.items)
    )
    if not missing:
        raise NotAllowed(f"draft {draft_id} has all its sections", hint="regenerate what should be different")
    round_ = _prepare(loaded, lm, missing)
    yield from _write(store, lm, by, loaded=loaded, round_=round_, stop=stop, ticks=ticks)


def make_first_ask(
    store: Store,
    by: SignedIn,
    lm: LanguageModel,
    *,
    consultation_id: ConsultationId,
    embedder: Embedder | None = None,
) -> Ask:
    """What an analysis of this consultation would ask the model, in the words of the file; asks nothing.

    The question is that of the open draft, else the consultation's.
    Raises NotFound, NotYourPatient, CannotOpen, PromptTooLong.
    """
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        case = load_case(tx, consultation.patient_id, consultation)
        wants_library = wants_passages(tx.settings.get(), lm.base_sha256)
        choice = choose_for(tx, consultation.patient_id, lm.base_sha256, consultation.adapter_wanted)
        present = tx.drafts.open_of(consultation.patient_id)
    is_about_this = present is not None and present.consultation_id == consultation_id
    asked = present.question if present is not None and is_about_this else consultation.question
    draft = Draft(DraftId(""), consultation.patient_id, consultation_id, asked)
    passages = _find_passages(store, by, draft, case, embedder) if wants_library else ()
    return _prepare(_Loaded(draft, case, choice, passages), lm, tuple(Section)).ask


def redo_items(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    draft_id: DraftId,
    item_ids: tuple[ItemId, ...] | None = None,
    section: Section | None = None,
    after: int,
    stop: Stop,
) -> Iterator[DraftEvent]:
    """Write one item, a chosen few, a section, or all anew, following their comments.

    All others stay to the letter, and so do edited ones, unless chosen alone or with a comment to follow.
    An item whose new words are not finished keeps its old ones.  A section without items is written.
    Raises NotFound, NotYourPatient, ConsentMissing, NotAllowed, ChangedMeanwhile, and the model's errors.
    """
    with store.read(by) as tx:
        draft = get_followed(tx, draft_id, after=after, touching=item_ids or ())
    targets = choose_targets(draft, item_ids, section)
    is_empty_section = section is not None and not draft.of(section)
    if not targets and not is_empty_section:
        raise NotAllowed(
            "there is nothing to write anew: edited items stay", hint="choose one alone, or comment on it"
        )
    loaded = replace(_load(store, by, draft_id, lm), draft=draft)
    round_ = _prepare(loaded, lm, (section,) if section is not None and is_empty_section else (), targets)
    yield from _write(store, lm, by, loaded=loaded, round_=round_, stop=stop, ticks=time.monotonic)


def choose_targets(
    draft: Draft, item_ids: Sequence[ItemId] | None, section: Section | None
) -> tuple[DraftItem, ...]:
    """The items that a regeneration writes anew, in the draft's order.  Raises NotFound, NotAllowed."""
    if item_ids is None:
        pool = draft.standing if section is None else draft.of(section)
        return tuple(item for item in pool if not item.edited)
    chosen = [draft.get_item(item_id) for item_id in item_ids]
    if any(item.deleted for item in chosen):
        raise NotAllowed("a deleted item cannot be written anew", hint="bring it back first")
    is_alone = len(set(item_ids)) == 1
    ids = {item.id for item in chosen if is_alone or not item.edited or item.open_comments}
    return tuple(item for item in draft.standing if item.id in ids)


def _find_again(store: Store, by: SignedIn, given: Sequence[Citation]) -> tuple[Passage, ...]:
    """Those of the passages whose document is still there."""
    found = []
    for each in given:
        with suppress(NotFound):
            found.append(get_passage(store, by, each.passage_id))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Loaded:
    draft: Draft
    case: Case
    adapter: AdapterChoice
    passages: tuple[Passage, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Round:
    """One reply that is asked for."""

    fitted: Fitted
    ask: Ask
    assignment: Assignment
    change: Change


def _load(
    store: Store, by: SignedIn, draft_id: DraftId, lm: LanguageModel, embedder: Embedder | None = None
) -> _Loaded:
    with store.read(by) as tx:
        draft = get_open(tx, draft_id)
        consultation = tx.consultations.get(draft.consultation_id)
        check_consent(tx, by, draft.patient_id, Purpose.DRAFTING)
        case = load_case(tx, draft.patient_id, consultation)
        wants_library = wants_passages(tx.settings.get(), lm.base_sha256)
        choice = choose_for(tx, draft.patient_id, lm.base_sha256, consultation.adapter_wanted)
    check_text(consultation.source.text)
    passages = _find_passages(store, by, draft, case, embedder) if wants_library else ()
    return _Loaded(draft, case, make_ready(store, by, lm, choice), passages)


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


def _prepare(
    loaded: _Loaded, lm: LanguageModel, sections: tuple[Section, ...], targets: tuple[DraftItem, ...] = ()
) -> _Round:
    """The prompt of writing these sections, or of writing these items anew."""
    draft, case = loaded.draft, loaded.case
    fitted = fit_case(case, lm)
    shelf, task = _choose_shelf(loaded, lm, fitted, sections, targets)
    ids = {item.id for item in targets}
    others = tuple(item for item in draft.standing if item.id not in ids)
    ask = _make_ask(case, fitted, task, adapter=loaded.adapter.card.id if loaded.adapter.card else "")
    if targets:
        ask = replace(ask, temperature=REDO_TEMPERATURE, seed=draft.version)
    return _Round(
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
        ),
        Change.REGENERATED if targets else Change.WROTE,
    )


def _choose_shelf(
    loaded: _Loaded,
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
    loaded: _Loaded,
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


def _write(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    loaded: _Loaded,
    round_: _Round,
    stop: Stop,
    ticks: Ticks,
) -> Iterator[DraftEvent]:
    """Ask for one round and keep what comes of it; it ends when consent is withdrawn in the middle."""
    lm = guard(store, by, lm, loaded.draft.patient_id)
    stop = Withdrawn(stop, store, by, loaded.draft.patient_id)
    prepared = replace(
        _say_prepared(round_.fitted, loaded.case.language, loaded.adapter.reason),
        passages_used=_name_passages(loaded.draft, round_.assignment),
    )
    draft = replace(
        loaded.draft,
        notes_used=prepared.notes_used,
        left_out=prepared.left_out,
        record_left_out=prepared.record_left_out,
        text_read=prepared.text_read,
        text_left_out=prepared.text_left_out,
        adapter_reason=prepared.adapter_reason,
        orders_hidden=prepared.orders_hidden,
        passages_used=prepared.passages_used,
    )
    keeper = DraftKeeper(store, by, draft, round_.assignment, change=round_.change, ticks=ticks)
    yield prepared
    try:
        for event in write_items(lm, round_.ask, round_.assignment, stop, store.new_id):
            if isinstance(event, ItemWords):
                keeper.keep_words(event)
                yield event
            elif isinstance(event, ItemWritten):
                yield keeper.keep_item(event.item)
            elif isinstance(event, UnreadWritten):
                yield keeper.keep_unread(event.unread)
            elif isinstance(event, AnalysisDone):
                keeper.keep_end(event)
                if event.reply.finish == "stopped":
                    keeper.keep_stop()
                _write_audit(store, by, draft.id, round_.change)
                yield event
            else:
                yield event
    except (GeneratorExit, ModelError):
        # The page was closed or the engine died: what stood on the screen is kept as it stood.
        with suppress(NotAllowed):
            keeper.flush()
        raise
    yield Finished(keeper.draft)


def _name_passages(draft: Draft, assignment: Assignment) -> tuple[Citation, ...]:
    """The passages that the prompt held; where no advice was asked for, those of before."""
    if Section.ADVICE not in assignment.asked:
        return draft.passages_used
    return tuple(Citation(each.id, each.document.title, each.page) for each in assignment.shelf.passages)


@again
def _write_audit(store: Store, by: SignedIn, draft_id: DraftId, change: Change) -> None:
    act = Act.REGENERATED if change == Change.REGENERATED else Act.ANALYSED
    with store.write(by) as tx:
        tx.audit.write(act, Kind.DRAFT, draft_id)


def prepare_question(
    case: Case,
    fitted: Fitted,
    question: str,
    *,
    adapter: str = "",
    forms: Forms = HELD,
    shelf: Shelf = NO_SHELF,
) -> tuple[Ask, Assignment]:
    """The ask of a whole draft about a question, and what its reply is to bring."""
    task = make_task(
        question=question,
        language=case.language,
        jurisdiction=case.jurisdiction,
        sentences=fitted.sentences,
        shelf=shelf,
        forms=forms,
    )
    assignment = Assignment(
        task.asked, fitted.sentences, case.language, case.jurisdiction, shelf=shelf, forms=task.forms
    )
    return _make_ask(case, fitted, task, adapter=adapter), assignment


def _make_ask(case: Case, fitted: Fitted, task: Task, *, adapter: str = "") -> Ask:
    messages = make_messages(language=case.language, prefix=fitted.prefix, task=task.text)
    return Ask(messages, REPLY_TOKENS, task.schema, adapter)


def _say_prepared(fitted: Fitted, language: Language, adapter_reason: str) -> Prepared:
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
