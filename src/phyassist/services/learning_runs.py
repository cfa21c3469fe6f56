"""Runs that make adapters: begun by who is signed in, carried out by a worker."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from phyassist.domain.adapters import (
    CANARIES,
    FORMS,
    LANGUAGES,
    MINUTES_MAX,
    MODEL,
    OVERHEAD,
    TAUGHT_BY,
    AdapterCard,
    AdapterId,
    AdapterKind,
    AdapterState,
    choose_adapter,
    write_forms,
)
from phyassist.domain.canaries import write_canaries
from phyassist.domain.jobs import Job, JobId, JobState
from phyassist.domain.learning import Limits, RunPlan, RunProgress, list_authors
from phyassist.domain.people import Language, PatientId
from phyassist.domain.workers import WorkerLine
from phyassist.errors import ModelMissing, NotFound, NoWorker
from phyassist.services.access import may_see
from phyassist.services.canaries import plant_canaries
from phyassist.services.learning import Scope, check_may_begin, gather_examples
from phyassist.services.learning_examples import find_own_forms
from phyassist.services.run_files import EXAMPLES_FILE, pack_examples
from phyassist.services.workers import TRAIN, admit_worker, list_workers
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.held_runs import LentAdapter, RunTask, seal_task
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

LentByLanguage = Mapping[Language, LentAdapter]


@dataclass(frozen=True, slots=True)
class Base:
    """The model that an adapter is trained for: its name in the settings or the catalogue, and its file."""

    model: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was asked for: its job, how far it is, and its adapter, which is gone where it broke off."""

    job: Job
    card: AdapterCard | None
    progress: RunProgress | None

    @property
    def id(self) -> AdapterId:
        return AdapterId(self.job.id)


def start_training(
    store: Store,
    by: SignedIn,
    *,
    scope: Scope,
    limits: Limits,
    base: Base,
    config: Mapping[str, str] | None = None,
    on: str = "",
    here: WorkerLine | None = None,
) -> Run:
    """A run that waits for a worker, with the text that it learns from sealed under its adapter's own key.

    `here` is the worker of this computer: while no other one is, it is admitted by who runs the practice.
    `config` holds values for the trainer's recipe, `on` is what `plan_run` says.
    Raises ModelMissing where nobody knows the base, NoWorker, ConsentMissing, NotAllowed, NotFound,
    NotYourPatient, ReadOnly.
    """
    if not base.sha256:
        raise ModelMissing(
            "nobody said which model the server has, so nothing can be trained for it",
            hint="name it as model_base in the settings",
        )
    check_workers(store, by, here)
    plan = gather_examples(store, by, scope=scope, limits=limits, base_sha256=base.sha256, on=on)
    return _begin(store, by, plan, base, dict(config or {}), limits=limits)


def list_runs(store: Store, by: SignedIn, *, patient_id: PatientId | None = None) -> tuple[Run, ...]:
    """The runs about a patient, or all that one asked for or may see, the practice's too for who runs it; the
    newest first.
    """
    with store.read(by) as tx:
        cards = {card.id: card for card in tx.adapters.cards()}
        return tuple(
            _look_at(tx, job, cards.get(AdapterId(job.id)))
            for job in tx.jobs.list(kind=TRAIN, patient_id=patient_id)
            if _may_see(tx, by, job, cards)
        )


def get_run(store: Store, by: SignedIn, *, run_id: AdapterId) -> Run:
    """Raises NotFound, also for a run of somebody else about somebody else's patient."""
    with store.read(by) as tx:
        job = tx.jobs.get(JobId(run_id))
        cards = {card.id: card for card in tx.adapters.cards()}
        if not _may_see(tx, by, job, cards):
            raise NotFound(f"no run {run_id}", hint="look at the list of runs")
        return _look_at(tx, job, cards.get(run_id))


def check_workers(store: Store, by: SignedIn, here: WorkerLine | None) -> None:
    """Admits `here` where it is the only one.  Raises NoWorker where nothing would take up a run."""
    workers = list_workers(store, by)
    if not workers and here is not None and by.runs_practice:
        admit_worker(store, by, line=here)
        return
    if not workers:
        raise NoWorker(
            "no computer has been admitted yet to train on",
            hint="whoever runs the practice does it with phyassist workers admit",
        )
    # The one of this computer starts by itself when there is something to do.
    is_here = here is not None and any(each.id == here.id for each in workers)
    if not is_here and not any(each.is_there(store.clock()) for each in workers):
        raise NoWorker(
            "none of the computers that may train is running", hint="start phyassist worker on one of them"
        )


