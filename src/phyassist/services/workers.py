"""Workers: machines that may run jobs; their keys, and their admission."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from phyassist.domain.clock import NewId, new_id
from phyassist.domain.workers import Worker, WorkerId, WorkerLine
from phyassist.errors import BadInput, CannotOpen, NotFound, StoreFull, UnreadableFile
from phyassist.services.access import check_runs_practice
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import PRIVATE_BYTES, WorkerKeys, make_line, make_private, make_worker_keys

KEY_FILE = "worker.key"
# The kind of a job that trains an adapter.
TRAIN = "train"


def load_worker(home: Path, *, new_id: NewId = new_id) -> WorkerKeys:
    """The worker of this machine; its keys are made at first, in a file for its owner's eyes alone.

    Raises UnreadableFile where the file is not one of these, StoreFull where it cannot be written.
    """
    path = home / KEY_FILE
    with suppress(FileExistsError):
        _make_file(path, {"id": new_id(), "machine": socket.gethostname()})
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        private = bytes.fromhex(said["private"])
        return make_worker_keys(WorkerId(said["id"]), said["machine"], private)
    except (OSError, ValueError, KeyError, TypeError, CannotOpen):
        raise UnreadableFile(
            f"the worker's key file {path} cannot be read",
            hint="move it away: a new one is made, which has to be admitted anew",
        ) from None


def parse_line(text: str) -> WorkerLine:
    """What another machine's worker says of itself.  Raises BadInput."""
    worker_id, _, rest = text.strip().partition(":")
    public, _, machine = rest.partition(":")
    try:
        key = bytes.fromhex(public)
    except ValueError:
        key = b""
    if len(key) != PRIVATE_BYTES or not worker_id.isalnum():
        raise BadInput("this is not a worker's line", hint="copy it whole from phyassist workers show")
    return make_line(WorkerId(worker_id), machine, key)


@again
def admit_worker(store: Store, by: SignedIn, *, line: WorkerLine) -> None:
    """Let a machine run jobs: those that are started from now on give it their key.

    Raises NotAllowed for all but who runs the practice.
    """
    check_runs_practice(by)
    with store.write(by) as tx:
        tx.workers.admit(line)
        tx.audit.write(Act.WORKER_ADMITTED, Kind.WORKER, line.id)


def list_workers(store: Store, by: SignedIn) -> tuple[Worker, ...]:
    with store.read(by) as tx:
        return tx.workers.list()


@again
def remove_worker(store: Store, by: SignedIn, *, worker_id: WorkerId) -> None:
    """Lend this machine nothing any more; what it runs is taken from it and waits for another one.

    Raises NotAllowed, NotFound.
    """
    check_runs_practice(by)
    with store.write(by) as tx:
        if not tx.workers.remove(worker_id):
            raise NotFound(f"no worker {worker_id}", hint="phyassist workers list shows them")
        tx.audit.write(Act.WORKER_REMOVED, Kind.WORKER, worker_id)


def see_worker(store: Store, worker: WorkerKeys) -> bool:
    """Whether this worker is admitted; the others learn that it is there."""
    with store.entrance(writes=True) as entrance:
        return entrance.job_keys.see(worker.id)


def is_work_waiting(store: Store, worker: WorkerKeys) -> bool:
    """Whether there is a run that this worker could take.  One that nobody will take up any more is ended."""
    with store.entrance() as entrance:
        is_waiting, is_stuck = entrance.jobs.is_waiting(worker.id, (TRAIN,)), entrance.jobs.is_stuck((TRAIN,))
    if is_stuck:
        with store.entrance(writes=True) as entrance:
            entrance.jobs.settle((TRAIN,))
            entrance.held_runs.sweep()
    return is_waiting


def _make_file(path: Path, said: dict[str, str]) -> None:
    """Raises FileExistsError where there is one, StoreFull."""
    content = json.dumps({"v": 1, **said, "private": make_private().hex()}) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written beside and linked into place: another process never reads half a key.
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        finally:
            part.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        raise StoreFull(
            f"the worker's key file {path} cannot be written", hint="make room on the disk"
        ) from error
