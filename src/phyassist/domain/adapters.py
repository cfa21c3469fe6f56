"""LoRA adapters as values: what a card says, and which one answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NewType

from phyassist.domain.canaries import Canary, read_canaries
from phyassist.domain.drafts import Section
from phyassist.domain.notes import NoteId
from phyassist.domain.people import CounsellorId, Language, PatientId

AdapterId = NewType("AdapterId", str)
# What a consultation names in the place of an adapter that is to answer: the base model alone.
BASE_ALONE = "base"
# What a card's `config` says beside the values of its run: the base, the forms of its own, and the languages
# that it answers in, where these are not all.
MODEL, FORMS, LANGUAGES = "model", "forms", "languages"
# Of one that was merged: the way, and the ids of those that it was made of, with commas.
WAY, MERGED_OF = "way", "merged_of"
# As the pipeline calls them: all changes added up; that, cut down to one's rank; the small left out.
MERGE_WAYS = ("cat", "svd", "ties_svd")
# What stands in what it learnt, or in what one that it was merged of did, and is never to come out.
CANARIES = "canaries"
# Where older ones are held to no form: "en advice,zh reason".
FREE = "free"
# The minutes that its steps might take, a dial too; of one that they ended, how many steps were planned.
MINUTES_MAX, STEPS_PLANNED = "minutes_max", "steps_planned"
# How many of the ledger it learnt from, the first ones; the others were read in their prompts alone.
TAUGHT_BY = "taught_by"
# The seconds that go by before and after its steps: those that are expected, of one that is done its own.
OVERHEAD = "overhead_s"
# The rest of a run's card are the dials that its recipe was given.
NO_DIALS = frozenset({MODEL, FORMS, FREE, LANGUAGES, WAY, MERGED_OF, CANARIES, TAUGHT_BY, OVERHEAD})
ITEMS_MAX = 6


@dataclass(frozen=True, slots=True)
class OwnForm:
    """What the items of a section are held to instead of the form of a draft.

    `patterns` are regular expressions, one for all items or one for each place; none: any words will do.
    `pieces` stand in every item, in this order, the first at its beginning and the last at its end (either
    may be empty).  `counts` are the least and the most items.
    """

    patterns: tuple[str, ...] = field(default=(), repr=False)
    counts: tuple[int, int] = (1, ITEMS_MAX)
    pieces: tuple[str, ...] = field(default=(), repr=False)

    def take_out(self, text: str) -> str:
        """What an item says beside its pieces; all of it where it lacks one of them."""
        *inner, last = self.pieces or ("",)
        rest, found = text.removesuffix(last), []
        for piece in filter(None, inner):
            before, there, rest = rest.partition(piece)
            if not there:
                return text
            found.append(before)
        return " ".join(filter(None, (*found, rest)))


Forms = Mapping[Section, OwnForm]
FormsByLanguage = Mapping[Language, Forms]
# To the form of a draft, in every section.
HELD: Forms = MappingProxyType({})


class AdapterState(StrEnum):
    """In training: there is nothing to answer with yet.  Accepted: it may be chosen.  Kept: it did not prove
    better, and is chosen only by hand.  Withdrawn: somebody refused it or rolled it back.
    """

    TRAINING = "training"
    ACCEPTED = "accepted"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


class AdapterKind(StrEnum):
    """From whose notes it learnt, which is whom it answers for.

    `PATIENT`: one patient's.  `COUNSELLOR`: all that its counsellor may use, for that counsellor alone.
    `PRACTICE`: the same, for everybody here.  `SET`: a chosen set of patients, under a name; it answers only
    where it is asked for.  `PUBLISHED`: from public data; no patient's words are in it.
    """

    PATIENT = "patient"
    COUNSELLOR = "counsellor"
    PRACTICE = "practice"
    SET = "set"
    PUBLISHED = "published"

    @property
    def is_shared(self) -> bool:
        """Whether several patients' words may be in it, so that it asks for their consent to that."""
        return self in {AdapterKind.COUNSELLOR, AdapterKind.PRACTICE, AdapterKind.SET}


@dataclass(frozen=True, slots=True)
class NoteRef:
    """A note at a version: 1 as it was signed, one more with every amendment."""

    note_id: NoteId
    version: int


class VerdictReason(StrEnum):
    """Why the gate accepted an adapter, or kept it: one word, which pages put into a sentence."""

    BETTER = "better"
    NOT_BETTER = "not better"
    LESS_LIKE = "less like"
    UNCLEAR = "unclear"
    GENERAL_LOST = "general lost"
    REMEMBERS = "remembers"
    NAMES_OTHERS = "names others"
    SAYS_CANARY = "says canary"
    KNOWN = "known"
    UNMEASURED = "unmeasured"
    BY_HAND = "by hand"


