"""What the assistant learns from its counsellor: examples made of notes and of what was changed on the way
to them, the plan of a run, and how far one is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import NewType

from phyassist.domain.adapters import AdapterCard, AdapterId, AdapterKind, AdapterState, NoteRef
from phyassist.domain.drafts import ItemId
from phyassist.domain.messages import Message
from phyassist.domain.notes import NoteId
from phyassist.domain.people import Language, PatientId

ExampleId = NewType("ExampleId", str)


class ExampleKind(StrEnum):
    """Supervised: a reply to learn.  Preference: a reply that was kept against one that was not."""

    SUPERVISED = "supervised"
    PREFERENCE = "preference"


class Origin(StrEnum):
    """What the counsellor did that an example was made of."""

    NOTE = "note"
    EDIT = "edit"
    REGENERATION = "regeneration"
    DELETION = "deletion"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Drafted:
    """The reply as a model had written it before anybody changed it, alone or with an adapter."""

    model: str
    reply: str = field(repr=False)
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class LearningExample:
    """The messages that the app itself sends, with the reply to learn and, of a pair, the one to avoid.

    A comment's example asks for its item alone.  All others ask for the whole analysis: those of one part of
    a note share `messages` and `chosen`, and `rejected` differs from it in the one item that `item_id` names.
    `drafted` is what a model had written in the place of `chosen`, so that a trainer learns what was changed;
    None where it had written nothing.  `at` is when its note was signed; `part` numbers the parts of a note
    that was split, and `read` are the earlier notes in its prompt.  `left_out`: a person took it out of
    training.  `held_out`: it belongs to the newest notes, by which the gate measures and on which nothing is
    trained.
    """

    id: ExampleId
    kind: ExampleKind
    origin: Origin
    patient_id: PatientId
    note: NoteRef
    item_id: ItemId | None
    at: datetime
    language: Language
    messages: tuple[Message, ...] = field(repr=False)
    chosen: str = field(repr=False)
    rejected: str | None = field(default=None, repr=False)
    left_out: bool = False
    held_out: bool = False
    drafted: Drafted | None = None
    part: int = 0
    read: tuple[NoteRef, ...] = ()

    @property
    def characters(self) -> int:
        """Its prompt and the reply that was kept."""
        return sum(len(message.content) for message in self.messages) + len(self.chosen)

    @property
    def tokens(self) -> int:
        """About what a trainer reads of it: the prompt with the reply that was kept."""
        return sum(estimate_tokens(message.content) for message in self.messages) + estimate_tokens(
            self.chosen
        )


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has; the same on every machine, so that it is split alike everywhere."""
    wide = sum(1 for char in text if char > "\u2e80")
    return int(wide * 0.75 + (len(text) - wide) * 0.3) + 1


class Hindrance(StrEnum):
    """What a run lacks.  Without changes it can be; without the others it cannot.

    One note: there is none to measure by.  No room: there would be one, but the limits leave it out.
    """

    NO_CONSENT = "no consent"
    NO_NOTES = "no notes"
    ONE_NOTE = "one note"
    NO_ROOM = "no room"
    NO_CHANGES = "no changes"
    IN_TRAINING = "in training"

    @property
    def forbids(self) -> bool:
        return self != Hindrance.NO_CHANGES


