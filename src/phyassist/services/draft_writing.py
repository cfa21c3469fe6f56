"""The model's reply as items: read while it comes, tied to the patient's words, and kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from phyassist.domain.adapters import HELD, Forms
from phyassist.domain.clock import NewId
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import (
    Basis,
    Change,
    Draft,
    DraftId,
    DraftItem,
    ItemId,
    Section,
    UnreadReply,
    WrittenBy,
)
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.harm import is_of_harm
from phyassist.domain.reading.sentences import Sentence
from phyassist.errors import ChangedMeanwhile
from phyassist.lm.protocol import Ask, LanguageModel, Reading, Reply, Stop, Waiting
from phyassist.prompts.attributing import is_of_another
from phyassist.prompts.citing import Shelf, find_citation
from phyassist.prompts.draft import NO_SHELF
from phyassist.prompts.draft_schema import Counts, without_broken_clause
from phyassist.prompts.echoes import is_echo_of_rule, without_echoes
from phyassist.prompts.grounding import find_ground, is_repetition
from phyassist.prompts.labels import without_labels
from phyassist.prompts.referrals import without_referral
from phyassist.prompts.replies import (
    ItemWords,
    RawItem,
    ReplyReader,
    UnreadableReply,
    name_client,
    name_others,
    without_said,
)
from phyassist.services.consent import check_consent
from phyassist.services.draft_events import AnalysisDone, ItemWritten, UnreadWritten
from phyassist.services.following import get_open
from phyassist.store.again import again
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

PARTIAL_EVERY_S = 0.3
# At temperature 0 a second try would say the first one again.
SECOND_TEMPERATURE = 0.7

WritingEvent = Waiting | Reading | ItemWords | ItemWritten | UnreadWritten | AnalysisDone


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one reply is to bring: how many items of which section, about which sentences, under which rules.

    `targets` are items whose places the new ones take, in the order of the reply; `others` stand beside them
    and are not to be said again.  `forms` are those that the adapter which writes has of its own.
    `may_refer`: the counsellor asked about sending the client to somebody.
    """

    asked: Counts
    sentences: tuple[Sentence, ...] = field(repr=False)
    language: Language
    jurisdiction: Jurisdiction
    targets: tuple[DraftItem, ...] = field(default=(), repr=False)
    others: tuple[DraftItem, ...] = field(default=(), repr=False)
    shelf: Shelf = field(default=NO_SHELF, repr=False)
    forms: Forms = field(default_factory=lambda: HELD, repr=False)
    may_refer: bool = False

    def find_lacking(self, items: Iterable[DraftItem]) -> tuple[Section, ...]:
        """The sections that were to come and of which there is no item."""
        there = {item.section for item in items}
        return tuple(section for section, (least, _) in self.asked.items() if least and section not in there)

    def take_out(self, section: Section, text: str) -> str:
        """An item without what every item of its section says."""
        own = self.forms.get(section)
        return own.take_out(text) if own else text

    def clean(self, raw: RawItem, items: Sequence[DraftItem]) -> RawItem:
        """An item without what the form broke off, what it says of the task, what reasons before it end in,
        English words for others in Chinese and the client's own "my" in English; a form of its own breaks
        nothing off.
        """
        text = name_others(raw.text) if self.language == "zh" else raw.text
        is_held = raw.section not in self.forms
        if raw.section == Section.SYMPTOM_TYPE:
            return replace(raw, text="" if is_held and is_echo_of_rule(text, self.language) else text)
        if is_held:
            text = name_client(text) if self.language == "en" else text
            text = without_broken_clause(text, raw.section, self.language)
        if is_held and raw.section == Section.REASON:
            text = without_said(text, (item.text for item in items if item.section == Section.REASON))
        if is_held and raw.section == Section.ADVICE and not self.may_refer:
            text = without_referral(text, self.language)
        return replace(raw, text=without_echoes(text, raw.section, self.language))

    def find_target(self, section: Section, no: int) -> DraftItem | None:
        """The item that number `no` of a section takes the place of; None where it is a new one."""
        of_section = [item for item in self.targets if item.section == section]
        return of_section[no - 1] if no <= len(of_section) else None


def write_items(
    lm: LanguageModel, ask: Ask, assignment: Assignment, stop: Stop, new_id: NewId
) -> Iterator[WritingEvent]:
    """Readings, words, items as they are finished, what could not be read, and one AnalysisDone.

    A reply of which nothing stands, since it begins with harm that nobody spoke of, is asked for once more.
    Raises what `LanguageModel.write` does.
    """
    first = _UntilUseless(stop)
    written = yield from _write_once(lm, ask, assignment, first, new_id, give_up=first.give_up)
    if first.is_useless and not stop.is_set():
        yield UnreadWritten(written.unread[0])
        written = yield from _write_once(lm, ask_again(ask), assignment, stop, new_id)
    if written.unread:
        yield UnreadWritten(written.unread[0])
    yield written


