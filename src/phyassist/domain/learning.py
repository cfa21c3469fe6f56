"""What the assistant learns from its counsellor: examples made of notes and of what was changed on the way
to them, the plan of a run, and how far one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from phyassist.domain.adapters import AdapterId, AdapterKind, NoteRef
from phyassist.domain.drafts import ItemId
from phyassist.domain.messages import Message
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
class LearningExample:
    """The messages that the app itself sends, with the reply to learn and, of a pair, the one to avoid.

    All but a comment's example ask for the whole analysis: those of one part of a note share `messages` and
    `chosen` to the letter, and `rejected` differs from `chosen` in the one item that `item_id` names.
    `at` is when its note was signed.  `left_out`: a person took it out of training.  `held_out`: it belongs
    to the newest notes, by which the gate measures and on which nothing is trained.
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

    @property
    def characters(self) -> int:
        """How long it is for the trainer, which reads the prompt once with each reply."""
        prompt = sum(len(message.content) for message in self.messages)
        replies = [self.chosen] if self.rejected is None else [self.chosen, self.rejected]
        return sum(prompt + len(reply) for reply in replies)


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
    """A limit that holds something back: what it allows, what there would be, examples left for it."""

    limit: Limit
    allowed: int
    found: int
    left_out: int = 0

    @property
    def forbids(self) -> bool:
        """Whether no run can begin; the limits on its size only make it smaller."""
        return self.limit in {Limit.ADAPTERS_PATIENT, Limit.ADAPTERS_PRACTICE}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast this machine trains: characters a second, and what a run does with each example."""

    characters_per_s: float
    epochs: float = 3.0
    examples_per_step: int = 8


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do: for whom, with which examples, how long, and which limits bite.

    `examples` are those to train on and those held out, in that order; none that was left out.
    """

    kind: AdapterKind
    patient_ids: tuple[PatientId, ...]
    examples: tuple[LearningExample, ...] = field(repr=False)
    steps: int
    expected_s: float
    bites: tuple[Bite, ...] = ()
    parent_id: AdapterId | None = None
    label: str = field(default="", repr=False)

    @property
    def trained_on(self) -> tuple[LearningExample, ...]:
        return tuple(example for example in self.examples if not example.held_out)

    @property
    def held_out(self) -> tuple[LearningExample, ...]:
        return tuple(example for example in self.examples if example.held_out)

    @property
    def ledger(self) -> tuple[NoteRef, ...]:
        """Every note version that the run would learn from, each once; held-out ones are not learnt from."""
        return tuple(dict.fromkeys(example.note for example in self.trained_on))

    @property
    def expected_min(self) -> float:
        return self.expected_s / 60

    @property
    def is_allowed(self) -> bool:
        return not any(bite.forbids for bite in self.bites)


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


def hold_out(examples: Sequence[LearningExample], share: float = HELD_OUT_SHARE) -> frozenset[NoteRef]:
    """The newest notes, a fifth of them and at least one; none where there is a single note only."""
    oldest_first = sorted(examples, key=lambda example: example.at)
    refs = list(dict.fromkeys(example.note for example in oldest_first))
    if len(refs) < 2:
        return frozenset()
    return frozenset(refs[-max(1, int(len(refs) * share)) :])


def count_characters(examples: Iterable[LearningExample]) -> int:
    return sum(example.characters for example in examples)
