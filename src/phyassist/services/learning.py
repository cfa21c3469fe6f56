"""What the assistant may learn from: shown, left out one by one, planned, and handed to a trainer.

`gather_examples` is the one door by which text leaves the vault for training.  It asks for consent and writes
the audit's line; everything else here stays with who is signed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from phyassist.domain.adapters import (
    BASE_ALONE,
    OVERHEAD,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    list_parents,
)
from phyassist.domain.consents import Purpose
from phyassist.domain.drafts import ItemId
from phyassist.domain.learning import (
    Bite,
    ExampleId,
    ExampleKind,
    Hindrance,
    LearningExample,
    Limit,
    Limits,
    Origin,
    Pace,
    RunPlan,
    make_plan,
)
from phyassist.domain.notes import Note
from phyassist.domain.people import Jurisdiction, PatientId
from phyassist.domain.privacy.replacing import replace_private
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import Record
from phyassist.errors import BadInput, ConsentMissing, NotAllowed
from phyassist.services.access import check_counsels, check_may_change, may_change
from phyassist.services.consent import allows, check_consent
from phyassist.services.learning_examples import Told, make_examples, with_words_hidden
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

LABEL_CHARACTERS_MAX = 60
Hide = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """From whom an adapter is to learn.  Of one patient; of all that one may change; or of a chosen few.

    `patient_ids` are named for the first and the last; `label` is what a chosen set is called.
    """

    kind: AdapterKind
    patient_ids: tuple[PatientId, ...] = ()
    label: str = field(default="", repr=False)

    @property
    def purpose(self) -> Purpose:
        return Purpose.SHARED_TRAINING if self.kind.is_shared else Purpose.OWN_TRAINING


def list_examples(store: Store, by: SignedIn, *, patient_id: PatientId) -> tuple[LearningExample, ...]:
    """Everything that could be learnt from a patient, left out or not, the newest note first; nothing leaves.

    Who agreed to either kind of training may be learnt from, so that it has to be seen.
    Raises NotFound, NotYourPatient, CannotOpen, ConsentMissing.
    """
    with store.read(by) as tx:
        if not allows(tx, patient_id, Purpose.SHARED_TRAINING):
            check_consent(tx, by, patient_id, Purpose.OWN_TRAINING)
        tolds, jurisdiction = _load(tx, patient_id), tx.settings.get().jurisdiction
        left_out = tx.left_out.list(patient_id)
    found = _make(tolds, jurisdiction, left_out)
    return tuple(sorted(found, key=lambda example: example.at, reverse=True))


@again
def leave_out(
    store: Store, by: SignedIn, *, patient_id: PatientId, example_id: ExampleId, is_left_out: bool
) -> None:
    """Take one example out of training, or in again; it counts for every run that begins from now on.

    Raises NotFound, NotYourPatient, ReadOnly.
    """
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        if is_left_out:
            tx.left_out.leave_out(patient_id, example_id)
        else:
            tx.left_out.take_in(patient_id, example_id)


def plan_run(
    store: Store, by: SignedIn, *, scope: Scope, limits: Limits, base_sha256: str = "", on: str = ""
) -> RunPlan:
    """What a run would do, how long it would take and what keeps it from beginning; nothing leaves.

    The pace is that of the last run on the same base model.  `on` is the id of the published adapter to train
    on top of; empty or `BASE_ALONE`: the model alone.
    Raises NotFound, NotYourPatient, BadInput, also where that adapter does not suit what is learnt.
    """
    found = collect(store, by, scope)
    pace = find_pace(found.cards, base_sha256)
    plan = make_plan(
        scope.kind,
        found.patient_ids,
        found.examples,
        limits=limits,
        pace=pace,
        bites=find_bites(found.cards, found.kept_of_practice, scope, limits),
        hindrances=found.hindrances,
    )
    parents = list_parents(found.cards, base_sha256, plan.languages)
    return replace(plan, label=scope.label, parents=parents, parent_id=_choose_parent(parents, on))


def gather_examples(
    store: Store, by: SignedIn, *, scope: Scope, limits: Limits, base_sha256: str = "", on: str = ""
) -> RunPlan:
    """The plan of a run with the text that it learns from, to be handed to a trainer.

    Each patient has agreed to it, and it stands in the audit, patient by patient.  In what several will use,
    names, places, numbers and contacts are replaced.
    Raises NotFound, NotYourPatient, ReadOnly, ConsentMissing, NotAllowed where the plan forbids it.
    """
    plan = plan_run(store, by, scope=scope, limits=limits, base_sha256=base_sha256, on=on)
    if Hindrance.NO_CONSENT in plan.hindrances:
        raise ConsentMissing(
            "nobody whose notes would be learnt from has agreed to it",
            hint="the consent page has the answers and the form",
        )
    if not plan.is_allowed:
        what = [each.value for each in plan.hindrances if each.forbids]
        what += [bite.limit.value for bite in plan.bites if bite.forbids]
        raise NotAllowed(
            f"no run can begin: {', '.join(what)}", hint="the assistant page says what is missing"
        )
    _write_audit(store, by, scope, plan.patient_ids)
    return plan


def check_may_begin(tx: Tx, by: SignedIn, plan: RunPlan, limits: Limits) -> None:
    """Asked again in the transaction that begins a run: between the plan and it, a consent may have been
    withdrawn, or the same run begun by a second press.

    Raises NotFound, NotYourPatient, ReadOnly, ConsentMissing, NotAllowed.
    """
    scope = Scope(plan.kind, plan.patient_ids, plan.label)
    # Who withdraws, is erased, or begins the same at this moment waits until it is seen that this has begun.
    tx.patients.hold(plan.patient_ids)
    for patient_id in plan.patient_ids:
        check_may_change(tx, patient_id)
        check_consent(tx, by, patient_id, scope.purpose)
    cards = tx.adapters.cards()
    what = [bite.limit.value for bite in find_bites(cards, tx.adapters.count_all(), scope, limits)]
    if is_in_training(cards, by, scope):
        what.append(Hindrance.IN_TRAINING.value)
    if what:
        raise NotAllowed(
            f"no run can begin: {', '.join(what)}", hint="the assistant page says what is missing"
        )


def find_pace(cards: Iterable[AdapterCard], base_sha256: str) -> Pace:
    """How fast the last run on this base model was; a careful guess where there was none."""
    measured = [card for card in cards if card.base_sha256 == base_sha256 and "tokens_per_s" in card.config]
    if not measured:
        return Pace()
    last = max(measured, key=lambda card: card.trained_at).config
    usual = Pace()
    return Pace(
        tokens_per_s=max(float(last["tokens_per_s"]), 0.1),
        epochs=float(last.get("epochs", usual.epochs)),
        examples_per_step=int(last.get("examples_per_step", usual.examples_per_step)),
        overhead_s=float(last.get(OVERHEAD, usual.overhead_s)),
    )


@dataclass(frozen=True, slots=True)
class Collected:
    """All that a run could learn from, of those who agreed, and the adapters that there are."""

    patient_ids: tuple[PatientId, ...]
    examples: tuple[LearningExample, ...] = field(repr=False)
    cards: tuple[AdapterCard, ...]
    kept_of_practice: int
    hindrances: tuple[Hindrance, ...]


def collect(store: Store, by: SignedIn, scope: Scope) -> Collected:
    """Nothing leaves.  Raises NotFound, NotYourPatient, NotAllowed, BadInput."""
    _check_scope(scope)
    check_counsels(by)
    loaded: list[tuple[tuple[Told, ...], frozenset[ExampleId]]] = []
    with store.read(by) as tx:
        asked = _find_patients(tx, scope)
        agreed = tuple(each for each in asked if allows(tx, each, scope.purpose))
        jurisdiction = tx.settings.get().jurisdiction
        cards, count = tx.adapters.cards(), tx.adapters.count_all()
        hide = _make_hider(tx) if scope.kind.is_shared else None
        for patient_id in agreed:
            loaded.append((_load(tx, patient_id), tx.left_out.list(patient_id)))
    examples = [
        example for tolds, left_out in loaded for example in _make(tolds, jurisdiction, left_out, hide)
    ]
    hindrances: list[Hindrance] = []
    if asked and not agreed:
        hindrances.append(Hindrance.NO_CONSENT)
    if is_in_training(cards, by, scope):
        hindrances.append(Hindrance.IN_TRAINING)
    return Collected(agreed, tuple(examples), cards, count, tuple(hindrances))


def _check_scope(scope: Scope) -> None:
    if scope.kind == AdapterKind.PUBLISHED:
        raise BadInput("a published adapter is not made of notes", hint="phyassist train makes one")
    if scope.kind == AdapterKind.PATIENT and len(scope.patient_ids) != 1:
        raise BadInput("a patient's adapter is of one patient", hint="name one")
    if scope.kind != AdapterKind.SET:
        if scope.kind != AdapterKind.PATIENT and scope.patient_ids:
            raise BadInput(
                "an adapter that learns from all files names no patient",
                hint="name none, or make a chosen set",
            )
        return
    if not scope.patient_ids:
        raise BadInput("nobody was chosen", hint="choose the patients to learn from")
    if not 0 < len(scope.label.strip()) <= LABEL_CHARACTERS_MAX:
        raise BadInput(
            "a chosen set needs a name", hint=f"give it one of up to {LABEL_CHARACTERS_MAX} characters"
        )


def _find_patients(tx: Tx, scope: Scope) -> tuple[PatientId, ...]:
    if scope.kind in {AdapterKind.PATIENT, AdapterKind.SET}:
        for patient_id in scope.patient_ids:
            check_may_change(tx, patient_id)
        return tuple(dict.fromkeys(scope.patient_ids))
    return tuple(each.id for each in tx.patients.list() if may_change(tx, each.id))


def _load(tx: Tx, patient_id: PatientId) -> tuple[Told, ...]:
    """Every note of a patient with what stood around it on its day, the oldest first."""
    notes = sorted(tx.notes.list(patient_id), key=lambda note: (note.signed_at, note.number))
    return tuple(_load_note(tx, note, notes) for note in notes)


def _load_note(tx: Tx, note: Note, notes: Iterable[Note]) -> Told:
    versions = tx.drafts.list_versions(note.draft_id)
    begun_at = next((draft.started_at for draft in versions if draft.started_at), note.signed_at)
    consultation = tx.consultations.get(note.consultation_id)
    kept = [line.version for line in tx.records.versions(note.patient_id) if line.at <= begun_at]
    record = tx.records.get_version(note.patient_id, kept[-1]) if kept else Record()
    return Told(
        note=note,
        sentences=split_sentences(consultation.source.text),
        record=record.before(note.consultation_id),
        earlier=tuple(
            _as_of(other, begun_at)
            for other in notes
            if other.signed_at <= begun_at and other.consultation_id != note.consultation_id
        ),
        versions=versions,
    )


def _as_of(note: Note, at: datetime) -> Note:
    """A note with the amendments that it had then."""
    return replace(note, amendments=tuple(each for each in note.amendments if each.at <= at))


def _make_hider(tx: Tx) -> Hide:
    """Patients are spoken of in one another's files too: all names that we may know are replaced."""
    known = [patient.name for patient in tx.patients.list()]
    known += [member.counsellor.name for member in tx.people.members()]
    return lambda texts: replace_private(texts, known)[0]