def ask_again(ask: Ask) -> Ask:
    """The same, so that another reply comes than the first one at temperature 0."""
    return replace(ask, temperature=SECOND_TEMPERATURE, seed=ask.seed + 1)


class _UntilUseless:
    """A stop that also comes where nothing of a reply can stand: it is asked for again."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.is_useless = False

    def give_up(self) -> None:
        self.is_useless = True

    def is_set(self) -> bool:
        return self.is_useless or self._stop.is_set()


def _write_once(
    lm: LanguageModel,
    ask: Ask,
    assignment: Assignment,
    stop: Stop,
    new_id: NewId,
    *,
    give_up: Callable[[], None] = lambda: None,
) -> Generator[WritingEvent, None, AnalysisDone]:
    reader = ReplyReader(assignment.asked)
    items: list[DraftItem] = []
    failure: UnreadableReply | None = None
    repeated = 0
    reply: Reply | None = None
    harm_was_given = any(is_of_harm(message.content) for message in ask.messages)
    for event in lm.write(ask, stop):
        if isinstance(event, Reply):
            reply = event
        elif isinstance(event, Reading | Waiting):
            yield event
        elif failure is None:
            try:
                for part in reader.feed(event.text):
                    if isinstance(part, ItemWords):
                        yield part
                        continue
                    raw = assignment.clean(part, items)
                    if not raw.text:
                        repeated += 1
                        continue
                    item = _make_item(raw, assignment, new_id, WrittenBy(lm.name, ask.adapter))
                    if not harm_was_given and _asserts_harm(item):
                        raise UnreadableReply("unspoken", item.section)
                    if not _is_new(item, items, assignment) or _is_of_another(item, assignment):
                        repeated += 1
                        continue
                    items.append(item)
                    yield ItemWritten(item)
            except UnreadableReply as error:
                failure = error
                if error.why == "unspoken" and not items:
                    give_up()
    if reply is None:
        raise RuntimeError("a language model ended without a Reply")
    by = WrittenBy(reply.model, reply.adapter)
    if failure is None and reply.finish != "stopped":
        failure = _find_failure(reader, reply)
    unread: tuple[UnreadReply, ...] = ()
    if failure is not None:
        unread = (UnreadReply(ItemId(new_id()), failure.section, failure.why, reply.text, by),)
    return AnalysisDone(tuple(replace(item, written_by=by) for item in items), unread, reply, repeated)


def _asserts_harm(item: DraftItem) -> bool:
    """Whether it says of the client what must never be made up; advice may ask about it at any time."""
    return item.section != Section.ADVICE and is_of_harm(item.text)


def _find_failure(reader: ReplyReader, reply: Reply) -> UnreadableReply | None:
    try:
        reader.close(cut_short=reply.finish == "length")
    except UnreadableReply as error:
        return error
    return None


def _said(item: DraftItem, items: list[DraftItem], assignment: Assignment) -> list[str]:
    """What stands in the item's section already, said now or before."""
    return [
        assignment.take_out(other.section, other.text)
        for other in (*assignment.others, *items)
        if other.section == item.section
    ]


def _is_new(item: DraftItem, items: list[DraftItem], assignment: Assignment) -> bool:
    """Whether it says what no other does, and, where it was redone, other words than before: its comments
    were not followed else.
    """
    as_before = any(item.id == old.id and item.text == old.text for old in assignment.targets)
    said = _said(item, items, assignment)
    return not as_before and not is_repetition(assignment.take_out(item.section, item.text), said)


def _is_of_another(item: DraftItem, assignment: Assignment) -> bool:
    return item.section == Section.REASON and is_of_another(
        item.text, item.quote, assignment.sentences, assignment.language
    )


def _make_item(raw: RawItem, assignment: Assignment, new_id: NewId, by: WrittenBy) -> DraftItem:
    target = assignment.find_target(raw.section, raw.no)
    item = DraftItem(target.id if target else ItemId(new_id()), raw.section, raw.text, written_by=by)
    if raw.section == Section.REASON:
        said = assignment.take_out(raw.section, raw.text)
        ground = find_ground(said, raw.sentence_no, assignment.sentences)
        item = (
            replace(item, basis=Basis.INFERRED)
            if ground is None
            else replace(item, basis=Basis.QUOTED, quote=ground.text, span=ground.span)
        )
    if raw.section == Section.ADVICE:
        item = replace(item, citation=find_citation(raw.text, assignment.shelf))
    if assignment.jurisdiction == "cn":
        is_type = raw.section == Section.SYMPTOM_TYPE
        plain = without_labels(item.text, assignment.language, told=item.quote, is_type=is_type)
        item = replace(item, text=plain)
    return item


