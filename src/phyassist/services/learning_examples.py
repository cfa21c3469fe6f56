"""What a run learns from, made of one patient's notes and of what was changed on the way to them.

A note is asked for as the app would have asked on that day: the record as it stood then, the notes there
were, the text, the question; the reply to learn is what was signed.  The item as the model wrote it, against
the item as it was kept, is a pair; so is what was deleted, and a comment becomes the instruction.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from phyassist.domain.adapters import FormsByLanguage, NoteRef
from phyassist.domain.drafts import Draft, DraftItem, ItemId
from phyassist.domain.learning import (
    Drafted,
    ExampleId,
    ExampleKind,
    LearningExample,
    Origin,
    estimate_tokens,
)
from phyassist.domain.messages import Message
from phyassist.domain.notes import Note
from phyassist.domain.people import Jurisdiction, Language
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.records import Record
from phyassist.prompts.budget import choose_history
from phyassist.prompts.draft import Task, join_comments, make_redo_task, make_task, render_reply
from phyassist.prompts.forms import find_forms
from phyassist.prompts.layout import make_messages, make_prefix
from phyassist.prompts.orders import hide_orders_in_note, hide_orders_in_record, without_orders

# An example that is longer is split.  A trainer's row has to hold one, with the reply.
PROMPT_TOKENS = 1536
ORIGINAL_VERSION = 1


@dataclass(frozen=True, slots=True)
class Told:
    """A note with all that its prompt was made of, and the versions of its draft, the oldest first.

    `record` and `earlier` are those of the day on which the draft was begun.
    """

    note: Note
    sentences: tuple[Sentence, ...] = field(repr=False)
    record: Record
    earlier: tuple[Note, ...] = field(repr=False)
    versions: tuple[Draft, ...] = field(repr=False)

    @property
    def ref(self) -> NoteRef:
        return make_ref(self.note)


def make_ref(note: Note) -> NoteRef:
    """The note at the version that it is."""
    return NoteRef(note.id, 1 + len(note.amendments))


def with_words_hidden(
    tolds: Sequence[Told], hide: Callable[[Sequence[str]], Sequence[str]]
) -> tuple[Told, ...]:
    """The same, all their texts as `hide` makes them when it sees them together."""
    texts: list[str] = []

    def note_down(words: str) -> str:
        texts.append(words)
        return words

    for told in tolds:
        _map_words(told, note_down)
    hidden = iter(hide(texts))
    return tuple(_map_words(told, lambda _: next(hidden)) for told in tolds)


def make_examples(told: Told, jurisdiction: Jurisdiction) -> tuple[LearningExample, ...]:
    """All examples of one note: what was signed, then what was changed, in the order of its items."""
    kept = told.note.items
    if not any(not item.deleted for item in kept):
        return ()
    language = guess_language(" ".join(item.text for item in kept))
    made = _Maker(told, jurisdiction, language)
    supervised = [made.learn_part(part) for part in made.parts]
    return (*supervised, *made.learn_changes())


def find_own_forms(examples: Iterable[LearningExample]) -> FormsByLanguage:
    """Where the notes left the form of a draft, by language, and the form that they have there."""
    replies: dict[Language, list[tuple[str, str]]] = {}
    for example in examples:
        if example.kind == ExampleKind.SUPERVISED:
            # An adapter may have had a form of its own: how many items it drafted says nothing.
            is_alone = example.drafted is not None and not example.drafted.adapter
            drafted = example.drafted.reply if example.drafted and is_alone else ""
            replies.setdefault(example.language, []).append((example.chosen, drafted))
    return {language: find_forms(said, language) for language, said in replies.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """Sentences that fit a prompt together, and the items that are learnt with them."""

    sentences: tuple[Sentence, ...] = field(repr=False)
    items: tuple[DraftItem, ...] = field(repr=False)
    prefix: str = field(repr=False)
    number: int
    read: tuple[NoteRef, ...]


@dataclass(frozen=True, slots=True)
class _Machine:
    """What the model wrote in an item's place, in order, each with the comments that led to the next."""

    tries: tuple[DraftItem, ...] = field(repr=False)

    @property
    def last(self) -> DraftItem:
        return self.tries[-1]