class Limit(StrEnum):
    """What keeps a run from being as large as it might be, or from being at all."""

    CHARACTERS = "characters per run"
    MINUTES = "minutes per run"
    ADAPTERS_PATIENT = "adapters per patient"
    ADAPTERS_PRACTICE = "adapters per practice"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be learnt: adapters that are kept, characters and minutes of one run."""

    adapters_per_patient: int = 6
    adapters_per_practice: int = 60
    characters_per_run: int = 600_000
    minutes_per_run: int = 60


@dataclass(frozen=True, slots=True)
class Bite:
    """A limit that holds something back: what it allows, what there would be, examples left out for it.

    Where minutes leave none out, the run ends when they are over, with what it has learnt.
    """

    limit: Limit
    allowed: int
    found: int
    left_out: int = 0

    @property
    def ends(self) -> bool:
        """Whether it is the clock that keeps the run within it."""
        return self.limit == Limit.MINUTES and not self.left_out

    @property
    def forbids(self) -> bool:
        """Whether no run can begin; the limits on its size only make it smaller."""
        return self.limit in {Limit.ADAPTERS_PATIENT, Limit.ADAPTERS_PRACTICE}


# Sixteen notes learnt one at a time had a held-out loss of 0.27, two at a time 0.29, four at a time 0.34: the
# same minutes, and less memory.
STEPS_AN_EPOCH = 16


def choose_step(examples: int, usual: int) -> int:
    """How many examples a step takes: as usual, or so few that an epoch has some steps."""
    return max(1, min(usual, examples // STEPS_AN_EPOCH))


# After 12 steps on five notes, one counsellor had more to edit than with the model alone and the gate refused
# two; after 24 all had less or as little, and it refused one (docs/learning.md).
STEPS_MIN = 24


def choose_epochs(examples: int, usual: float, examples_per_step: int) -> float:
    """How often every example is seen: as usual, or so often that a run of few takes some steps."""
    return max(usual, STEPS_MIN * examples_per_step / max(1, examples))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a machine trains, and what a run does: `overhead_s` goes by before and after the steps.

    Most of that the gate takes: some twenty drafts and as many closed questions, which are 5 to 10 minutes of
    a 0.5B model on two cores.
    """

    tokens_per_s: float = 30.0
    epochs: float = 3.0
    examples_per_step: int = 4
    overhead_s: float = 420.0


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do: for whom, with which examples, how long, and which limits bite.

    `examples` are those to train on and those held out, in that order; none that was left out.  `parents` are
    the published adapters that it may begin as, `parent_id` the one that it does; None: as the model alone.
    `intact` are all notes of these patients of which nothing was left out.
    """

    kind: AdapterKind
    patient_ids: tuple[PatientId, ...]
    examples: tuple[LearningExample, ...] = field(repr=False)
    steps: int
    steps_s: float
    overhead_s: float = 0.0
    bites: tuple[Bite, ...] = ()
    hindrances: tuple[Hindrance, ...] = ()
    parent_id: AdapterId | None = None
    parents: tuple[AdapterCard, ...] = ()
    label: str = field(default="", repr=False)
    intact: frozenset[NoteId] = frozenset()

    @property
    def trained_on(self) -> tuple[LearningExample, ...]:
        return tuple(example for example in self.examples if not example.held_out)

    @property
    def learnt(self) -> tuple[LearningExample, ...]:
        """Of those to train on, each prompt with its kept reply once."""
        return list_learnt(self.trained_on)

    @property
    def measured_by(self) -> tuple[LearningExample, ...]:
        """The same of those held out."""
        return list_learnt(self.held_out)

    @property
    def languages(self) -> tuple[Language, ...]:
        """Those of the notes that are held out: the adapter answers in these, and others teach it them."""
        return tuple(sorted({example.language for example in self.held_out}))

    @property
    def held_out(self) -> tuple[LearningExample, ...]:
        return tuple(example for example in self.examples if example.held_out)

    @property
    def ledger(self) -> tuple[NoteRef, ...]:
        """Every note version that the run would use, each once: those that it learns from, then those that it
        reads in their prompts alone.  What is held out is measured by and not learnt from.
        """
        read = [ref for example in self.trained_on for ref in example.read]
        return tuple(dict.fromkeys([*self.taught_by, *read]))

    @property
    def taught_by(self) -> tuple[NoteRef, ...]:
        """The note versions that it would learn from, each once."""
        return tuple(dict.fromkeys(example.note for example in self.trained_on))

    @property
    def expected_s(self) -> float:
        """The steps, and what comes before and after them."""
        return self.steps_s + self.overhead_s

    @property
    def expected_min(self) -> float:
        return self.expected_s / 60

    @property
    def is_allowed(self) -> bool:
        """Whether it can begin: nothing that it needs is missing, and no limit on the adapters is reached."""
        is_limited = any(bite.forbids for bite in self.bites)
        return not is_limited and not any(hindrance.forbids for hindrance in self.hindrances)


class Phase(StrEnum):
    """Where a run is."""

    WAITING = "waiting"
    PREPARING = "preparing"
    TRAINING = "training"
    MEASURING = "measuring"
    SEALING = "sealing"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Mean loss per reply token at a step; `held_out_loss` where it was measured there."""

    step: int
    loss: float | None
    held_out_loss: float | None = None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is; `left_s` is the time it may still take, None where nobody knows yet."""

    phase: Phase
    step: int = 0
    steps: int = 0
    left_s: float | None = None
    curve: tuple[CurvePoint, ...] = ()


HELD_OUT_SHARE = 0.2


def hold_out(examples: Sequence[LearningExample]) -> tuple[LearningExample, ...]:
    """The same, those of the newest notes of each language held out: a fifth of its notes, one at least, but
    never all.
    """
    by_language: dict[Language, dict[NoteRef, None]] = {}
    for example in sorted(examples, key=lambda example: example.at):
        by_language.setdefault(example.language, {})[example.note] = None
    newest: set[NoteRef] = set()
    for refs in map(list, by_language.values()):
        count = max(1, int(len(refs) * HELD_OUT_SHARE)) if len(refs) > 1 else 0
        newest.update(refs[len(refs) - count :])
    return tuple(replace(example, held_out=example.note in newest) for example in examples)


def make_plan(
    kind: AdapterKind,
    patient_ids: Sequence[PatientId],
    examples: Sequence[LearningExample],
    *,
    limits: Limits,
    pace: Pace,
    bites: Iterable[Bite] = (),
    hindrances: Iterable[Hindrance] = (),
) -> RunPlan:
    """What a run of these examples would do within the limits.

    What was left out by hand is not in it, nor the changes of a note whose own example was.  Where there is
    more than a run may read, the oldest notes go first: what is newest says most of how somebody works now.
    `bites` are limits on the number of adapters; where `hindrances` are known, what the examples lack does
    not matter.
    """
    used = list_used(examples)
    bitten, lacking = list(bites), list(hindrances) or list(_find_hindrances(used))
    used, cut = _fit(used, limits, pace)
    bitten += cut
    held = hold_out(used)
    trained_on = [example for example in held if not example.held_out]
    learnt = list_learnt(trained_on)
    step = choose_step(len(learnt), pace.examples_per_step)
    epochs = choose_epochs(len(learnt), pace.epochs, step)
    steps_s = _steps_s(sum(example.tokens for example in learnt), replace(pace, epochs=epochs))
    if steps_s > limits.minutes_per_run * 60:
        # Few notes are seen often, and one may be long: whatever was left out before, the clock ends it.
        bitten.append(Bite(Limit.MINUTES, limits.minutes_per_run, round(steps_s / 60)))
    if not any(each.forbids for each in lacking) and all(not example.held_out for example in held):
        lacking.append(Hindrance.NO_ROOM)
    return RunPlan(
        kind=kind,
        patient_ids=tuple(patient_ids),
        examples=(*trained_on, *(example for example in held if example.held_out)),
        steps=math.ceil(len(learnt) * epochs / step),
        steps_s=steps_s,
        overhead_s=pace.overhead_s,
        bites=tuple(bitten),
        hindrances=tuple(lacking),
        intact=frozenset(
            {example.note.note_id for example in examples}
            - {example.note.note_id for example in examples if example.left_out}
        ),
    )


def _fit(used: list[LearningExample], limits: Limits, pace: Pace) -> tuple[list[LearningExample], list[Bite]]:
    """Those of the newest notes that one run may read, and what was left out for which limit."""
    bites = []
    sizes: tuple[tuple[Limit, int, Callable[[LearningExample], int]], ...] = (
        (Limit.CHARACTERS, limits.characters_per_run, attrgetter("characters")),
        (Limit.MINUTES, _tokens_within(limits, pace), attrgetter("tokens")),
    )
    for limit, allowed, size in sizes:
        size_of = _count_once(used, size)
        fitting = _keep_newest(used, allowed, size_of)
        if len(fitting) == len(used):
            continue
        found, left_out = sum(size_of(each) for each in used), len(used) - len(fitting)
        used = fitting
        if limit == Limit.MINUTES:
            bites.append(Bite(limit, limits.minutes_per_run, round(_steps_s(found, pace) / 60), left_out))
        else:
            bites.append(Bite(limit, allowed, found, left_out))
    return used, bites


def list_authors(plan: RunPlan, cards: Iterable[AdapterCard], base_sha256: str) -> tuple[AdapterId, ...]:
    """The adapters that drafted what is learnt, and that may say anew what they said there.

    They are done, of the same base, and have learnt from notes alone that this run might learn from; of
    several clients none hears what one client's own has to say.
    """
    drafted = {example.drafted.adapter for example in plan.examples if example.drafted is not None}
    return tuple(
        card.id
        for card in cards
        if card.id in drafted - {plan.parent_id}
        and card.state != AdapterState.TRAINING
        and card.base_sha256 == base_sha256
        and card.retrain_since is None
        and not (plan.kind.is_shared and card.kind == AdapterKind.PATIENT)
        and {ref.note_id for ref in card.ledger} <= plan.intact
    )


def list_used(examples: Sequence[LearningExample]) -> list[LearningExample]:
    """Those that nobody left out, nor the notes that they belong to."""
    # The changes of a note, comments too, must not bring back what was left out.
    left_out = {
        (example.note, example.part)
        for example in examples
        if example.left_out and example.kind == ExampleKind.SUPERVISED
    }
    return [
        example
        for example in examples
        if not example.left_out and (example.note, example.part) not in left_out
    ]


def list_learnt(examples: Iterable[LearningExample]) -> tuple[LearningExample, ...]:
    """One of all examples with the same prompt and the same kept reply: a trainer learns it once.

    The pairs of a note show what was not kept; what was kept is the reply of the note's own example.
    """
    first: dict[tuple[tuple[Message, ...], str], LearningExample] = {}
    for example in examples:
        first.setdefault((example.messages, example.chosen), example)
    return tuple(first.values())


def _count_once(
    examples: Iterable[LearningExample], size: Callable[[LearningExample], int]
) -> Callable[[LearningExample], int]:
    """The size of an example, nothing for one whose prompt and reply are learnt with another one."""
    learnt = {example.id for example in list_learnt(examples)}
    return lambda example: size(example) if example.id in learnt else 0


def _find_hindrances(examples: Sequence[LearningExample]) -> Iterator[Hindrance]:
    notes = {example.note.note_id: example.language for example in examples}
    if not notes:
        yield Hindrance.NO_NOTES
    elif max(Counter(notes.values()).values()) == 1:
        yield Hindrance.ONE_NOTE
    if notes and all(example.kind == ExampleKind.SUPERVISED for example in examples):
        yield Hindrance.NO_CHANGES


def _steps_s(tokens: int, pace: Pace) -> float:
    return tokens * pace.epochs / pace.tokens_per_s


def _tokens_within(limits: Limits, pace: Pace) -> int:
    return int(limits.minutes_per_run * 60 * pace.tokens_per_s / pace.epochs)


def _keep_newest(
    examples: Sequence[LearningExample], room: int, size_of: Callable[[LearningExample], int]
) -> list[LearningExample]:
    """Whole notes, the newest first, as many as there is room for; always the newest one."""
    newest_first = sorted({(example.at, example.note) for example in examples}, key=_by_time, reverse=True)
    kept: set[NoteRef] = set()
    for _, ref in newest_first:
        room -= sum(size_of(example) for example in examples if example.note == ref)
        if room < 0 and kept:
            break
        kept.add(ref)
    return [example for example in examples if example.note in kept]


def _by_time(of_note: tuple[datetime, NoteRef]) -> tuple[datetime, str]:
    return of_note[0], of_note[1].note_id
