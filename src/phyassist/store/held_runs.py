"""A run as the worker that holds its job sees it, by the key that came with the job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, delete, select

from phyassist.domain.adapters import (
    FORMS,
    AdapterCard,
    AdapterId,
    AdapterState,
    FormsByLanguage,
    read_forms,
    write_forms,
)
from phyassist.domain.canaries import Canary
from phyassist.domain.clock import Clock
from phyassist.domain.jobs import Job, JobState, Standing
from phyassist.domain.learning import RunProgress
from phyassist.domain.people import Language
from phyassist.errors import CannotOpen, NotFound
from phyassist.store.adapter_coding import unpack_adapter
from phyassist.store.adapter_files import AdapterFiles, card_place, read_bare
from phyassist.store.audit import Act, Audit, Kind
from phyassist.store.coding import Json, pack, unpack
from phyassist.store.jobs import Jobs
from phyassist.store.tables import adapters, jobs
from phyassist.store.workers import JobKeys, WorkerKeys
from phyassist.vault.sealing import DataKey, Place
from phyassist.vault.secrets import Secret

CHECKPOINT_FILE = "checkpoint"


@dataclass(frozen=True, slots=True)
class LentAdapter:
    """Another adapter that a run needs: the one in use now, to be compared with, the one to go on from, or
    one that drafted what is learnt.
    """

    id: AdapterId
    key: DataKey = field(repr=False)
    forms: FormsByLanguage = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunTask:
    """What a worker is told beside the card.  `names` are those that no reply may ever hold, and `canaries`
    stand in what is learnt to see whether one does.  `merged` are to become one; none: an adapter is trained.
    `authors` drafted what is learnt.  `present` are those in use, by language; `is_known`: one of them has
    learnt from all that it would be compared on.
    """

    model: str
    present: Mapping[Language, LentAdapter] = field(default_factory=dict)
    parent: LentAdapter | None = None
    names: tuple[str, ...] = field(default=(), repr=False)
    canaries: tuple[Canary, ...] = ()
    merged: tuple[LentAdapter, ...] = ()
    authors: tuple[LentAdapter, ...] = ()
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run with what opens it."""

    job: Job
    card: AdapterCard
    task: RunTask
    key: DataKey = field(repr=False)


class HeldRuns:
    """For a worker; nobody is signed in."""

    def __init__(self, conn: Connection, clock: Clock) -> None:
        self._conn = conn
        self._clock = clock
        self._files = AdapterFiles(conn)
        self._jobs = Jobs(conn, clock)

    def open(self, job: Job, worker: WorkerKeys) -> HeldRun:
        """Raises CannotOpen where the job has no key for this worker, NotFound where it was broken off."""
        key = JobKeys(self._conn, self._clock).open(job.id, worker)
        row = self._conn.execute(select(adapters).where(adapters.c.id == job.id)).mappings().first()
        if row is None:
            raise NotFound(f"run {job.id} was broken off", hint="it can be started again")
        bare = read_bare(row)
        card = unpack_adapter(key.open_sealed(bytes(row["card_sealed"]), card_place(bare.id)), bare)
        return HeldRun(job, card, open_task(job, key), key)

    def read(self, run: HeldRun, name: str) -> bytes:
        """A file of the run.  Raises NotFound, CannotOpen."""
        return b"".join(self._files.read(run.card.id, run.key, name))

    def read_lent(self, lent: LentAdapter, name: str) -> bytes:
        """A file of an adapter that it was lent.  Raises NotFound where that is gone, CannotOpen."""
        return b"".join(self._files.read(lent.id, lent.key, name))

    def find_checkpoint(self, run: HeldRun) -> bytes | None:
        if CHECKPOINT_FILE not in self._files.list(run.card.id):
            return None
        return self.read(run, CHECKPOINT_FILE)

    def find_progress(self, run: HeldRun) -> RunProgress | None:
        return self._files.find_progress(run.card.id, run.key)

    def beat(self, run: HeldRun, progress: RunProgress | None = None) -> Standing:
        """Say how far it is; hear whether to go on.  A run that was broken off is to stop."""
        done, total = (progress.step, progress.steps) if progress else (run.job.done, run.job.total)
        standing = self._jobs.beat(run.job, done=done, total=total)
        if standing is Standing.GOING and not self._is_wanted(run):
            return Standing.STOP
        if standing is Standing.GOING and progress is not None:
            self._files.save_progress(run.card.id, run.key, progress)
        return standing

    def save_checkpoint(self, run: HeldRun, state: bytes) -> Standing:
        """Kept in the place of the one before, if the worker still holds the job and the run is wanted."""
        standing = self.beat(run)
        if standing is Standing.GOING:
            self._files.save(run.card.id, run.key, CHECKPOINT_FILE, state)
        return standing

    def finish(
        self,
        run: HeldRun,
        card: AdapterCard,
        files: Mapping[str, bytes],
        *,
        gone: Iterable[str],
        progress: RunProgress,
    ) -> bool:
        """Whether it counted: the adapter's files and its card are kept, what the run took along is not.

        Raises NotFound where the run was broken off; nothing is kept then.
        """
        if not self._jobs.finish(run.job):
            return False
        kept = tuple(self._files.save(card.id, run.key, name, data) for name, data in files.items())
        for name in gone:
            self._files.drop(card.id, name)
        self._files.save_progress(card.id, run.key, progress)
        if not self._files.finish(replace(card, files=kept), run.key):
            raise NotFound(f"run {run.job.id} was broken off", hint="it can be started again")
        origin = f"worker {run.job.worker_id}"
        Audit(self._conn, self._clock, run.job.by_id, origin).write(Act.TRAINED, Kind.ADAPTER, card.id)
        return True

    def fail(self, job: Job, error_code: str) -> bool:
        """The job has failed, and nothing of its run stays; False where another worker holds it."""
        ended = self._jobs.fail(job, error_code)
        if ended:
            self._files.break_off(AdapterId(job.id))
        return ended

    def give_up(self, job: Job) -> bool:
        """Somebody wanted it to stop: nothing of its run stays."""
        ended = self._jobs.give_up(job)
        if ended:
            self._files.break_off(AdapterId(job.id))
        return ended

    def sweep(self) -> None:
        """Destroy what is left of runs whose jobs are over without having been finished."""
        over = select(jobs.c.id).where(jobs.c.state.in_([JobState.FAILED.value, JobState.CANCELLED.value]))
        self._conn.execute(
            delete(adapters).where(adapters.c.state == AdapterState.TRAINING.value, adapters.c.id.in_(over))
        )

    def _is_wanted(self, run: HeldRun) -> bool:
        row = self._conn.execute(select(adapters.c.state).where(adapters.c.id == run.card.id)).first()
        return row is not None and row.state == AdapterState.TRAINING.value