@again
def _begin(
    store: Store, by: SignedIn, plan: RunPlan, base: Base, config: dict[str, str], *, limits: Limits
) -> Run:
    now, run_id = store.clock(), AdapterId(store.new_id())
    patient_id = plan.patient_ids[0] if plan.kind == AdapterKind.PATIENT else None
    forms = find_own_forms(plan.trained_on)
    card = AdapterCard(
        id=run_id,
        base_sha256=base.sha256,
        patient_id=patient_id,
        trained_at=now,
        state=AdapterState.TRAINING,
        kind=plan.kind,
        owner_id=by.id,
        parent_id=plan.parent_id,
        label=plan.label,
        ledger=plan.ledger,
        config={
            MODEL: base.model,
            FORMS: write_forms(forms),
            LANGUAGES: ",".join(plan.languages),
            OVERHEAD: f"{plan.overhead_s:.0f}",
            TAUGHT_BY: str(len(plan.taught_by)),
            MINUTES_MAX: str(limits.minutes_per_run),
            **config,
        },
    )
    with store.write(by) as tx:
        check_may_begin(tx, by, plan, limits)
        present = choose_present(tx, plan, patient_id, base.sha256)
        plan, is_known = drop_known(plan, present)
        task = _make_task(tx, plan, base, present=lend_all(tx, present), is_known=is_known)
        examples = plan.examples
        if plan.kind.is_shared:
            examples, canaries = plant_canaries(plan.examples, random.Random(run_id))
            task = replace(task, canaries=canaries)
            card = replace(card, config={**card.config, CANARIES: write_canaries(canaries)})
        packed = pack_examples(
            examples, base.model, forms, plan.parent_id or "", {each.id for each in task.authors}
        )
        key = tx.adapters.begin(card, plan.patient_ids)
        tx.adapters.files.save(run_id, key, EXAMPLES_FILE, packed)
        sealed = seal_task(run_id, task, key)
        job = tx.jobs.add(Job(JobId(run_id), TRAIN, by.id, patient_id, total=plan.steps, task=sealed))
        tx.workers.give(job.id, key)
        tx.audit.write(Act.TRAINING_BEGUN, Kind.ADAPTER, run_id)
        return Run(job, tx.adapters.get(run_id), None)


def _make_task(tx: Tx, plan: RunPlan, base: Base, *, present: LentByLanguage, is_known: bool) -> RunTask:
    """What the worker is to compare with, who drafted what is learnt, and whose names must never come out of
    what several share.
    """
    return RunTask(
        base.model,
        present,
        None if plan.parent_id is None else lend(tx, plan.parent_id),
        list_unsayable(tx) if plan.kind.is_shared else (),
        authors=tuple(lend(tx, each) for each in list_authors(plan, tx.adapters.cards(), base.sha256)),
        is_known=is_known,
    )


def list_unsayable(tx: Tx, but: PatientId | None = None) -> tuple[str, ...]:
    """The names of all patients whom we may see: others may speak of one who did not agree."""
    return tuple(patient.name for patient in tx.patients.list() if patient.id != but)


def lend_all(tx: Tx, cards: Mapping[Language, AdapterCard]) -> LentByLanguage:
    return {language: lend(tx, card.id) for language, card in cards.items()}


def lend(tx: Tx, adapter_id: AdapterId) -> LentAdapter:
    """What opens an adapter, for a worker.  Raises NotFound, NotYourPatient, CannotOpen."""
    return LentAdapter(adapter_id, tx.adapters.key_of(adapter_id), tx.adapters.get(adapter_id).forms)


def choose_present(
    tx: Tx, plan: RunPlan, patient_id: PatientId | None, base_sha256: str
) -> Mapping[Language, AdapterCard]:
    """What answers in each language where the new adapter would: for a patient, or for those who share.

    A counsellor's own answers before the practice's, which another counsellor's new one is not to be held to.
    """
    cards = tx.adapters.cards()
    if plan.kind == AdapterKind.PRACTICE:
        cards = tuple(card for card in cards if card.kind != AdapterKind.COUNSELLOR)
    chosen = {
        language: _find_newest_of_set(cards, plan, base_sha256, language)
        or choose_adapter(cards, patient_id, base_sha256, language=language).card
        for language in plan.languages
    }
    return {language: card for language, card in chosen.items() if card is not None}


def _find_newest_of_set(
    cards: Iterable[AdapterCard], plan: RunPlan, base_sha256: str, language: Language
) -> AdapterCard | None:
    """A chosen set's answers only where it is asked for, and then instead of all others."""
    same = [
        card
        for card in cards
        if plan.kind == card.kind == AdapterKind.SET
        and card.state == AdapterState.ACCEPTED
        and (card.base_sha256, card.label) == (base_sha256, plan.label)
        and card.answers_in(language)
        and not card.leaks
    ]
    return max(same, key=lambda card: card.in_use_since or card.trained_at, default=None)


def drop_known(plan: RunPlan, present: Mapping[Language, AdapterCard]) -> tuple[RunPlan, bool]:
    """The plan without the held-out notes that what is in use in their language has learnt from: there it
    would win by heart.  Where it has learnt from all of them they stay, and the second value is true.
    """
    known = {language: {ref.note_id for ref in card.ledger} for language, card in present.items()}
    unknown = [each for each in plan.held_out if each.note.note_id not in known.get(each.language, set())]
    told_apart = {each.language for each in unknown}
    kept = [each for each in plan.held_out if each.language not in told_apart or each in unknown]
    return replace(plan, examples=(*plan.trained_on, *kept)), told_apart != set(plan.languages)


def _may_see(tx: Tx, by: SignedIn, job: Job, cards: Mapping[AdapterId, AdapterCard]) -> bool:
    if job.patient_id is not None:
        return may_see(tx, job.patient_id)
    # Who runs the practice may break off what its computers do for all; a counsellor's own is sealed from it.
    return job.by_id == by.id or (by.runs_practice and AdapterId(job.id) in cards)


def _look_at(tx: Tx, job: Job, card: AdapterCard | None) -> Run:
    if card is None:
        return Run(job, None, None)
    progress = tx.adapters.files.find_progress(card.id, tx.adapters.key_of(card.id))
    over = job.state in {JobState.FAILED, JobState.CANCELLED} and card.state == AdapterState.TRAINING
    return Run(job, None if over else card, progress)
