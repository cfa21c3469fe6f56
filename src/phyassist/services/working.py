"""A worker at work: it takes a run, opens what came with it, trains, measures, and seals what was made.

What it holds in memory is the text of one run.  It says every second that it lives, and hears then
whether it is to stop: because somebody cancelled, a consent was withdrawn, a patient was erased, or another
worker has the job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from phyassist.domain.adapters import (
    NO_DIALS,
    OVERHEAD,
    STEPS_PLANNED,
    WAY,
    AdapterCard,
    AdapterState,
    FormsByLanguage,
)
from phyassist.domain.frames import AUTHOR, JOINED, PARENT, Frame
from phyassist.domain.gate import Measured, Unsayable, judge
from phyassist.domain.jobs import Job, Standing
from phyassist.domain.learning import CurvePoint, Pace, Phase, RunProgress
from phyassist.errors import (
    AdapterMissing,
    ModelError,
    NotFound,
    PhyAssistError,
    StoreAway,
    StoreError,
    TrainingFailed,
    describe_frames,
    find_error,
)
from phyassist.lm.protocol import CONFIG_FILE, GGUF_FILE, WEIGHTS_FILE, LanguageModel, TakesAdapters
from phyassist.services.gate import Compared, find_least_gain, measure_adapter
from phyassist.services.run_files import EXAMPLES_FILE, RunExample, unpack_examples
from phyassist.services.trainer import MODULE, TrainerProcess, TrainerTask
from phyassist.services.workers import TRAIN
from phyassist.store.again import again
from phyassist.store.entrance import Entrance
from phyassist.store.held_runs import CHECKPOINT_FILE, HeldRun, LentAdapter
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys

BEAT_EVERY_S = 1.0
_LOOK_EVERY_S = 0.2
_POINTS_MAX = 400
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """Where the base model lies on this computer: its GGUF file, and the folder to train on, made of it."""

    gguf: str
    folder: str


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with: it finds a base model, and opens it to measure."""

    find_base: Callable[[AdapterCard], BaseFiles]
    open_model: Callable[[BaseFiles], AbstractContextManager[LanguageModel]]
    trainer: str = MODULE


class Stopped(Exception):
    """The run is not to go on."""


def work_once(store: Store, worker: WorkerKeys, tools: Tools) -> Job | None:
    """Take the run that has waited longest and see it through; None where none waits for this worker.

    A run that fails says so with an error's code, and nothing of it stays.  Raises StoreAway where the store
    does not answer; one that is lost in mid-run, or too full to hold what is said of a run, leaves it to
    whoever takes it up.  Ctrl C leaves it to them at once, and is raised again.
    """
    with store.entrance(writes=True) as entrance:
        job = entrance.jobs.take(worker.id, (TRAIN,))
        entrance.held_runs.sweep()
    if job is None:
        return None
    try:
        _carry_out(store, worker, job, tools)
    except Stopped:
        _give_up(store, job)
    except StoreAway as error:
        # The run itself is sound: it waits until the lease is over, and goes on from its last checkpoint.
        _log.warning("a run was left, for the database does not answer (%s)", error.code)
    except PhyAssistError as error:
        _log.info("a run failed (%s)", error.code)
        _fail(store, job, error.code)
    except Exception as error:  # noqa: BLE001  # the job runner: an unexpected end is said, in frames alone
        _log.error("a run ended unexpectedly\n%s", describe_frames(error))
        _fail(store, job, TrainingFailed.code)
    except KeyboardInterrupt:
        with suppress(StoreAway), store.entrance(writes=True) as entrance:
            entrance.jobs.put_back(job)
        raise
    return job