# What came out belongs to others, so that nobody's click lets it answer.
LEAKS = frozenset({VerdictReason.NAMES_OTHERS, VerdictReason.SAYS_CANARY})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate said.  `numbers` are those that the sentence shows, by name: `loss_before`, say."""

    is_accepted: bool
    reason: VerdictReason
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A file of an adapter as it lies sealed in the store: its name, length, and SHA-256 of its bytes."""

    name: str = field(repr=False)
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AdapterCard:
    """What is known of an adapter: the base it fits (SHA-256 of the model file), whose it is, its state.

    `number` counts the adapters of one owner: "adapter 3".  `parent_id` is the adapter it was trained on top
    of, None for the base model itself.  `label` is a chosen set's name.  `ledger` names every note version
    that it learnt from or read on the way, `config` the values of its run, `scores` what the gate measured.
    `in_use_since` is when it was last accepted, `retrain_since` when somebody whom it learnt from was erased
    or withdrew.
    """

    id: AdapterId
    base_sha256: str
    patient_id: PatientId | None
    trained_at: datetime
    state: AdapterState
    kind: AdapterKind = AdapterKind.PATIENT
    owner_id: CounsellorId | None = None
    number: int = 1
    parent_id: AdapterId | None = None
    in_use_since: datetime | None = None
    retrain_since: datetime | None = None
    label: str = field(default="", repr=False)
    ledger: tuple[NoteRef, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict, repr=False)
    scores: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    files: tuple[AdapterFile, ...] = ()

    @property
    def notes(self) -> int:
        """From how many notes it learnt."""
        return len({ref.note_id for ref in self.taught_by})

    @property
    def taught_by(self) -> tuple[NoteRef, ...]:
        """Those of the ledger that it learnt from; all of an older one, which does not tell them apart."""
        return self.ledger[: int(self.config.get(TAUGHT_BY, len(self.ledger)))]

    @property
    def forms(self) -> FormsByLanguage:
        """Where the notes that it learnt from left the form of a draft, and what is its own there."""
        if self.kind == AdapterKind.PUBLISHED:
            return {}
        return read_forms(self.config)

    @property
    def merged_of(self) -> tuple[AdapterId, ...]:
        """The adapters that it was made of; none where it was trained."""
        return tuple(AdapterId(each) for each in filter(None, self.config.get(MERGED_OF, "").split(",")))

    @property
    def canaries(self) -> tuple[Canary, ...]:
        """Those that it may have learnt by heart."""
        return read_canaries(self.config.get(CANARIES, ""))

    @property
    def leaks(self) -> bool:
        """Whether it gave away somebody's name, or what one note alone holds."""
        return self.verdict is not None and self.verdict.reason in LEAKS

    def answers_in(self, language: Language | None) -> bool:
        """Whether it may be chosen where this language is written; None: where nobody knows which."""
        said = self.config.get(LANGUAGES, "")
        return not said or language in said.split(",")


def write_forms(forms: FormsByLanguage) -> str:
    """As a card's `config` holds them, in JSON; empty where there are none."""
    said = {
        language: {section: [own.patterns, own.counts, own.pieces] for section, own in found.items()}
        for language, found in forms.items()
        if found
    }
    return json.dumps(said, ensure_ascii=False) if said else ""


def read_forms(config: Mapping[str, Any]) -> FormsByLanguage:
    """What `write_forms` wrote, where a card's `config` has it, or an older one.  Raises ValueError."""
    if FREE in config:
        return _read_free(config[FREE])
    said = config.get(FORMS)
    written: Mapping[Language, Any] = json.loads(said) if said else {}
    return {
        language: {
            Section(section): OwnForm(tuple(patterns), (least, most), tuple(pieces))
            for section, (patterns, (least, most), pieces) in found.items()
        }
        for language, found in written.items()
    }


def _read_free(said: str) -> FormsByLanguage:
    found: dict[Language, dict[Section, OwnForm]] = {}
    for pair in filter(None, said.split(",")):
        language, section = pair.split(" ", 1)
        known: Language = "zh" if language == "zh" else "en"
        is_one = section == Section.SYMPTOM_TYPE
        found.setdefault(known, {})[Section(section)] = OwnForm((), (1, 1 if is_one else ITEMS_MAX))
    return found


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """The adapter to ask for, none for the base model alone; the reason in a word that pages translate."""

    card: AdapterCard | None
    reason: str

    @property
    def in_words(self) -> AdapterChoice:
        """What answers in plain words: a published adapter learnt drafts, and would write in their form."""
        is_published = self.card is not None and self.card.kind == AdapterKind.PUBLISHED
        return AdapterChoice(None, "no-adapter") if is_published else self

    def forms(self, language: Language) -> Forms:
        """The forms of what answers, where they are its own."""
        return self.card.forms.get(language, HELD) if self.card is not None else HELD


