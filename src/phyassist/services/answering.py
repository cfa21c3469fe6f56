"""The answer of a conversation: written while it is read, kept as it comes, its prompt read in advance.

The model sees the patient's record and notes and the text at hand, as for a draft, then the conversation.
What comes is checked before it is shown (`prompts.answers`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from phyassist.domain.adapters import AdapterChoice
from phyassist.domain.chats import (
    NOTHING_ELSE,
    ChatMessage,
    ChatThread,
    Exchange,
    Given,
    GivenNote,
    GivenPassage,
    MessageId,
    MessageKind,
    MessageState,
    ThreadId,
    list_exchanges,
)
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import WrittenBy
from phyassist.domain.people import Jurisdiction, Language, PatientId
from phyassist.domain.reading.sentences import guess_language
from phyassist.domain.records import ConsultationId
from phyassist.errors import ModelError, NotAllowed, PromptTooLong, StoreError
from phyassist.lm.protocol import Ask, LanguageModel, Message, Reading, Reply, Stop, Waiting, Words
from phyassist.prompts.absent import find_absent, find_unmentioned
from phyassist.prompts.answers import Answer, read_answer
from phyassist.prompts.budget import MARGIN_TOKENS
from phyassist.prompts.chat import (
    REPLY_TOKENS,
    SUMMARY_TOKENS,
    Talk,
    choose_answer_language,
    make_condensing,
    make_messages,
    make_opening,
    render_question,
)
from phyassist.prompts.orders import hide_orders_in_draft
from phyassist.services.access import check_may_change
from phyassist.services.adapters import choose_for
from phyassist.services.chat_events import AnswerSoFar, AnswerWritten, ChatEvent, Condensing
from phyassist.services.consent import Withdrawn, check_consent
from phyassist.services.leaving import guard
from phyassist.services.prompting import Case, fit_case, fit_draft, fit_whole_notes, load_case
from phyassist.services.recalling import (
    find_named,
    find_untold,
    list_asked,
    recall,
    render_named,
    with_note,
)
from phyassist.services.shelving import make_ready
from phyassist.store.again import again
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

SHOW_EVERY_S, KEEP_EVERY_S = 0.15, 0.6
# At temperature 0 a second try would say the first one again.
AGAIN_TEMPERATURE = 0.7
# An answer that had to be held back as a whole is asked for once more, unlike any try that a person asks for.
SECOND_SEED = 1000
Ticks = Callable[[], float]
FindPassages = Callable[[str], tuple[GivenPassage, ...]]
_FINISHED = {"done": MessageState.DONE, "length": MessageState.LONG, "stopped": MessageState.STOPPED}


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What an answer is made of; `case` None where the thread is about nobody."""

    thread: ChatThread
    answer: ChatMessage
    question: ChatMessage
    case: Case | None
    jurisdiction: Jurisdiction
    adapter: AdapterChoice


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The talk with its budget: `room_tokens` are left for the conversation and the answer.

    `passages`, and the lines that `given` recalls, are those that had room beside the question.  `facts` is
    all that may hold facts, the counsellor's own questions among it; `unmentioned` is whom or what the
    question asks for and nothing of it mentions, `items` are those of the note that it asks for.
    """

    talk: Talk
    given: Given
    room_tokens: int
    passages: tuple[GivenPassage, ...]
    question: str = field(repr=False)
    facts: str = field(repr=False)
    unmentioned: tuple[str, ...] = field(repr=False)
    items: tuple[str, ...] = field(repr=False)


def write_answer(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    thread_id: ThreadId,
    answer_id: MessageId,
    interface: Language,
    stop: Stop,
    find_passages: FindPassages | None = None,
) -> Iterator[ChatEvent]:
    """Write the answer that `ask` left to be written; what came of it is kept, however it ends.

    A question in a language that is neither Chinese nor English is answered in that of the interface.
    Raises NotFound, NotYourPatient, ReadOnly, ConsentMissing, NotAllowed where it is written already,
    PromptTooLong, and the model's errors.
    """
    loaded = _load(store, by, lm, interface, thread_id=thread_id, answer_id=answer_id)
    patient_id = loaded.thread.patient_id
    if patient_id is not None:
        stop = Withdrawn(stop, store, by, patient_id)
    lm = guard(store, by, lm, patient_id)
    keeper = _Keeper(store, by, loaded, time.monotonic)
    try:
        passages: tuple[GivenPassage, ...] = ()
        if loaded.question.with_library and find_passages is not None:
            passages = find_passages(loaded.question.text)
        summary, exchanges = list_exchanges(loaded.thread.path_to(loaded.question.id)[:-1])
        prepared = _prepare(loaded, lm, passages, interface)
        made = ""
        if not _fits(lm, prepared, summary, exchanges):
            yield Condensing()
            made = yield from _condense(lm, prepared, loaded, (summary, exchanges), stop)
            if not made:
                yield AnswerWritten(keeper.end(MessageState.STOPPED))
                return
            summary, exchanges = made, ()
        keeper.begin(prepared, made)
        messages = make_messages(
            prepared.talk, summary=summary, exchanges=exchanges, question=prepared.question
        )
        ask = _make_ask(loaded, messages)
        if not (yield from keeper.follow(lm.write(ask, stop), may_ask_again=True)):
            other = replace(ask, temperature=AGAIN_TEMPERATURE, seed=SECOND_SEED + ask.seed)
            yield from keeper.follow(lm.write(other, stop))
    except (GeneratorExit, ModelError):
        # The page was closed or the engine died: what stood on the screen is kept as it stood.
        with suppress(NotAllowed, StoreError):
            keeper.end(MessageState.BROKEN)
        raise


def warm_chat(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    patient_id: PatientId | None,
    thread_id: ThreadId | None,
    interface: Language,
    consultation_id: ConsultationId | None = None,
) -> None:
    """Have the engine read what the next question's prompt will begin with; returns when it is read.

    Gives way to anybody who asks.  Raises as `write_answer` does.
    """
    with store.read(by) as tx:
        thread = None if thread_id is None else tx.chats.get(thread_id)
        case, jurisdiction, choice = _load_case(
            tx, by, lm, interface, patient_id=patient_id, consultation_id=consultation_id
        )
    choice = make_ready(store, by, lm, choice)
    talk, _ = _make_talk(case, jurisdiction, lm, interface)
    messages: tuple[Message, ...] = make_opening(talk)
    if thread is not None:
        summary, exchanges = list_exchanges(thread.path)
        # The question is still to come; all before it is the beginning of its prompt.
        messages = make_messages(talk, summary=summary, exchanges=exchanges, question="")
    if _count(lm, messages) + MARGIN_TOKENS + REPLY_TOKENS <= lm.context_tokens:
        lm.warm(messages, choice.card.id if choice.card else "")


class _Keeper:
    """Keeps the answer as it comes: in the store a few times in a while, on the page more often."""

    def __init__(self, store: Store, by: SignedIn, loaded: _Loaded, ticks: Ticks) -> None:
        self._store, self._by, self._loaded, self._ticks = store, by, loaded, ticks
        self._message = loaded.answer
        self._reply = ""
        self._talk = Talk("zh", loaded.jurisdiction)
        self._facts = ""
        self._unmentioned: tuple[str, ...] = ()
        self._items: tuple[str, ...] = ()
        self._begun = ticks()

    def begin(self, prepared: _Prepared, summary: str) -> None:
        self._talk = prepared.talk
        self._facts, self._unmentioned = prepared.facts, prepared.unmentioned
        self._items = prepared.items
        self._message = replace(
            self._message,
            passages=prepared.passages,
            given=prepared.given,
            summary=summary,
            adapter_reason=self._loaded.adapter.reason,
        )

    def follow(
        self, events: Iterator[Reading | Waiting | Words | Reply], *, may_ask_again: bool = False
    ) -> Generator[ChatEvent, None, bool]:
        """Whether it came to an end; not where all of it spoke to the client and another may be asked for."""
        shown_at = kept_at = float("-inf")
        first_s = 0.0
        for event in events:
            if isinstance(event, Words):
                first_s = first_s or self._ticks() - self._begun
                self._reply += event.text
                now = self._ticks()
                if now - shown_at >= SHOW_EVERY_S:
                    yield AnswerSoFar(self._read(is_whole=False).text)
                    shown_at = now
                if now - kept_at >= KEEP_EVERY_S:
                    self._save(MessageState.WAITING)
                    kept_at = now
            elif isinstance(event, Reply):
                if may_ask_again and event.finish != "stopped" and self._holds_all_back():
                    self._reply = ""
                    return False
                self._message = replace(self._message, written_by=WrittenBy(event.model, event.adapter))
                read = event.prompt_tokens - event.cached_tokens
                yield AnswerWritten(self.end(_FINISHED[event.finish]), first_s, read)
            else:
                yield event
        return True

    def _holds_all_back(self) -> bool:
        answer = self._read(is_whole=True)
        return bool(answer.held_back) and not answer.text

    def end(self, state: MessageState) -> ChatMessage:
        """The answer as it is stored, and will stay."""
        self._save(state)
        return self._message

    def _save(self, state: MessageState) -> None:
        is_whole = state is not MessageState.WAITING
        answer = self._read(is_whole=is_whole)
        # Words of two languages cannot be compared.
        may_compare = is_whole and guess_language(answer.text) == self._talk.language
        changed = replace(
            self._message,
            text=answer.text,
            held_back=answer.held_back,
            absent=self._find_absent(answer.text) if may_compare else (),
            untold=find_untold(self._items, answer.text) if may_compare else (),
            state=state,
        )
        self._message = _save_answer(self._store, self._by, self._loaded.thread, changed)

    def _find_absent(self, text: str) -> tuple[str, ...]:
        """What of a patient was asked for or answered and nobody gave."""
        if not self._talk.prefix:
            return ()
        return (*self._unmentioned, *find_absent(text, self._facts))

    def _read(self, *, is_whole: bool) -> Answer:
        return read_answer(
            self._reply,
            language=self._talk.language,
            jurisdiction=self._talk.jurisdiction,
            question=self._loaded.question.text,
            told="\n".join((self._talk.told, *self._message.given.recalled)),
            passages=self._message.passages,
            is_whole=is_whole,
        )


@again
def _save_answer(store: Store, by: SignedIn, thread: ChatThread, answer: ChatMessage) -> ChatMessage:
    with store.write(by) as tx:
        if thread.patient_id is not None:
            check_may_change(tx, thread.patient_id)
        return tx.chats.save_message(thread.id, answer)


def _load(
    store: Store,
    by: SignedIn,
    lm: LanguageModel,
    interface: Language,
    *,
    thread_id: ThreadId,
    answer_id: MessageId,
) -> _Loaded:
    with store.read(by) as tx:
        thread = tx.chats.get(thread_id)
        if thread.patient_id is not None:
            check_may_change(tx, thread.patient_id)
        answer = thread.get_answer(answer_id)
        if answer.state is not MessageState.WAITING or answer.parent_id is None:
            raise NotAllowed(f"answer {answer_id} is written already", hint="ask again for another one")
        case, jurisdiction, choice = _load_case(
            tx, by, lm, interface, patient_id=thread.patient_id, consultation_id=answer.consultation_id
        )
    choice = make_ready(store, by, lm, choice)
    return _Loaded(thread, answer, thread.get(answer.parent_id), case, jurisdiction, choice)


def _load_case(
    tx: Tx,
    by: SignedIn,
    lm: LanguageModel,
    interface: Language,
    *,
    patient_id: PatientId | None,
    consultation_id: ConsultationId | None,
) -> tuple[Case | None, Jurisdiction, AdapterChoice]:
    """What a draft of the consultation, or of the last, would be made of: both begin with the same words."""
    if patient_id is None:
        choice = choose_for(tx, None, lm.base_sha256, interface=interface)
        return None, tx.settings.get().jurisdiction, choice.in_words
    check_consent(tx, by, patient_id, Purpose.DRAFTING)
    at_hand = consultation_id or tx.consultations.find_newest(patient_id)
    consultation = None if at_hand is None else tx.consultations.get(at_hand)
    case = load_case(tx, patient_id, consultation)
    draft = None if consultation is None else tx.drafts.open_of(consultation.id)
    if draft is not None:
        case = replace(case, draft=hide_orders_in_draft(draft, case.language))
    wanted = consultation.adapter_wanted if consultation else ""
    choice = choose_for(tx, patient_id, lm.base_sha256, wanted).in_words
    return case, case.jurisdiction, choice


def _make_talk(
    case: Case | None, jurisdiction: Jurisdiction, lm: LanguageModel, interface: Language
) -> tuple[Talk, Given]:
    if case is None:
        return Talk(interface, jurisdiction), NOTHING_ELSE
    fitted = fit_case(case, lm)
    draft = fit_draft(case, fitted, lm)
    notes, shown = fit_whole_notes(case, fitted, lm, beside=draft)
    used = tuple(GivenNote(note.id, note.number, note.at) for note in notes)
    left_out = tuple(note.id for note in case.all_notes if note not in notes)
    has_draft = case.draft is not None and bool(case.draft.standing)
    given = Given(
        used,
        left_out,
        fitted.history.record_left_out,
        fitted.text_left_out,
        draft_read=bool(draft),
        draft_left_out=has_draft and not draft,
    )
    return Talk(case.language, jurisdiction, fitted.prefix, shown, draft), given


def _prepare(
    loaded: _Loaded, lm: LanguageModel, passages: tuple[GivenPassage, ...], interface: Language
) -> _Prepared:
    """Raises PromptTooLong where the question alone leaves no room for an answer."""
    talk, given = _make_talk(loaded.case, loaded.jurisdiction, lm, interface)
    asked = loaded.question.text
    found = find_named(loaded.case.all_notes, asked) if loaded.case is not None else None
    named = render_named(found, given, talk, asked) if found is not None else ""
    with_named = with_note(given, found.note) if found is not None else given
    items = list_asked(found.note, asked) if found is not None else ()
    lines = recall(loaded.case, with_named, asked) if loaded.case is not None else ()
    answer_in = choose_answer_language(asked, interface)
    # What the assistant said or drafted before proves nothing: it may have made it up.
    draft = loaded.case.draft if loaded.case is not None else None
    own_words = [item.text for item in draft.standing if item.edited] if draft is not None else []
    path = loaded.thread.path_to(loaded.question.id)
    asks = [each.text for each in path if each.kind is MessageKind.QUESTION]
    # Words of two languages cannot be looked for in one another.
    may_compare = bool(talk.prefix) and guess_language(asked) == talk.language
    room = lm.context_tokens - _count(lm, make_opening(talk)) - MARGIN_TOKENS
    first = 1 if named else 0
    for count in range(first + len(lines) + len(passages), -1, -1):
        # The literature gives way first: what the file says of this patient is nearer to the question.
        recalled = lines[: max(0, count - first)]
        fitting = passages[: max(0, count - first - len(lines))]
        beside = named if count else ""
        shown = (f"{each.title}\n{each.text}" for each in fitting)
        shown_facts = "\n".join((talk.told, *own_words, beside, *recalled, *shown))
        unmentioned = find_unmentioned(asks, shown_facts) if may_compare else ()
        question = render_question(
            talk,
            asked,
            passages=fitting,
            named=beside,
            recalled=recalled,
            unmentioned=unmentioned,
            each_item=bool(beside) and len(items) > 1,
            answer_in=answer_in,
        )
        facts = "\n".join((shown_facts, *asks))
        prepared = _Prepared(
            talk,
            replace(with_named if beside else given, recalled=recalled),
            room,
            fitting,
            question,
            facts,
            unmentioned,
            items if beside else (),
        )
        if _fits(lm, prepared, "", ()):
            return prepared
    raise PromptTooLong("the question is too long for the model", hint="shorten it")


def _fits(lm: LanguageModel, prepared: _Prepared, summary: str, exchanges: Sequence[Exchange]) -> bool:
    """Whether the conversation, an answer, and later the ask for its main points have room."""
    said = "\n".join([summary, *(text for each in exchanges for text in (each.question, each.answer))])
    marks = 12 * (2 * len(exchanges) + 1)
    needed = lm.count_tokens(said) + lm.count_tokens(prepared.question) + marks + REPLY_TOKENS
    return needed + (SUMMARY_TOKENS + MARGIN_TOKENS if exchanges else 0) <= prepared.room_tokens


def _condense(
    lm: LanguageModel,
    prepared: _Prepared,
    loaded: _Loaded,
    so_far: tuple[str, Sequence[Exchange]],
    stop: Stop,
) -> Generator[ChatEvent, None, str]:
    """The main points of the conversation, in the model's words; empty where it was stopped.

    Where the file has grown so that file and conversation do not fit together, the conversation alone is
    condensed, part by part.  Raises PromptTooLong where nothing comes of it.
    """
    summary, rest = so_far
    while rest:
        taken, messages = _take_to_condense(lm, prepared.talk, summary, rest)
        ask = Ask(messages, SUMMARY_TOKENS, adapter=loaded.adapter.card.id if loaded.adapter.card else "")
        for event in lm.write(ask, stop):
            if isinstance(event, Reply):
                if event.finish == "stopped":
                    return ""
                summary = read_answer(
                    event.text,
                    language=prepared.talk.language,
                    jurisdiction=prepared.talk.jurisdiction,
                    question="",
                    told=prepared.talk.told,
                ).text
            elif not isinstance(event, Words):
                yield event
        rest = rest[taken:]
    if not summary:
        raise PromptTooLong("the conversation is too long for the model", hint="begin a new thread")
    return summary


def _take_to_condense(
    lm: LanguageModel, talk: Talk, summary: str, exchanges: Sequence[Exchange]
) -> tuple[int, tuple[Message, ...]]:
    """How many exchanges one ask condenses, and the ask.  Raises PromptTooLong."""
    room = lm.context_tokens - SUMMARY_TOKENS - MARGIN_TOKENS
    whole = make_condensing(talk, summary=summary, exchanges=exchanges, with_prefix=True)
    if _count(lm, whole) + 24 * len(exchanges) <= room:
        return len(exchanges), whole
    for taken in range(len(exchanges), 0, -1):
        part = make_condensing(talk, summary=summary, exchanges=exchanges[:taken], with_prefix=False)
        if _count(lm, part) <= room:
            return taken, part
    raise PromptTooLong("the conversation is too long for the model", hint="begin a new thread")


def _make_ask(loaded: _Loaded, messages: tuple[Message, ...]) -> Ask:
    tries = len(loaded.thread.beside(loaded.answer)) - 1
    adapter = loaded.adapter.card.id if loaded.adapter.card else ""
    temperature = AGAIN_TEMPERATURE if tries else 0.0
    return Ask(messages, REPLY_TOKENS, adapter=adapter, temperature=temperature, seed=tries)


def _count(lm: LanguageModel, messages: Sequence[Message]) -> int:
    return lm.count_tokens("\n".join(message.content for message in messages))