class Watch:
    """Says that the worker lives, from a thread of its own; set when the run is not to go on."""

    def __init__(self, store: Store, run: HeldRun) -> None:
        self._store, self._run = store, run
        self._standing = Standing.GOING
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.progress = RunProgress(Phase.PREPARING)
        self._said_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def is_set(self) -> bool:
        return self._standing is not Standing.GOING

    def say(self, progress: RunProgress) -> None:
        """Told with the next beat; from then on the time that is left runs down."""
        self.progress, self._said_at = progress, time.monotonic()

    def check(self) -> None:
        """Raises Stopped."""
        if self.is_set():
            raise Stopped

    def beat(self) -> None:
        # A store that is away for a moment has taken nothing from us; the lease says when it has.
        with self._lock, suppress(StoreAway), self._store.entrance(writes=True) as entrance:
            self._standing = entrance.held_runs.beat(self._run, self.now)

    @property
    def now(self) -> RunProgress:
        """How far it is at this moment; of what takes longer than was expected nobody knows what is left."""
        left_s = (self.progress.left_s or 0.0) - (time.monotonic() - self._said_at)
        return replace(self.progress, left_s=left_s if left_s > 0 else None)

    def __enter__(self) -> Watch:
        self.beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat_on(self) -> None:
        while not self._over.wait(BEAT_EVERY_S) and not self.is_set():
            try:
                self.beat()
            except PhyAssistError as error:
                _log.warning("a worker could not say that it lives (%s)", error.code)


@dataclass
class _Made:
    """What came out of the training process so far."""

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    done: dict[str, Any] = field(default_factory=dict)
    curve: list[CurvePoint] = field(default_factory=list)
    tokens: int = 0
    steps: int = 0
    planned: int = 0
    computed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Work:
    """A run in the hands of its worker."""

    store: Store
    run: HeldRun
    watch: Watch
    tools: Tools
    base: BaseFiles
    examples: tuple[RunExample, ...] = field(repr=False)
    lent: Mapping[str, Mapping[str, bytes]] = field(repr=False)


def _carry_out(store: Store, worker: WorkerKeys, job: Job, tools: Tools) -> None:
    started = time.monotonic()
    with store.entrance() as entrance:
        run = entrance.held_runs.open(job, worker)
        examples = unpack_examples(entrance.held_runs.read(run, EXAMPLES_FILE))
        checkpoint = entrance.held_runs.find_checkpoint(run)
        before = entrance.held_runs.find_progress(run)
    with Watch(store, run) as watch:
        if before is not None:
            watch.progress = replace(before, phase=Phase.PREPARING)
        run, lent = _open_lent(store, run)
        work = _Work(store, run, watch, tools, tools.find_base(run.card), _without(examples, run), lent)
        made = _train(work, checkpoint)
        left_s = watch.now.left_s or _find_overhead(run.card)
        watch.say(replace(watch.progress, phase=Phase.MEASURING, left_s=left_s))
        measured = _measure(work, made)
        watch.check()
        watch.say(replace(watch.progress, phase=Phase.SEALING, left_s=None))
        card = _fill_card(run.card, made, measured, store.clock(), time.monotonic() - started)
        if not _finish(store, run, card, made.files, watch.progress):
            raise Stopped
    _log.info("a run is done (%s)", "accepted" if card.state == AdapterState.ACCEPTED else "kept")


def _open_lent(store: Store, run: HeldRun) -> tuple[HeldRun, Mapping[str, Mapping[str, bytes]]]:
    """The files of all adapters that the run was lent, by id: read now, whoever deletes one while it goes on.

    What was deleted before is not compared with any more, and says nothing anew of its drafts.
    Raises NotFound where it was to be gone on from or merged.
    """
    task = run.task
    found: dict[str, Mapping[str, bytes]] = {}
    for lent in (*task.merged, *filter(None, [task.parent])):
        found[lent.id] = _read_files(store, lent)
    for lent in (*task.present.values(), *task.authors):
        if lent.id not in found:
            with suppress(NotFound):
                found[lent.id] = _read_files(store, lent)
    present = {language: lent for language, lent in task.present.items() if lent.id in found}
    task = replace(
        task,
        present=present,
        is_known=task.is_known and bool(present),
        authors=tuple(lent for lent in task.authors if lent.id in found),
    )
    return replace(run, task=task), found