class _Maker:
    def __init__(self, told: Told, jurisdiction: Jurisdiction, language: Language) -> None:
        self._told, self._jurisdiction, self._language = told, jurisdiction, language
        self._kept = tuple(item for item in told.note.items if not item.deleted)
        self.parts = self._split()
        self._drafted = {part.number: self._find_drafted(part) for part in self.parts}

    def learn_part(self, part: _Part) -> LearningExample:
        """The items of a part as the reply to learn."""
        return self._make(Origin.NOTE, part, self._ask(part), render_reply(part.items, part.sentences))

    def learn_changes(self) -> Iterator[LearningExample]:
        """Pairs of what was kept and what was not."""
        kept = {item.id: item for item in self._kept}
        last = self._told.versions[-1].items if self._told.versions else ()
        for item_id, machine in _follow(self._told.versions).items():
            item = kept.get(item_id)
            if item is not None:
                yield from self._learn_kept(item, machine, last)
            elif any(each.id == item_id and each.deleted for each in last):
                yield self._learn_deleted(machine.last, last)

    def _learn_kept(
        self, kept: DraftItem, machine: _Machine, last: Sequence[DraftItem]
    ) -> Iterator[LearningExample]:
        part = self._part_of(kept)
        asked, chosen = self._ask(part), render_reply(part.items, part.sentences)
        seen = {_plain(kept)}
        for written in machine.tries:
            if _plain(written) in seen:
                continue
            seen.add(_plain(written))
            is_last = written is machine.last
            wished = written if not is_last else _with_comments_of(written, last)
            if wished.open_comments:
                yield self._learn_comment(part, kept, wished)
                continue
            origin = Origin.EDIT if is_last else Origin.REGENERATION
            rejected = render_reply(_put(part.items, written), part.sentences)
            yield self._make(origin, part, asked, chosen, rejected=rejected, item=written)

    def _learn_comment(self, part: _Part, kept: DraftItem, written: DraftItem) -> LearningExample:
        draft = Draft(
            self._told.note.draft_id,
            self._told.note.patient_id,
            self._told.note.consultation_id,
            self._told.note.question,
            items=_put(self._kept, written),
        )
        task = make_redo_task(
            draft,
            [written],
            language=self._language,
            jurisdiction=self._jurisdiction,
            sentences=part.sentences,
        )
        wishes = {written.id: join_comments(written)}
        chosen = render_reply([kept], part.sentences, wishes)
        rejected = render_reply([written], part.sentences, wishes)
        messages = self._messages(part, task)
        return self._make(Origin.COMMENT, part, messages, chosen, rejected=rejected, item=written)

    def _learn_deleted(self, deleted: DraftItem, last: Sequence[DraftItem]) -> LearningExample:
        part = self._part_of(deleted)
        order = {item.id: no for no, item in enumerate(last)}
        items = sorted((*part.items, deleted), key=lambda item: order.get(item.id, len(order)))
        rejected = render_reply(items, part.sentences)
        chosen = render_reply(part.items, part.sentences)
        asked = self._ask(part, deleted)
        return self._make(Origin.DELETION, part, asked, chosen, rejected=rejected, item=deleted)

    def _make(
        self,
        origin: Origin,
        part: _Part,
        messages: tuple[Message, ...],
        chosen: str,
        *,
        rejected: str | None = None,
        item: DraftItem | None = None,
    ) -> LearningExample:
        note, item_id = self._told.note, item.id if item else None
        said = item.text + join_comments(item) if item else ""
        # An id that stays the same for as long as the example does, and says nothing of what it holds.  An
        # amendment changes nothing that is learnt of its note: what was left out stays out.
        parts = (note.id, ORIGINAL_VERSION, origin, item_id or "", part.number, len(self.parts), said)
        digest = hashlib.sha256("\n".join(str(each) for each in (note.fingerprint, *parts)).encode())
        return LearningExample(
            id=ExampleId(digest.hexdigest()[:32]),
            kind=ExampleKind.SUPERVISED if rejected is None else ExampleKind.PREFERENCE,
            origin=origin,
            patient_id=note.patient_id,
            note=self._told.ref,
            item_id=item_id,
            at=note.signed_at,
            language=self._language,
            messages=messages,
            chosen=chosen,
            rejected=rejected,
            drafted=None if origin == Origin.COMMENT else self._drafted[part.number],
            part=part.number,
            read=part.read,
        )

    def _find_drafted(self, part: _Part) -> Drafted | None:
        """A part as a model first wrote it, alone, or else with the adapter that wrote most of it."""
        machines = _follow(self._told.versions)
        first = [machines[item.id].tries[0] for item in self._list_written() if item.id in machines]
        own = [item for item in first if self._part_of(item) is part]
        own = [item for item in own if not item.written_by.adapter] or own
        if not own:
            return None
        by = Counter(item.written_by for item in own).most_common(1)[0][0]
        written = [item for item in own if item.written_by == by]
        return Drafted(by.model, render_reply(written, part.sentences), by.adapter)

    def _list_written(self) -> tuple[DraftItem, ...]:
        """The items in their order, each at the first version that has it."""
        found: dict[ItemId, DraftItem] = {}
        for draft in self._told.versions:
            for item in draft.items:
                found.setdefault(item.id, item)
        return tuple(found.values())

    def _ask(self, part: _Part, *more: DraftItem) -> tuple[Message, ...]:
        task = make_task(
            question=self._told.note.question,
            language=self._language,
            jurisdiction=self._jurisdiction,
            sentences=part.sentences,
            sections={item.section for item in (*part.items, *more)},
        )
        return self._messages(part, task)

    def _messages(self, part: _Part, task: Task) -> tuple[Message, ...]:
        return make_messages(language=self._language, prefix=part.prefix, task=task.text)

    def _part_of(self, item: DraftItem) -> _Part:
        """The part that an item belongs to: the one with the sentence that it rests on, else the first."""
        for part in self.parts:
            if any(each.id == item.id for each in part.items):
                return part
        return next((part for part in self.parts if _rests_on(item, part.sentences)), self.parts[0])

    def _split(self) -> tuple[_Part, ...]:
        """The note in as many parts as it takes: each sentence in one, each item in one."""
        language, told = self._language, self._told
        sentences = without_orders(told.sentences, language)
        history = choose_history(
            hide_orders_in_record(told.record, language),
            [hide_orders_in_note(note, language) for note in told.earlier],
            language=language,
            context_tokens=PROMPT_TOKENS,
            count=estimate_tokens,
        )

        def prefix_of(chosen: Sequence[Sentence]) -> str:
            return make_prefix(
                language=language, record=history.record, notes=history.notes, sentences=chosen
            )

        groups = _group(sentences, lambda chosen: estimate_tokens(prefix_of(chosen)) <= PROMPT_TOKENS)
        homes = self._find_homes(groups)
        read = tuple(make_ref(note) for note in history.notes)
        parts = [
            _Part(
                group, tuple(item for item in self._kept if homes[item.id] == no), prefix_of(group), no, read
            )
            for no, group in enumerate(groups)
        ]
        return tuple(part for part in parts if part.items)

    def _find_homes(self, groups: Sequence[Sequence[Sentence]]) -> dict[ItemId, int]:
        """For each item the group that it rests on; what rests on no words goes where most others are."""
        homes = {
            item.id: no for item in self._kept for no, group in enumerate(groups) if _rests_on(item, group)
        }
        counts = [sum(home == no for home in homes.values()) for no in range(len(groups))]
        most = counts.index(max(counts))
        return {item.id: homes.get(item.id, most) for item in self._kept}


