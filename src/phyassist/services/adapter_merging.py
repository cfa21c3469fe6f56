"""Assistants merged into one: what several learnt apart answers together, once the gate has let it.

Nothing is trained: a worker adds up what was learnt, and measures it on notes that none of them has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from phyassist.domain.adapters import (
    CANARIES,
    FORMS,
    LANGUAGES,
    MERGE_WAYS,
    MERGED_OF,
    MODEL,
    TAUGHT_BY,
    WAY,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    FormsByLanguage,
    OwnForm,
    write_forms,
)
from phyassist.domain.canaries import write_canaries
from phyassist.domain.drafts import Section
from phyassist.domain.jobs import Job, JobId
from phyassist.domain.learning import ExampleKind, LearningExample, Limits, RunPlan, list_used
from phyassist.domain.people import Language, PatientId
from phyassist.domain.workers import WorkerLine
from phyassist.errors import BadInput, ModelMissing, NotAllowed
from phyassist.services.access import may_change
from phyassist.services.learning import LABEL_CHARACTERS_MAX, Scope, check_may_begin, collect
from phyassist.services.learning_runs import (
    Base,
    Run,
    check_workers,
    choose_present,
    drop_known,
    lend,
    lend_all,
    list_unsayable,
)
from phyassist.services.run_files import EXAMPLES_FILE, pack_examples
from phyassist.services.workers import TRAIN
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.held_runs import RunTask, seal_task
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx


@dataclass(frozen=True, slots=True)
class Merge:
    """Which adapters become one, and in which way.  It is one patient's, or, without a patient, a set's under
    this label.
    """

    adapter_ids: tuple[AdapterId, ...]
    way: str = MERGE_WAYS[0]
    patient_id: PatientId | None = None
    label: str = field(default="", repr=False)

    @property
    def kind(self) -> AdapterKind:
        return AdapterKind.SET if self.patient_id is None else AdapterKind.PATIENT


def list_mergeable(
    cards: Iterable[AdapterCard], base_sha256: str, patient_id: PatientId | None = None
) -> tuple[AdapterCard, ...]:
    """Those that may be merged for a patient, or for several: done, of this base, and nobody has withdrawn
    what they learnt.
    """
    return tuple(
        card
        for card in cards
        if card.state != AdapterState.TRAINING
        and card.base_sha256 == base_sha256
        and card.retrain_since is None
        and card.patient_id in {None, patient_id}
    )


class MergeHindrance(StrEnum):
    """Why adapters are not merged; a page has a sentence for each."""

    ONE_ALONE = "one alone"
    UNFIT = "unfit"
    IN_COMMON = "in common"
    NO_LABEL = "no label"
    NOBODY = "nobody"
    NO_CONSENT = "no consent"
    NO_NOTE = "no note"


def start_merging(
    store: Store,
    by: SignedIn,
    *,
    merge: Merge,
    limits: Limits,
    base: Base,
    here: WorkerLine | None = None,
) -> Run | MergeHindrance:
    """A run that waits for a worker, as `start_training` makes one, or what keeps these from being merged.

    Raises BadInput for an unknown way, and what `start_training` does.
    """
    if not base.sha256:
        raise ModelMissing(
            "nobody said which model the server has, so nothing can be merged for it",
            hint="name it as model_base in the settings",
        )
    if merge.way not in MERGE_WAYS:
        raise BadInput(f"there is no way {merge.way} of merging", hint=f"there are {', '.join(MERGE_WAYS)}")
    plan, hindrance = _look(store, by, merge, base.sha256)
    if hindrance is not None:
        return hindrance
    check_workers(store, by, here)
    return _begin(store, by, plan, merge, base, limits=limits)


def _look(
    store: Store, by: SignedIn, merge: Merge, base_sha256: str
) -> tuple[RunPlan, MergeHindrance | None]:
    """By which notes it would be measured, and what is missing."""
    nothing = RunPlan(merge.kind, (), (), 0, 0.0, label=merge.label)
    with store.read(by) as tx:
        cards = _get_cards(tx, merge)
        readable = _list_readable(tx, merge)
    if len(cards) < 2:
        return nothing, MergeHindrance.ONE_ALONE
    if len(list_mergeable(cards, base_sha256, merge.patient_id)) < len(cards):
        return nothing, MergeHindrance.UNFIT
    if _have_in_common(cards):
        return nothing, MergeHindrance.IN_COMMON
    if merge.kind == AdapterKind.SET and not 0 < len(merge.label.strip()) <= LABEL_CHARACTERS_MAX:
        return nothing, MergeHindrance.NO_LABEL
    if not readable:
        return nothing, MergeHindrance.NOBODY
    found = collect(store, by, Scope(merge.kind, readable, merge.label))
    if not found.patient_ids:
        return nothing, MergeHindrance.NO_CONSENT
    examples = _hold_out_unseen(found.examples, cards)
    plan = replace(nothing, patient_ids=found.patient_ids, examples=examples)
    return plan, None if plan.held_out else MergeHindrance.NO_NOTE


def _have_in_common(cards: Sequence[AdapterCard]) -> bool:
    """Whether one holds what another does, as what it went on from or was merged of: added up, that would
    count twice.
    """
    held = [{card.id, card.parent_id, *card.merged_of} - {None} for card in cards]
    return sum(map(len, held)) > len(set().union(*held))


def _get_cards(tx: Tx, merge: Merge) -> tuple[AdapterCard, ...]:
    return tuple(tx.adapters.get(each) for each in dict.fromkeys(merge.adapter_ids))


def _list_readable(tx: Tx, merge: Merge) -> tuple[PatientId, ...]:
    """Whose notes it is measured by."""
    if merge.patient_id is not None:
        return (merge.patient_id,)
    learnt_from = dict.fromkeys(each for one in merge.adapter_ids for each in tx.adapters.sources(one))
    return tuple(each for each in learnt_from if may_change(tx, each))


def _hold_out_unseen(
    examples: Sequence[LearningExample], cards: Iterable[AdapterCard]
) -> tuple[LearningExample, ...]:
    """The notes as they were signed, those held out that no adapter learnt from or read."""
    seen = {ref.note_id for card in cards for ref in card.ledger}
    return tuple(
        replace(example, held_out=example.note.note_id not in seen)
        for example in list_used(examples)
        if example.kind == ExampleKind.SUPERVISED
    )


@again
def _begin(store: Store, by: SignedIn, plan: RunPlan, merge: Merge, base: Base, *, limits: Limits) -> Run:
    now, run_id = store.clock(), AdapterId(store.new_id())
    with store.write(by) as tx:
        check_may_begin(tx, by, plan, limits)
        cards = _get_cards(tx, merge)
        if len(list_mergeable(cards, base.sha256, merge.patient_id)) < len(cards):
            raise NotAllowed("somebody has withdrawn meanwhile", hint="load the page again")
        forms = _join_forms(cards)
        taught_by = tuple(dict.fromkeys(ref for each in cards for ref in each.taught_by))
        canaries = tuple(dict.fromkeys(each for card in cards for each in card.canaries))
        card = AdapterCard(
            id=run_id,
            base_sha256=base.sha256,
            patient_id=merge.patient_id,
            trained_at=now,
            state=AdapterState.TRAINING,
            kind=plan.kind,
            owner_id=by.id,
            label=plan.label,
            ledger=tuple(dict.fromkeys([*taught_by, *(ref for each in cards for ref in each.ledger)])),
            config={
                MODEL: base.model,
                FORMS: write_forms(forms),
                LANGUAGES: ",".join(plan.languages),
                WAY: merge.way,
                TAUGHT_BY: str(len(taught_by)),
                MERGED_OF: ",".join(each.id for each in cards),
                CANARIES: write_canaries(canaries),
            },
        )
        sources = dict.fromkeys(each for one in cards for each in tx.adapters.sources(one.id))
        present = choose_present(tx, plan, merge.patient_id, base.sha256)
        plan, is_known = drop_known(plan, present)
        task = RunTask(
            base.model,
            lend_all(tx, present),
            # Also where it becomes one patient's: of the others nobody is to hear there.
            names=list_unsayable(tx, but=merge.patient_id),
            canaries=canaries,
            merged=tuple(lend(tx, each.id) for each in cards),
            is_known=is_known,
        )
        for patient_id in plan.patient_ids:
            tx.audit.write(Act.GATHERED, Kind.PATIENT, patient_id)
        key = tx.adapters.begin(card, [*sources, *plan.patient_ids])
        tx.adapters.files.save(run_id, key, EXAMPLES_FILE, pack_examples(plan.examples, base.model, forms))
        job = Job(JobId(run_id), TRAIN, by.id, merge.patient_id, task=seal_task(run_id, task, key))
        job = tx.jobs.add(job)
        tx.workers.give(job.id, key)
        tx.audit.write(Act.TRAINING_BEGUN, Kind.ADAPTER, run_id)
        return Run(job, tx.adapters.get(run_id), None)


def _join_forms(cards: Sequence[AdapterCard]) -> FormsByLanguage:
    """Of each language and section the form of the first that has one."""
    joined: dict[Language, dict[Section, OwnForm]] = {}
    for card in cards:
        for language, forms in card.forms.items():
            own = joined.setdefault(language, {})
            for section, form in forms.items():
                own.setdefault(section, form)
    return joined