def _without(examples: Iterable[RunExample], run: HeldRun) -> tuple[RunExample, ...]:
    """The examples; what somebody drafted who is gone is learnt like what was changed."""
    known = {"", *(lent.id for lent in run.task.authors)}
    return tuple(each if each.author in known else replace(each, drafted="", author="") for each in examples)


def _train(work: _Work, checkpoint: bytes | None) -> _Made:
    run, watch = work.run, work.watch
    named = [
        *((each.id, each) for each in run.task.present.values()),
        *((f"{JOINED} {no}", each) for no, each in enumerate(run.task.merged)),
        *((f"{AUTHOR} {each.id}", each) for each in run.task.authors),
        *((PARENT, each) for each in filter(None, [run.task.parent])),
    ]
    others = {
        name: {file: work.lent[each.id][file] for file in (CONFIG_FILE, WEIGHTS_FILE)} for name, each in named
    }
    recipe = {name: value for name, value in run.card.config.items() if name not in NO_DIALS}
    way = run.card.config.get(WAY, "")
    task = TrainerTask(work.base.folder, work.base.gguf, recipe, work.examples, others, checkpoint, way)
    made = _Made(curve=list(watch.progress.curve), planned=watch.progress.steps)
    with TrainerProcess(task, work.tools.trainer) as trainer:
        for frame in trainer.frames(_LOOK_EVERY_S):
            watch.check()
            if frame is not None:
                _hear(work, made, frame)
    watch.check()
    if not made.done:
        raise TrainingFailed(
            f"the training process of run {run.job.id} ended before it was done",
            hint="there may be too little memory: close other programs or use a smaller model",
        )
    return made


def _hear(work: _Work, made: _Made, frame: Frame) -> None:
    head = frame.head
    if frame.kind == "report":
        overhead_s = _find_overhead(work.run.card)
        work.watch.say(_note_report(work.watch.progress, made, head, overhead_s))
    elif frame.kind == "checkpoint":
        if _save_checkpoint(work.store, work.run, frame.data) is not Standing.GOING:
            raise Stopped
    elif frame.kind == "file":
        made.files[head["name"]] = frame.data
    elif frame.kind == "done":
        made.done = dict(head)
    elif frame.kind == "failed":
        if head.get("frames"):
            _log.error("the training process failed\n%s", head["frames"])
        raise find_error(head["code"] or TrainingFailed.code)(
            f"run {work.run.job.id} failed", hint="the assistant page says what to do"
        )


def _find_overhead(card: AdapterCard) -> float:
    """The seconds that are expected to go by beside the steps, nearly all of them after."""
    return float(card.config.get(OVERHEAD, Pace().overhead_s))


def _note_report(
    progress: RunProgress, made: _Made, head: Mapping[str, Any], overhead_s: float
) -> RunProgress:
    if head["of"] == "StepReport":
        made.tokens += head["tokens"]
        made.steps += 1
        made.planned = head["steps"]
        made.computed_s += head["seconds"]
        _add_point(made.curve, CurvePoint(head["step"], head["loss"]))
        left = (head["steps"] - head["step"]) * made.computed_s / made.steps + overhead_s
        return replace(
            progress,
            phase=Phase.TRAINING,
            step=head["step"],
            steps=head["steps"],
            left_s=left,
            curve=tuple(made.curve),
        )
    loss = made.curve[-1].loss if made.curve and made.curve[-1].step == head["step"] else None
    _add_point(made.curve, CurvePoint(head["step"], loss, head["val_loss"]))
    return replace(progress, curve=tuple(made.curve))


def _add_point(curve: list[CurvePoint], point: CurvePoint) -> None:
    """In its place: steps that were done again after a kill stand once."""
    curve[:] = [each for each in curve if each.step < point.step]
    curve.append(point)
    if len(curve) > _POINTS_MAX:
        # A picture needs no more; the held-out losses stay.
        curve[:] = [each for no, each in enumerate(curve) if no % 2 or each.held_out_loss is not None]