def _make(
    tolds: Sequence[Told],
    jurisdiction: Jurisdiction,
    left_out: frozenset[ExampleId],
    hide: Hide | None = None,
) -> list[LearningExample]:
    """What the notes teach, in words as `hide` makes them, each marked as it was in its own words.

    A note that was left out is not read in the prompts of later ones either.
    """
    own = [make_examples(told, jurisdiction) for told in tolds]
    gone = {
        example.note.note_id
        for examples in own
        for example in examples
        if example.kind == ExampleKind.SUPERVISED and example.id in left_out
    }
    shown = tolds
    if gone:
        shown = [
            replace(told, earlier=tuple(note for note in told.earlier if note.id not in gone))
            for told in tolds
        ]
    if hide is not None:
        shown = with_words_hidden(shown, hide)
    made = own if shown is tolds else [make_examples(told, jurisdiction) for told in shown]
    return [
        example for before, after in zip(own, made, strict=True) for example in _mark(before, after, left_out)
    ]


def _mark(
    own: Sequence[LearningExample], made: Sequence[LearningExample], left_out: frozenset[ExampleId]
) -> Iterator[LearningExample]:
    if [_place(each) for each in own] == [_place(each) for each in made]:
        for before, after in zip(own, made, strict=True):
            yield replace(after, id=before.id, left_out=before.id in left_out)
        return
    # In other words the note falls into other parts: what was left out of it cannot be told any more.
    is_touched = any(example.id in left_out for example in own)
    for example in made:
        yield replace(example, left_out=is_touched or example.id in left_out)


