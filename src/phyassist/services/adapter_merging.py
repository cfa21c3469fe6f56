"""Assistants merged into one: what several learnt apart answers together, once the gate has let it.

Nothing is trained: a worker adds up what was learnt, and measures it on notes that none of them has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from phyassist.domain.adapters import (
    FORMS,
    LANGUAGES,
    MERGE_WAYS,
    MERGED_OF,
    MODEL,
    WAY,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    FormsByLanguage,
    NoteRef,
    OwnForm,
    write_forms,
)
from phyassist.domain.drafts import Section
from phyassist.domain.jobs import Job, JobId
from phyassist.domain.learning import ExampleKind, LearningExample, Limits, RunPlan, list_used
from phyassist.domain.people import Language, PatientId
from phyassist.domain.workers import WorkerLine
from phyassist.errors import BadInput, ConsentMissing, ModelMissing, NotAllowed
from phyassist.services.access import may_change
from phyassist.services.learning import Scope, check_may_begin, collect
from phyassist.services.learning_runs import Base, Run, check_workers, choose_present, lend
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


def start_merging(
    store: Store,
    by: SignedIn,
    *,
    merge: Merge,
    limits: Limits,
    base: Base,
    here: WorkerLine | None = None,
) -> Run:
    """A run that waits for a worker, as `start_training` makes one.

    Raises BadInput where these cannot be merged, NotAllowed where no note is left to measure by, and what
    `start_training` does.
    """
    if not base.sha256:
        raise ModelMissing(
            "nobody said which model the server has, so nothing can be merged for it",
            hint="name it as model_base in the settings",
        )
    if merge.way not in MERGE_WAYS:
        raise BadInput(f"there is no way {merge.way} of merging", hint=f"there are {', '.join(MERGE_WAYS)}")
    check_workers(store, by, here)
    with store.read(by) as tx:
        cards = _get_cards(tx, merge, base.sha256)
        readable = _list_readable(tx, merge)
    if not readable:
        raise NotAllowed(
            "there is nobody whose notes you may change to measure by", hint="ask who had them trained"
        )
    plan = _plan(store, by, merge, cards, readable)
    return _begin(store, by, plan, merge, base, limits=limits)


def _get_cards(tx: Tx, merge: Merge, base_sha256: str) -> tuple[AdapterCard, ...]:
    ids = tuple(dict.fromkeys(merge.adapter_ids))
    cards = tuple(tx.adapters.get(each) for each in ids)
    if len(cards) < 2:
        raise BadInput("one assistant alone is not merged", hint="choose two or more")
    fitting = {card.id for card in list_mergeable(cards, base_sha256, merge.patient_id)}
    if any(card.id not in fitting for card in cards):
        raise BadInput(
            "these assistants cannot be merged",
            hint="they have to be done, of this model, nobody may have withdrawn, and none another client's",
        )
    return cards


def _list_readable(tx: Tx, merge: Merge) -> tuple[PatientId, ...]:
    """Whose notes it is measured by."""
    if merge.patient_id is not None:
        return (merge.patient_id,)
    learnt_from = dict.fromkeys(each for one in merge.adapter_ids for each in tx.adapters.sources(one))
    return tuple(each for each in learnt_from if may_change(tx, each))


def _plan(
    store: Store, by: SignedIn, merge: Merge, cards: Sequence[AdapterCard], readable: tuple[PatientId, ...]
) -> RunPlan:
    found = collect(store, by, Scope(merge.kind, readable, merge.label))
    if not found.patient_ids:
        raise ConsentMissing(
            "nobody whose notes it would be measured by has agreed to it",
            hint="the consent page has the answers and the form",
        )
    examples = _hold_out_unseen(found.examples, cards)
    if not any(example.held_out for example in examples):
        raise NotAllowed(
            "no note is left to measure by: they have learnt from all that there are",
            hint="sign another note first",
        )
    return RunPlan(merge.kind, found.patient_ids, examples, 0, 0.0, label=merge.label)


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
        cards = _get_cards(tx, merge, base.sha256)
        forms = _join_forms(cards)
        card = AdapterCard(
            id=run_id,
            base_sha256=base.sha256,
            patient_id=merge.patient_id,
            trained_at=now,
            state=AdapterState.TRAINING,
            kind=plan.kind,
            owner_id=by.id,
            label=plan.label,
            ledger=_join_ledgers(cards),
            config={
                MODEL: base.model,
                FORMS: write_forms(forms),
                LANGUAGES: ",".join(plan.languages),
                WAY: merge.way,
                MERGED_OF: ",".join(each.id for each in cards),
            },
        )
        sources = dict.fromkeys(each for one in cards for each in tx.adapters.sources(one.id))
        present = choose_present(tx, plan, merge.patient_id, base.sha256)
        task = RunTask(
            base.model,
            None if present is None else lend(tx, present),
            names=tuple(tx.patients.get(each).name for each in plan.patient_ids) * plan.kind.is_shared,
            merged=tuple(lend(tx, each.id) for each in cards),
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


def _join_ledgers(cards: Iterable[AdapterCard]) -> tuple[NoteRef, ...]:
    return tuple(dict.fromkeys(ref for card in cards for ref in card.ledger))
