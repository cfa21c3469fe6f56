"""Conversations: begun, asked in, branched, found again, deleted.  Answers are written by `answering`.

A patient's threads lie in the patient's file: who may open the file reads them, who may write in it asks.  A
thread about nobody in particular is seen by its author alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from phyassist.domain.chats import (
    ChatMessage,
    ChatThread,
    GivenPassage,
    MessageId,
    MessageKind,
    MessageState,
    ThreadId,
    get_paragraph,
)
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import Draft, DraftId, Section
from phyassist.domain.folding import fold
from phyassist.domain.library import Citation
from phyassist.domain.people import PatientId
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import ConsultationId, Record, RecordField
from phyassist.errors import EmptyText, NotAllowed, TextTooLong
from phyassist.prompts.grounding import find_ground
from phyassist.services.access import check_may_change, check_of_patient
from phyassist.services.consent import check_consent
from phyassist.services.drafting import start_draft
from phyassist.services.intake import start_consultation
from phyassist.services.recording import add_statement
from phyassist.services.reworking import add_item
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

QUESTION_CHARS_MAX = 6000
_EXCERPT_CHARS = 90


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A line of the list; `excerpt` holds the words looked for, where they stand in a message."""

    thread: ChatThread
    excerpt: str = field(default="", repr=False)


class Starter(StrEnum):
    """A question that a conversation may begin with: about what lies in the file."""

    NOTE = "note"
    DRAFT = "draft"
    NEXT = "next"


@again
def begin_thread(
    store: Store,
    by: SignedIn,
    *,
    patient_id: PatientId | None,
    question: str,
    with_library: bool = False,
    consultation_id: ConsultationId | None = None,
) -> ChatThread:
    """A new thread with its first question, and the answer that is to be written.

    The answer is given the text of the consultation beside which it is asked for, else of the last one.
    Raises EmptyText, TextTooLong, ConsentMissing, NotFound, NotYourPatient, ReadOnly.
    """
    words = _check_question(question)
    now = store.clock()
    thread = ChatThread(ThreadId(store.new_id()), patient_id, by.id, now, now)
    asked, answer = _make_pair(
        store, by, None, words, with_library=with_library, consultation_id=consultation_id
    )
    with store.write(by) as tx:
        _check_may_ask(tx, by, thread, consultation_id)
        tx.chats.add(thread)
        return _add(tx, thread.id, asked, answer)


@again
def ask(
    store: Store,
    by: SignedIn,
    *,
    thread_id: ThreadId,
    parent_id: MessageId | None,
    question: str,
    with_library: bool = False,
    consultation_id: ConsultationId | None = None,
) -> ChatThread:
    """The thread with a question below an answer, or with another first one, and the answer to be written.

    A question beside one that stands there begins a branch.  Raises as `begin_thread` does, and NotAllowed
    where the answer above is still being written.
    """
    words = _check_question(question)
    asked, answer = _make_pair(
        store, by, parent_id, words, with_library=with_library, consultation_id=consultation_id
    )
    with store.write(by) as tx:
        thread = tx.chats.get(thread_id)
        _check_may_ask(tx, by, thread, consultation_id)
        if parent_id is not None:
            thread.get_answer(parent_id)
        return _add(tx, thread_id, asked, answer)


@again
def ask_again(
    store: Store,
    by: SignedIn,
    *,
    thread_id: ThreadId,
    question_id: MessageId,
    consultation_id: ConsultationId | None = None,
) -> ChatThread:
    """The thread with one more answer to be written to a question; those before it stay on their branches.

    Raises NotAllowed for what is no question, and as `ask` does.
    """
    answer_id = MessageId(store.new_id())
    with store.write(by) as tx:
        thread = tx.chats.get(thread_id)
        _check_may_ask(tx, by, thread, consultation_id)
        question = thread.get(question_id)
        if question.kind is not MessageKind.QUESTION:
            raise NotAllowed(f"message {question_id} is no question", hint="choose the question above it")
        answer = _make_answer(store, answer_id, question_id, question.with_library, consultation_id)
        return _add(tx, thread_id, answer)