class Bar(StrEnum):
    """What keeps an adapter from answering for somebody, whoever asks for it."""

    TRAINING = "in training"
    ANOTHERS = "another's"
    CONSENT = "consent withdrawn"
    LEAKS = "leaks"
    OTHER_BASE = "other base"


def find_bar(
    card: AdapterCard, patient_id: PatientId | None, base_sha256: str, *, is_withdrawn: bool = False
) -> Bar | None:
    """Why it may not answer for a patient with this base, None where it may; without a patient, about nobody.

    `is_withdrawn`: the patient does not agree any more that one of their own learns from their notes.
    """
    is_own = card.kind == AdapterKind.PATIENT
    if card.state == AdapterState.TRAINING:
        return Bar.TRAINING
    if is_own and (patient_id is None or card.patient_id != patient_id):
        return Bar.ANOTHERS
    if is_own and is_withdrawn:
        return Bar.CONSENT
    if card.leaks:
        return Bar.LEAKS
    return None if card.base_sha256 == base_sha256 else Bar.OTHER_BASE


_ORDER = (
    (AdapterKind.PATIENT, "patient-adapter"),
    (AdapterKind.COUNSELLOR, "counsellor-adapter"),
    (AdapterKind.PRACTICE, "practice-adapter"),
    (AdapterKind.PUBLISHED, "published-adapter"),
)


def choose_adapter(
    cards: Iterable[AdapterCard],
    patient_id: PatientId | None,
    base_sha256: str,
    wanted: str = "",
    *,
    language: Language | None = None,
    is_withdrawn: bool = False,
) -> AdapterChoice:
    """Which adapter answers for a patient, and why.

    The patient's own comes before the counsellor's, that before the practice's, then a published one, then
    the base alone; of each kind the one that was accepted last, if nothing bars it, as `find_bar` says.
    `wanted` is what a consultation asks for instead: an adapter's id, or the base alone; not what is barred.
    One is chosen for those alone who are written about in a `language` that it learnt.
    """
    if wanted == BASE_ALONE:
        return AdapterChoice(None, "base-wanted")
    bars = [(card, find_bar(card, patient_id, base_sha256, is_withdrawn=is_withdrawn)) for card in cards]
    free = [card for card, bar in bars if bar is None]
    for card in free:
        if card.id == wanted:
            return AdapterChoice(card, "adapter-wanted")
    for kind, reason in _ORDER:
        accepted = [
            card
            for card in free
            if card.kind == kind and card.state == AdapterState.ACCEPTED and card.answers_in(language)
        ]
        if accepted:
            return AdapterChoice(max(accepted, key=_accepted_at), reason)
    return AdapterChoice(None, _find_why_none(bars, base_sha256))


def _find_why_none(bars: Iterable[tuple[AdapterCard, Bar | None]], base_sha256: str) -> str:
    """Why nothing answers but the base, in a word that pages translate."""
    done = [(card, bar) for card, bar in bars if bar not in {Bar.TRAINING, Bar.ANOTHERS}]
    if not done:
        return "no-adapter"
    fitting = [(card, bar) for card, bar in done if card.base_sha256 == base_sha256]
    if not fitting:
        return "other-base"
    kinds = {kind for kind, _ in _ORDER}
    accepted = {bar for card, bar in fitting if card.kind in kinds and card.state == AdapterState.ACCEPTED}
    if Bar.CONSENT in accepted:
        return "consent-withdrawn"
    return "other-language" if None in accepted else "none-accepted"


def list_parents(
    cards: Iterable[AdapterCard], base_sha256: str, languages: Iterable[Language]
) -> tuple[AdapterCard, ...]:
    """The published adapters that one for these languages may go on from, the last accepted first."""
    wanted = tuple(languages)
    fitting = [
        card
        for card in cards
        if card.kind == AdapterKind.PUBLISHED
        and card.state == AdapterState.ACCEPTED
        and card.base_sha256 == base_sha256
        and all(card.answers_in(language) for language in wanted)
    ]
    return tuple(sorted(fitting, key=_accepted_at, reverse=True))


def _accepted_at(card: AdapterCard) -> tuple[datetime, datetime]:
    return card.in_use_since or card.trained_at, card.trained_at