def _place(example: LearningExample) -> tuple[Origin, ItemId | None, int]:
    return example.origin, example.item_id, example.part


def _is_of(card: AdapterCard, by: SignedIn, scope: Scope) -> bool:
    if card.kind != scope.kind:
        return False
    if scope.kind == AdapterKind.PATIENT:
        return card.patient_id in scope.patient_ids
    if scope.kind == AdapterKind.SET:
        return card.label == scope.label
    return scope.kind != AdapterKind.COUNSELLOR or card.owner_id == by.id


def is_in_training(cards: Iterable[AdapterCard], by: SignedIn, scope: Scope) -> bool:
    return any(card.state == AdapterState.TRAINING and _is_of(card, by, scope) for card in cards)


def find_bites(
    cards: Iterable[AdapterCard], kept_of_practice: int, scope: Scope, limits: Limits
) -> Iterator[Bite]:
    own = sum(card.patient_id in scope.patient_ids for card in cards if card.patient_id is not None)
    if scope.kind == AdapterKind.PATIENT and own >= limits.adapters_per_patient:
        yield Bite(Limit.ADAPTERS_PATIENT, limits.adapters_per_patient, own)
    if kept_of_practice >= limits.adapters_per_practice:
        yield Bite(Limit.ADAPTERS_PRACTICE, limits.adapters_per_practice, kept_of_practice)


def _choose_parent(parents: Sequence[AdapterCard], on: str) -> AdapterId | None:
    # Where both were measured, the model alone learnt more in less time (docs/learning.md).
    if on in {"", BASE_ALONE}:
        return None
    for card in parents:
        if card.id == on:
            return card.id
    raise BadInput(
        f"adapter {on} cannot be trained on top of",
        hint="it has to be published, in use, and of this model and language",
    )


@again
def _write_audit(store: Store, by: SignedIn, scope: Scope, patient_ids: Iterable[PatientId]) -> None:
    # Asked again: a consent that was withdrawn since the examples were made counts.
    with store.write(by) as tx:
        for patient_id in patient_ids:
            check_may_change(tx, patient_id)
            check_consent(tx, by, patient_id, scope.purpose)
            tx.audit.write(Act.GATHERED, Kind.PATIENT, patient_id)
