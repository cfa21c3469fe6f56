"""Drafts: written by the model item by item, and written anew where the counsellor asks for it.

Each finished item is a version in the store before it is handed on, and the words of the one being written
are kept a few times a second.  What a counsellor changes meanwhile stays: the writer follows the newest
version.  What is done to a draft by hand stands in `reworking`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from phyassist.domain.adapters import HELD, Forms
from phyassist.domain.clock import NewId, new_id
from phyassist.domain.drafts import Change, Draft, DraftId, DraftItem, DraftState, ItemId, Section
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import ConsultationId
from phyassist.errors import ModelError, NotAllowed
from phyassist.lm.protocol import LanguageModel, Stop
from phyassist.prompts.orders import without_orders
from phyassist.prompts.replies import ItemWords
from phyassist.services.access import check_may_change
from phyassist.services.consent import Withdrawn
from phyassist.services.draft_asking import (
    Loaded,
    Part,
    Round,
    load_draft,
    name_passages,
    prepare_question,
    prepare_round,
    say_prepared,
    split_parts,
)
from phyassist.services.draft_events import (
    AnalysisDone,
    AnalysisEvent,
    DraftEvent,
    Finished,
    ItemWritten,
    Prepared,
    UnreadWritten,
)
from phyassist.services.draft_writing import DraftKeeper, WritingEvent, ask_again, write_items
from phyassist.services.following import get_followed
from phyassist.services.intake import check_text
from phyassist.services.leaving import guard
from phyassist.services.library import Embedder
from phyassist.services.prompting import Case, fit_case
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
    "move_item",
    "redo_items",
    "restore_version",
    "start_draft",
    "write_draft",
]

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

    Sections of which nothing stands in the end, as all was left out, are asked for once more.
    `forms` are those of the adapter that answers, where it has its own.
    Raises EmptyText, TextTooLong, PromptTooLong, EngineDown, ServerRefused.
    """
    check_text(text)
    case = Case(language, jurisdiction, without_orders(split_sentences(text), language))
    fitted = fit_case(case, lm)
    ask, assignment = prepare_question(case, fitted, question, forms=forms)
    yield say_prepared(fitted, case.language, "")
    done = yield from _hold_done(write_items(lm, ask, assignment, stop, new_id))
    lacking = assignment.find_lacking(done.items)
    if lacking and not done.unread and done.reply.finish != "stopped":
        ask, assignment = prepare_question(
            case, fitted, question, forms=forms, sections=lacking, present=done.items
        )
        again = write_items(lm, ask_again(ask), assignment, stop, new_id)
        done = done.followed_by((yield from _hold_done(again)))
    yield done


def _hold_done(events: Iterator[WritingEvent]) -> Generator[WritingEvent, None, AnalysisDone]:
    """The events but the last, which comes back."""
    for event in events:
        if isinstance(event, AnalysisDone):
            return event
        yield event
    raise RuntimeError("an analysis ended without AnalysisDone")


@again
def start_draft(store: Store, by: SignedIn, *, consultation_id: ConsultationId, question: str = "") -> Draft:
    """An empty draft of a consultation, about `question` or the consultation's own.

    An open one that is still empty and asks the same is taken up again; any other is laid aside.
    Raises NotFound, NotYourPatient, ReadOnly.
    """
    with store.write(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        check_may_change(tx, consultation.patient_id)
        asked = question.strip() or consultation.question
        present = tx.drafts.open_of(consultation_id)
        if present is not None and present.question == asked and not present.items:
            return present
        while present is not None:
            # A second one left open would come back to the page once the new one is signed.
            tx.drafts.set_state(present.id, DraftState.DISCARDED)
            tx.audit.write(Act.DISCARDED, Kind.DRAFT, present.id)
            present = tx.drafts.open_of(consultation_id)
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
    loaded = load_draft(store, by, draft_id, lm, embedder)
    missing = loaded.draft.missing
    if not missing:
        raise NotAllowed(f"draft {draft_id} has all its sections", hint="regenerate what should be different")
    yield from _write(
        store, lm, by, loaded=loaded, parts=split_parts(loaded, missing), stop=stop, ticks=ticks
    )


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
            "there is nothing to write anew: edited items stay",
            hint="choose one alone, or comment on it",
            reason="all-edited",
        )
    loaded = replace(load_draft(store, by, draft_id, lm), draft=draft)
    missing = (section,) if section is not None and is_empty_section else ()
    parts = split_parts(loaded, missing, targets)
    yield from _write(store, lm, by, loaded=loaded, parts=parts, stop=stop, ticks=time.monotonic)


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


def _write(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    loaded: Loaded,
    parts: Sequence[Part],
    stop: Stop,
    ticks: Ticks,
) -> Iterator[DraftEvent]:
    """Ask for one part after the other and keep what comes of it, up to a stop or a reply that is not read.

    Sections of which nothing stands in the end, as all was left out, are asked for once more.  It ends when
    consent is withdrawn in the middle.
    """
    lm = guard(store, by, lm, loaded.draft.patient_id)
    stop = Withdrawn(stop, store, by, loaded.draft.patient_id)
    done: AnalysisDone | None = None
    wanted = set[Section]()
    for part in parts:
        round_ = prepare_round(loaded, lm, *part)
        wanted |= {section for section, (least, _) in round_.assignment.asked.items() if least}
        written, draft = yield from _write_part(store, lm, by, loaded, round_, stop=stop, ticks=ticks)
        loaded = replace(loaded, draft=draft)
        if done is None:
            # Once for all parts, and also where the engine dies in the next one.
            _write_audit(store, by, draft.id, round_.change)
        done = written if done is None else done.followed_by(written)
        if written.unread or written.reply.finish == "stopped":
            break
    else:
        lacking = tuple(section for section in loaded.draft.missing if section in wanted)
        if lacking and done is not None:
            round_ = prepare_round(loaded, lm, lacking).ask_again()
            written, draft = yield from _write_part(store, lm, by, loaded, round_, stop=stop, ticks=ticks)
            loaded, done = replace(loaded, draft=draft), done.followed_by(written)
    if done is not None:
        yield done
    yield Finished(loaded.draft)


def _write_part(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    loaded: Loaded,
    round_: Round,
    *,
    stop: Stop,
    ticks: Ticks,
) -> Generator[DraftEvent, None, tuple[AnalysisDone, Draft]]:
    """Ask for one reply and keep what comes of it; what came, and the draft with it."""
    prepared = replace(
        say_prepared(round_.fitted, loaded.case.language, loaded.adapter.reason),
        passages_used=name_passages(loaded.draft, round_.assignment),
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
                return event, keeper.draft
            else:
                yield event
    except (GeneratorExit, ModelError):
        # The page was closed or the engine died: what stood on the screen is kept as it stood.
        with suppress(NotAllowed):
            keeper.flush()
        raise
    raise RuntimeError("an analysis ended without AnalysisDone")


@again
def _write_audit(store: Store, by: SignedIn, draft_id: DraftId, change: Change) -> None:
    act = Act.REGENERATED if change == Change.REGENERATED else Act.ANALYSED
    with store.write(by) as tx:
        tx.audit.write(act, Kind.DRAFT, draft_id)