class DraftKeeper:
    """Keeps what is being written: each finished item a version, the words of the next a few times a second.

    It follows the newest version, so what the counsellor changes meanwhile stays.  While the store is away
    it waits, up to the store's patience.
    Raises NotAllowed once the draft is closed, ConsentMissing once consent is withdrawn, ChangedMeanwhile
    where the same items came from elsewhere.
    """

    def __init__(
        self,
        store: Store,
        by: SignedIn,
        draft: Draft,
        assignment: Assignment,
        *,
        change: Change,
        ticks: Callable[[], float],
    ) -> None:
        self.draft = draft
        self._store, self._by = store, by
        self._assignment, self._change, self._ticks = assignment, change, ticks
        self._known = {item.id for item in draft.items}
        self._begun = {item.id: item.text for item in assignment.targets}
        self._words = ""
        self._writing: tuple[Section, int] | None = None
        self._kept_words, self._kept_at = "", float("-inf")

    def keep_words(self, words: ItemWords) -> None:
        """Add to the item being written, and save it where the last saving is some time ago."""
        if (words.section, words.no) != self._writing:
            self._writing, self._words = (words.section, words.no), ""
        self._words += words.text
        if self._ticks() - self._kept_at >= PARTIAL_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Save the words of the item being written now."""
        if self._words == self._kept_words:
            return
        _save_partial(self._store, self._by, self.draft.id, self._words)
        self._kept_words, self._kept_at = self._words, self._ticks()

    def keep_item(self, item: DraftItem) -> ItemWritten:
        """The item as it is stored, and the version that holds it."""
        is_redone = item.id in self._begun

        def write(newest: Draft) -> Draft:
            if _holds(newest, item):
                return newest  # a commit whose answer was lost had kept it
            self._check_alone(newest, item)
            whole = newest.rewritten(item) if is_redone else newest.with_item(item)
            return whole.without_unread((item.section,))

        self._save(write, self._change, (item.id,))
        self._known.add(item.id)
        stored = self.draft.get_item(item.id)
        self._begun[item.id] = stored.text
        return ItemWritten(stored, self.draft.version)

    def keep_unread(self, unread: UnreadReply) -> UnreadWritten:
        sections = self._assignment.asked
        self._save(lambda newest: newest.without_unread(sections).with_unread(unread), Change.UNREAD)
        return UnreadWritten(unread, self.draft.version)

    def keep_stop(self) -> None:
        """Mark that the counsellor stopped; the unfinished item is gone, the finished ones stand."""
        self._save(lambda newest: newest, Change.STOPPED)

    def keep_end(self, done: AnalysisDone) -> None:
        """Correct who wrote the items where the engine says otherwise than asked, and clear the rest."""
        written = {item.id: item.written_by for item in done.items}

        def correct(newest: Draft) -> Draft:
            for item in newest.items:
                by = written.get(item.id)
                if by is not None and not item.edited and item.written_by != by:
                    newest = newest.with_item(replace(item, written_by=by))
            return newest

        self._words = ""
        if correct(self.draft) != self.draft:
            self._save(correct, self._change, tuple(written))
        elif self._kept_words:
            self.flush()

    def _check_alone(self, newest: Draft, item: DraftItem) -> None:
        if item.id in self._begun:
            is_foreign = (
                newest.get_item(item.id).text != self._begun[item.id] or newest.get_item(item.id).deleted
            )
        else:
            is_foreign = any(
                other.id not in self._known and not other.written_by.by_person for other in newest.items
            )
        if is_foreign:
            raise ChangedMeanwhile(
                f"draft {newest.id} is being written in another window", hint="look at it as it is now"
            )

    def _save(
        self, write: Callable[[Draft], Draft], change: Change, item_ids: tuple[ItemId, ...] = ()
    ) -> None:
        self.draft = _save_version(self._store, self._by, self.draft, write, change=change, item_ids=item_ids)
        self._words = self._kept_words = ""


@again
def _save_partial(store: Store, by: SignedIn, draft_id: DraftId, words: str) -> None:
    with store.write(by) as tx:
        newest = get_open(tx, draft_id)
        check_consent(tx, by, newest.patient_id, Purpose.DRAFTING)
        tx.drafts.save_partial(draft_id, words)


@again
def _save_version(
    store: Store,
    by: SignedIn,
    draft: Draft,
    write: Callable[[Draft], Draft],
    *,
    change: Change,
    item_ids: tuple[ItemId, ...],
) -> Draft:
    """What `write` makes of the newest version, with what `draft` says of its prompt, as the next one."""
    with store.write(by) as tx:
        newest = get_open(tx, draft.id)
        check_consent(tx, by, newest.patient_id, Purpose.DRAFTING)
        content = replace(
            write(newest),
            partial="",
            notes_used=draft.notes_used,
            left_out=draft.left_out,
            record_left_out=draft.record_left_out,
            text_read=draft.text_read,
            text_left_out=draft.text_left_out,
            adapter_reason=draft.adapter_reason,
            orders_hidden=draft.orders_hidden,
            passages_used=draft.passages_used,
        )
        return tx.drafts.save(content, change, after=newest.version, item_ids=item_ids)


def _holds(draft: Draft, item: DraftItem) -> bool:
    return any(other.id == item.id and other.text == item.text for other in draft.items)