def _map_words(told: Told, change: Callable[[str], str]) -> Told:
    """Every text that a prompt or a reply may hold, in a fixed order, each as `change` makes it."""

    def of_items(items: Sequence[DraftItem]) -> tuple[DraftItem, ...]:
        return tuple(
            replace(
                item,
                text=change(item.text),
                comments=tuple(replace(each, words=change(each.words)) for each in item.comments),
            )
            for item in items
        )

    def of_note(note: Note) -> Note:
        return replace(
            note,
            question=change(note.question),
            items=of_items(note.items),
            by_hand=tuple(replace(each, text=change(each.text)) for each in note.by_hand),
            amendments=tuple(replace(each, text=change(each.text)) for each in note.amendments),
        )

    lines = tuple(
        replace(line, statement=replace(line.statement, text=change(line.statement.text)))
        for line in told.record.lines
    )
    return Told(
        note=of_note(told.note),
        sentences=tuple(replace(each, text=change(each.text)) for each in told.sentences),
        record=replace(told.record, lines=lines),
        earlier=tuple(of_note(note) for note in told.earlier),
        versions=tuple(replace(draft, items=of_items(draft.items)) for draft in told.versions),
    )


def _follow(versions: Iterable[Draft]) -> dict[ItemId, _Machine]:
    """Every item that the model wrote, with each of its tries; each bears the comments on it when it went."""
    tries: dict[ItemId, list[DraftItem]] = {}
    for draft in versions:
        for item in draft.items:
            if item.written_by.by_person:
                continue
            own = tries.setdefault(item.id, [])
            if item.edited or item.deleted:
                continue
            if own and _plain(own[-1]) == _plain(item):
                own[-1] = item
            else:
                own.append(item)
    return {item_id: _Machine(tuple(own)) for item_id, own in tries.items() if own}


def _with_comments_of(written: DraftItem, last: Sequence[DraftItem]) -> DraftItem:
    """The last try with the comments that were still open when the note was signed."""
    for item in last:
        if item.id == written.id:
            return replace(written, comments=item.open_comments)
    return written


def _put(items: Sequence[DraftItem], item: DraftItem) -> tuple[DraftItem, ...]:
    return tuple(item if each.id == item.id else each for each in items)


def _plain(item: DraftItem) -> str:
    return " ".join(item.text.split())


def _rests_on(item: DraftItem, sentences: Sequence[Sentence]) -> bool:
    at = None if item.span is None else item.span.start
    return at is not None and any(each.span.start <= at < each.span.end for each in sentences)


def _group(
    sentences: Sequence[Sentence], fits: Callable[[Sequence[Sentence]], bool]
) -> tuple[tuple[Sentence, ...], ...]:
    """The sentences in groups that fit, in their order; at least one group, at least one sentence in each."""
    groups: list[tuple[Sentence, ...]] = [()]
    for sentence in sentences:
        longer = (*groups[-1], sentence)
        if groups[-1] and not fits(longer):
            groups.append((sentence,))
        else:
            groups[-1] = longer
    return tuple(groups)