def seal_task(job_id: str, task: RunTask, key: DataKey) -> bytes:
    """The task sealed under the key that is wrapped to the workers."""
    blob = pack(
        {
            "model": task.model,
            "present": {language: _write_lent(each) for language, each in task.present.items()},
            "is_known": task.is_known,
            "parent": _write_lent(task.parent),
            "names": list(task.names),
            "merged": [_write_lent(each) for each in task.merged],
            "authors": [_write_lent(each) for each in task.authors],
            "canaries": [[each.language, each.name, each.number] for each in task.canaries],
        }
    )
    return key.seal(blob, _task_place(job_id))


def open_task(job: Job, key: DataKey) -> RunTask:
    """Raises CannotOpen."""
    if job.task is None:
        raise CannotOpen(f"job {job.id} has no task any more", hint="start the training again")

    def read(fields: Json) -> RunTask:
        return RunTask(
            fields["model"],
            _read_present(fields["present"]),
            _read_lent(fields["parent"]),
            tuple(fields["names"]),
            # A run that waited while PhyAssist was brought up to date has none of these.
            tuple(Canary(*each) for each in fields.get("canaries", ())),
            _read_all_lent(fields.get("merged", ())),
            _read_all_lent(fields.get("authors", ())),
            fields.get("is_known", False),
        )

    return unpack(key.open_sealed(job.task, _task_place(job.id)), read)


def _write_lent(lent: LentAdapter | None) -> Json | None:
    if lent is None:
        return None
    key = lent.key.raw().reveal().hex()
    return {"id": lent.id, "key": key, FORMS: write_forms(lent.forms)}


def _read_lent(fields: Json | None) -> LentAdapter | None:
    if fields is None:
        return None
    key = DataKey(Secret(bytes.fromhex(fields["key"])))
    return LentAdapter(AdapterId(fields["id"]), key, read_forms(fields))


def _read_present(fields: Json | None) -> Mapping[Language, LentAdapter]:
    # One that waited while PhyAssist was brought up to date names one for all languages.
    by_language: Json = {"zh": fields, "en": fields} if fields is None or "id" in fields else fields
    found = {language: _read_lent(each) for language, each in by_language.items()}
    return {("zh" if language == "zh" else "en"): each for language, each in found.items() if each}


def _read_all_lent(all_fields: Iterable[Json]) -> tuple[LentAdapter, ...]:
    return tuple(filter(None, map(_read_lent, all_fields)))


def _task_place(job_id: str) -> Place:
    return Place("jobs", job_id, "task")