def _measure(work: _Work, made: _Made) -> Measured:
    run, losses, task = work.run, made.done["losses"], work.run.task
    lent = {each.id: each for each in (*task.present.values(), *filter(None, [task.parent]))}
    forms: dict[str, FormsByLanguage] = {
        run.card.id: run.card.forms,
        **{name: each.forms for name, each in lent.items()},
    }
    compared = Compared(
        run.card.id,
        run.card.parent_id or "",
        {language: each.id for language, each in task.present.items()},
        task.is_known,
    )
    languages = sorted({each.language for each in work.examples if each.held_out})
    unheard = Measured(*find_least_gain(losses, compared, languages))
    try:
        with work.tools.open_model(work.base) as lm:
            if not isinstance(lm, TakesAdapters):
                return unheard
            lm.take_adapter(run.card.id, partial(_get_file, made.files))
            for name in lent:
                lm.take_adapter(name, partial(_get_file, work.lent[name]))
            return measure_adapter(
                lm,
                work.examples,
                compared,
                losses=losses,
                forms=forms,
                unsayable=Unsayable(task.names, task.canaries),
                stop=work.watch,
            )
    except ModelError as error:
        # What was learnt is not lost for want of memory or of an engine: it is kept, and not used.
        _log.warning("an adapter could not be measured (%s)", error.code)
        return unheard


def _fill_card(
    card: AdapterCard, made: _Made, measured: Measured, now: datetime, seconds: float
) -> AdapterCard:
    verdict = judge(measured)
    config = {**card.config, **{name: str(value) for name, value in made.done.get("recipe", {}).items()}}
    if made.computed_s:
        config["tokens_per_s"] = f"{made.tokens / made.computed_s:.2f}"
        config[OVERHEAD] = f"{max(0.0, seconds - made.computed_s):.0f}"
    config["steps"] = str(made.done["steps"])
    if made.done.get("is_late"):
        config[STEPS_PLANNED] = str(made.planned)
    config["too_long"] = str(made.done["too_long"])
    return replace(
        card,
        trained_at=now,
        state=AdapterState.ACCEPTED if verdict.is_accepted else AdapterState.KEPT,
        in_use_since=now if verdict.is_accepted else None,
        config=config,
        scores=dict(verdict.numbers),
        verdict=verdict,
    )


def _read_files(store: Store, lent: LentAdapter) -> Mapping[str, bytes]:
    """What is kept of an adapter.  Raises NotFound where it is gone."""
    with store.entrance() as entrance:
        found = {name: entrance.held_runs.read_lent(lent, name) for name in (CONFIG_FILE, WEIGHTS_FILE)}
        # Some models' adapters have no file that the engine reads.
        with suppress(NotFound):
            found[GGUF_FILE] = entrance.held_runs.read_lent(lent, GGUF_FILE)
    return found


def _get_file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise AdapterMissing(
            f"this adapter has no {name}", hint="the engine cannot take adapters of this model"
        )
    return files[name]


@again
def _save_checkpoint(store: Store, run: HeldRun, state: bytes) -> Standing:
    with store.entrance(writes=True) as entrance:
        return entrance.held_runs.save_checkpoint(run, state)


@again
def _finish(
    store: Store, run: HeldRun, card: AdapterCard, files: dict[str, bytes], progress: RunProgress
) -> bool:
    gone = (EXAMPLES_FILE, CHECKPOINT_FILE)
    try:
        with store.entrance(writes=True) as entrance:
            return entrance.held_runs.finish(run, card, files, gone=gone, progress=progress)
    except NotFound:
        return False


def _fail(store: Store, job: Job, error_code: str) -> None:
    _say_over(store, job, lambda entrance: entrance.held_runs.fail(job, error_code))


def _give_up(store: Store, job: Job) -> None:
    _say_over(store, job, lambda entrance: entrance.held_runs.give_up(job))


def _say_over(store: Store, job: Job, say: Callable[[Entrance], object]) -> None:
    @again
    def write(store: Store) -> None:
        with store.entrance(writes=True) as entrance:
            say(entrance)

    try:
        write(store)
    except StoreError as error:
        # A full disk takes no word of it either: the lease runs out, and the run is taken up or ended then.
        _log.warning("the end of run %s could not be written down (%s)", job.id, error.code)