@again
def choose_branch(store: Store, by: SignedIn, *, thread_id: ThreadId, message_id: MessageId) -> ChatThread:
    """The thread with the newest branch through a message shown.

    Raises NotFound, NotYourPatient, ReadOnly.
    """
    with store.write(by) as tx:
        thread = tx.chats.get(thread_id)
        if thread.patient_id is not None:
            check_may_change(tx, thread.patient_id)
        tx.chats.set_leaf(thread_id, thread.find_leaf(message_id))
        return tx.chats.get(thread_id)


def get_thread(store: Store, by: SignedIn, *, thread_id: ThreadId) -> ChatThread:
    """Raises NotFound, for somebody else's general thread too; NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        return tx.chats.get(thread_id)


def get_thread_to_change(store: Store, by: SignedIn, *, thread_id: ThreadId) -> ChatThread:
    """The thread for a run that will write in it.  Raises as `get_thread` does, and ReadOnly."""
    with store.read(by) as tx:
        thread = tx.chats.get(thread_id)
        if thread.patient_id is not None:
            check_may_change(tx, thread.patient_id)
        return thread


def list_threads(
    store: Store, by: SignedIn, *, patient_id: PatientId | None, words: str = ""
) -> tuple[ThreadRow, ...]:
    """A patient's threads, or one's own about nobody, the one asked in last at the top.

    With words, those that hold all of them in one message, on whichever branch; looked through in memory.
    Raises NotFound, NotYourPatient, CannotOpen.
    """
    with store.read(by) as tx:
        threads = tx.chats.list(patient_id)
    wanted = fold(words).split()
    if not wanted:
        return tuple(ThreadRow(thread) for thread in threads)
    found = ((thread, _find_words(thread, wanted)) for thread in threads)
    return tuple(ThreadRow(thread, excerpt) for thread, excerpt in found if excerpt)


def list_starters(
    store: Store, by: SignedIn, *, patient_id: PatientId, consultation_id: ConsultationId | None = None
) -> tuple[Starter, ...]:
    """Questions that the file can answer: the draft is that of the consultation, else of the last one.

    Raises NotFound, NotYourPatient.
    """
    with store.read(by) as tx:
        at_hand = consultation_id or tx.consultations.find_newest(patient_id)
        draft = None if at_hand is None else tx.drafts.open_of(at_hand)
        fits = {
            Starter.NOTE: patient_id in tx.notes.marks(),
            Starter.DRAFT: draft is not None and bool(draft.of(Section.ADVICE)),
            Starter.NEXT: at_hand is not None,
        }
    return tuple(starter for starter, can in fits.items() if can)


@again
def delete_thread(store: Store, by: SignedIn, *, thread_id: ThreadId) -> None:
    """The thread with all its branches, for good.  Raises NotFound, NotYourPatient, ReadOnly."""
    with store.write(by) as tx:
        thread = tx.chats.get(thread_id)
        if thread.patient_id is not None:
            check_may_change(tx, thread.patient_id)
        tx.chats.delete(thread_id)
        tx.audit.write(Act.DELETED, Kind.CHAT, thread_id)


def take_as_item(
    store: Store,
    by: SignedIn,
    *,
    thread_id: ThreadId,
    message_id: MessageId,
    paragraph: int,
    section: Section,
    consultation_id: ConsultationId | None = None,
) -> Draft:
    """The open draft of a consultation with a paragraph of an answer as an item in the counsellor's words.

    It is that of the consultation on show, else of the last; one is begun where none is open.  The item keeps
    the first source cited.
    Raises NotFound, NotAllowed where the thread is about nobody, NotYourPatient, ReadOnly.
    """
    patient_id, words, cited = _pick(store, by, thread_id, message_id, paragraph)
    consultation_id = _choose_consultation(store, by, patient_id, consultation_id)
    with store.read(by) as tx:
        draft = tx.drafts.open_of(consultation_id)
    if draft is None:
        draft = start_draft(store, by, consultation_id=consultation_id)
    return add_item(
        store,
        by,
        draft_id=DraftId(draft.id),
        section=section,
        text=words,
        after=draft.version,
        citation=_cite(words, cited[0]) if cited else None,
    )


def take_to_record(
    store: Store,
    by: SignedIn,
    *,
    thread_id: ThreadId,
    message_id: MessageId,
    paragraph: int,
    record_field: RecordField,
    consultation_id: ConsultationId | None = None,
) -> Record:
    """The record with a paragraph of an answer as a line on the counsellor's word: it rests on no quote.

    Raises as `take_as_item` does.
    """
    patient_id, words, _ = _pick(store, by, thread_id, message_id, paragraph)
    consultation_id = _choose_consultation(store, by, patient_id, consultation_id)
    with store.read(by) as tx:
        version = tx.records.get(patient_id).version
    return add_statement(
        store, by, consultation_id=consultation_id, record_field=record_field, text=words, after=version
    )


def _pick(
    store: Store, by: SignedIn, thread_id: ThreadId, message_id: MessageId, paragraph: int
) -> tuple[PatientId, str, tuple[GivenPassage, ...]]:
    with store.read(by) as tx:
        thread = tx.chats.get(thread_id)
        if thread.patient_id is None:
            raise NotAllowed(f"thread {thread_id} is about no patient", hint="ask on the patient's own page")
        check_may_change(tx, thread.patient_id)
        words, cited = get_paragraph(thread.get_answer(message_id), paragraph)
    return thread.patient_id, words, cited


def _cite(words: str, passage: GivenPassage) -> Citation:
    """The passage with the sentence of it, verbatim, that shares most with what rests on it."""
    sentences = split_sentences(passage.text)
    ground = find_ground(words, 0, sentences)
    quote = ground.text if ground else next((each.text for each in sentences), "")
    page = int(passage.page) if passage.page.isdecimal() else 0
    return Citation(passage.passage_id, passage.title, page, quote)


def _choose_consultation(
    store: Store, by: SignedIn, patient_id: PatientId, on_show: ConsultationId | None
) -> ConsultationId:
    with store.read(by) as tx:
        if on_show is not None:
            return check_of_patient(tx, on_show, patient_id)
        newest = tx.consultations.find_newest(patient_id)
    return newest or start_consultation(store, by, patient_id=patient_id).id


def _check_may_ask(tx: Tx, by: SignedIn, thread: ChatThread, consultation_id: ConsultationId | None) -> None:
    if thread.patient_id is not None:
        check_may_change(tx, thread.patient_id)
        check_consent(tx, by, thread.patient_id, Purpose.DRAFTING)
    if consultation_id is not None:
        check_of_patient(tx, consultation_id, thread.patient_id)


def _make_pair(
    store: Store,
    by: SignedIn,
    parent_id: MessageId | None,
    words: str,
    *,
    with_library: bool,
    consultation_id: ConsultationId | None,
) -> tuple[ChatMessage, ChatMessage]:
    asked = ChatMessage(
        MessageId(store.new_id()),
        parent_id,
        MessageKind.QUESTION,
        words,
        store.clock(),
        asked_by=by.counsellor.name,
        with_library=with_library,
    )
    return asked, _make_answer(store, MessageId(store.new_id()), asked.id, with_library, consultation_id)


def _make_answer(
    store: Store,
    answer_id: MessageId,
    question_id: MessageId,
    with_library: bool,
    consultation_id: ConsultationId | None,
) -> ChatMessage:
    return ChatMessage(
        answer_id,
        question_id,
        MessageKind.ANSWER,
        "",
        store.clock(),
        MessageState.WAITING,
        with_library=with_library,
        consultation_id=consultation_id,
    )


def _add(tx: Tx, thread_id: ThreadId, *messages: ChatMessage) -> ChatThread:
    for message in messages:
        tx.chats.add_message(thread_id, message)
    tx.audit.write(Act.ASKED, Kind.CHAT, thread_id)
    return tx.chats.get(thread_id)


def _check_question(question: str) -> str:
    words = question.strip()
    if not words:
        raise EmptyText("there is no question", hint="type one", reason="no-words")
    if len(words) > QUESTION_CHARS_MAX:
        raise TextTooLong(
            f"a question has up to {QUESTION_CHARS_MAX:,} characters",
            hint="put a long text into a consultation, and ask about it",
        )
    return words


def _find_words(thread: ChatThread, wanted: list[str]) -> str:
    for message in reversed(thread.messages):
        folded = fold(message.text)
        if all(word in folded for word in wanted):
            start = max(0, folded.find(wanted[0]) - 20)
            return " ".join(message.text[start : start + _EXCERPT_CHARS].split())
    return ""
