"""Workers, as only the practice's key shows them, and the key of a job, wrapped to those that may run it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from phyassist.domain.clock import Clock
from phyassist.domain.jobs import JobId, JobState
from phyassist.domain.workers import Worker, WorkerId, WorkerLine
from phyassist.errors import CannotOpen
from phyassist.store.coding import Json, pack, unpack
from phyassist.store.tables import job_keys, jobs, workers
from phyassist.vault.keyring import Keyring, fingerprint, give_key
from phyassist.vault.sealing import DataKey, DataKeys, Place
from phyassist.vault.secrets import Secret, random_secret

PRIVATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class WorkerKeys:
    """A worker on the machine that it runs on: who it is, and its private key."""

    line: WorkerLine
    keyring: Keyring = field(repr=False, compare=False)

    @property
    def id(self) -> WorkerId:
        return self.line.id


class Workers:
    """`practice`: the practice's keys, which whoever is signed in holds."""

    def __init__(self, conn: Connection, clock: Clock, practice: DataKeys) -> None:
        self._conn = conn
        self._clock = clock
        self._practice = practice

    def list(self) -> tuple[Worker, ...]:
        """The one admitted first comes first.  Raises CannotOpen where a row was tampered with."""
        rows = self._conn.execute(select(workers).order_by(workers.c.admitted_at, workers.c.id)).all()
        return tuple(
            Worker(
                _unpack_line(
                    self._practice.open_sealed(bytes(row.identity_sealed), worker_place(row.id)), row.id
                ),
                row.admitted_at,
                row.seen_at,
            )
            for row in rows
        )

    def admit(self, line: WorkerLine) -> None:
        """Let this worker run jobs; admitting it again changes nothing but its name."""
        sealed = self._practice.seal(_pack_line(line), worker_place(line.id))
        known = update(workers).where(workers.c.id == line.id).values(identity_sealed=sealed)
        if self._conn.execute(known).rowcount == 0:
            self._conn.execute(
                insert(workers).values(id=line.id, identity_sealed=sealed, admitted_at=self._clock())
            )

    def remove(self, worker_id: WorkerId) -> bool:
        """Whether there was such a worker.  A job that it holds waits for another one."""
        held = (jobs.c.worker_id == worker_id) & (jobs.c.state == JobState.RUNNING.value)
        self._conn.execute(
            update(jobs).where(held).values(state=JobState.WAITING.value, worker_id="", lease_until=None)
        )
        return self._conn.execute(delete(workers).where(workers.c.id == worker_id)).rowcount > 0

    def give(self, job_id: JobId, key: DataKey) -> int:
        """Let every worker open what lies under a job's key, while the job lasts; how many there are."""
        known = select(job_keys.c.worker_id).where(job_keys.c.job_id == job_id)
        to = [each for each in self.list() if each.id not in set(self._conn.execute(known).scalars())]
        for each in to:
            wrapped = give_key(key, each.line.public, _wrap_place(job_id, each.id))
            row = {"job_id": job_id, "worker_id": each.id, "wrapped_worker": wrapped}
            self._conn.execute(insert(job_keys), row)
        return len(to)

    def _open(self, worker_id: str, sealed: bytes) -> WorkerLine:
        return _unpack_line(self._practice.open_sealed(sealed, worker_place(worker_id)), worker_id)


class JobKeys:
    """For a worker; nobody is signed in."""

    def __init__(self, conn: Connection, clock: Clock) -> None:
        self._conn = conn
        self._clock = clock

    def see(self, worker_id: WorkerId) -> bool:
        """Whether this worker is admitted; it was here just now."""
        seen = update(workers).where(workers.c.id == worker_id).values(seen_at=self._clock())
        return self._conn.execute(seen).rowcount == 1

    def open(self, job_id: JobId, worker: WorkerKeys) -> DataKey:
        """The key of a job.  Raises CannotOpen where it has none for this worker, or not any more."""
        query = select(job_keys.c.wrapped_worker).where(
            job_keys.c.job_id == job_id, job_keys.c.worker_id == worker.id
        )
        wrapped = self._conn.execute(query).scalar_one_or_none()
        if wrapped is None:
            raise CannotOpen(f"job {job_id} has no key for this worker", hint="start the training again")
        return worker.keyring.open_given(bytes(wrapped), _wrap_place(job_id, worker.id))


def make_private() -> bytes:
    """A new private key, for the file of a machine."""
    return random_secret(PRIVATE_BYTES).reveal()


def make_worker_keys(worker_id: WorkerId, machine: str, private: bytes) -> WorkerKeys:
    """A worker from the private key that its machine keeps.  Raises CannotOpen where that is none."""
    keyring = Keyring(Secret(private))
    return WorkerKeys(make_line(worker_id, machine, keyring.public), keyring)


def make_line(worker_id: WorkerId, machine: str, public: bytes) -> WorkerLine:
    return WorkerLine(worker_id, machine, public, fingerprint(public, b""))


def worker_place(worker_id: str) -> Place:
    return Place("workers", worker_id, "identity")


def _pack_line(line: WorkerLine) -> bytes:
    return pack({"machine": line.machine, "public": line.public.hex()})


def _unpack_line(blob: bytes, worker_id: str) -> WorkerLine:
    def read(fields: Json) -> WorkerLine:
        return make_line(WorkerId(worker_id), fields["machine"], bytes.fromhex(fields["public"]))

    return unpack(blob, read)


def _wrap_place(job_id: str, worker_id: str) -> Place:
    return Place("job_keys", f"{job_id}/{worker_id}", "wrapped")
