"""`make cluster-test`: four writers on a three-node cluster whose servers are killed.

What they were told is saved is counted afterwards.

    python -m tests.cluster.run [--kills 3] [--write]

Writes docs/results/cluster.md and cluster.json with `--write`.  Ends with 1 where a note was lost or doubled
under synchronous replication, or where none was lost in the control, which then proves nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from phyassist.services.intake import start_consultation
from phyassist.services.patients import new_patient
from phyassist.services.practice import set_up, sign_in
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.cluster.nodes import DCS, Cluster, Missing, Node
from tests.conftest import FAST_COST, PASSPHRASE

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
WRITERS = 4
QUIET_S, FROZEN_S = 6.0, 1.0
NOTES = (
    "Four processes save one note after the other through the services (a draft, an item by hand, the note "
    "signed), sealed. A note counts as acknowledged when the service returned it; afterwards every note is "
    "opened and compared. A writer tries nothing a second time: the services do, with the same ids, until "
    "the cluster has another primary. Errors are what a service raised to its writer. The longest silence "
    "is the longest time in which one of the writers had nothing acknowledged.",
    "",
    "The control switches synchronous mode off and freezes what sends the log to the standbys for one second "
    "before the kill: it shows that the test can see a loss, and why the mode is on.",
)


@dataclass
class Said:
    """What one writer said, as it said it."""

    process: subprocess.Popen[str]
    notes: list[tuple[str, str, float]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "ready" in said:
                self.ready.set()
            elif "error" in said:
                self.errors.append(said)
            else:
                self.notes.append((said["note"], said["words"], said["at"]))


@dataclass(frozen=True)
class Phase:
    """One row of the table."""

    name: str
    kills: int
    acknowledged: int
    lost: int
    doubled: int
    errors: int
    gaps_s: tuple[float, ...]
    all_went_on: bool
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=3, help="how often the primary is killed")
    parser.add_argument("--place", type=Path, default=Path("/var/tmp/phyassist-cluster"))  # noqa: S108
    parser.add_argument("--write", action="store_true", help="write docs/results/cluster.*")
    options = parser.parse_args()
    started = time.monotonic()
    load = os.getloadavg()[0]
    try:
        with Cluster(options.place / "venv" / "bin" / "patroni", under=options.place) as cluster:
            tell(f"the cluster stands after {time.monotonic() - started:.0f} s")
            phases = measure(cluster, options.kills)
            versions = find_versions(cluster, options.place)
    except Missing as error:
        tell(str(error))
        return 1
    page = render(phases, versions, load, time.monotonic() - started)
    sys.stdout.write(page)
    if options.write:
        (RESULTS / "cluster.md").write_text(page, encoding="utf-8")
        body = {"date": today(), "versions": versions, "phases": [asdict(phase) for phase in phases]}
        (RESULTS / "cluster.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    *real, control = phases
    good = all(phase.lost == phase.doubled == phase.errors == 0 and phase.all_went_on for phase in real)
    return 0 if good and control.lost > 0 else 1


def measure(cluster: Cluster, kills: int) -> list[Phase]:
    with open_store(cluster.url, passphrase_cost=FAST_COST) as store:
        by = set_up(
            store,
            name="Anna Weiss",
            passphrase=PASSPHRASE,
            language="en",
            jurisdiction="other",
            zone="UTC",
        ).signed_in
        phases = [
            run_phase(cluster, store, by, name="the primary, synchronous", kill=kill_postmaster, kills=kills),
            run_phase(cluster, store, by, name="its whole node, synchronous", kill=kill_node, kills=1),
        ]
        cluster.set_synchronous(False)
        phases.append(
            run_phase(
                cluster,
                store,
                by,
                name="control: asynchronous, senders frozen 1 s",
                kill=kill_frozen,
                kills=1,
                synchronous=False,
            )
        )
    return phases


def run_phase(
    cluster: Cluster,
    store: Store,
    by: SignedIn,
    *,
    name: str,
    kill: Callable[[Cluster, Node], None],
    kills: int,
    synchronous: bool = True,
) -> Phase:
    """Four writers from the beginning to the end; the server is killed in the middle."""
    tell(name)
    cluster.wait_until_whole(synchronous=synchronous)
    before = {note.id for note in list_notes(store)}
    started = time.monotonic()
    writers = [start_writer(cluster, store, by, number) for number in range(WRITERS)]
    for writer in writers:
        if not writer.ready.wait(60):
            raise TimeoutError("a writer did not sign in")
    time.sleep(QUIET_S)
    gaps, went_on = [], True
    for _ in range(kills):
        node = cluster.primary()
        kill(cluster, node)
        at = time.time()
        tell(f"  killed {node.name}")
        went_on &= wait_for_all(writers, at)
        gaps.append(longest_gap(writers, at))
        tell(f"  the longest silence of a writer: {gaps[-1]:.1f} s")
        cluster.wait_until_whole(synchronous=synchronous, within_s=240)
        time.sleep(QUIET_S)
    for writer in writers:
        writer.process.terminate()
    for writer in writers:
        writer.process.wait()
    return count(store, writers, before, name, kills, gaps, went_on, time.monotonic() - started)


def start_writer(cluster: Cluster, store: Store, by: SignedIn, number: int) -> Said:
    patient = new_patient(store, by, name=f"Patient {number}")
    consultation = start_consultation(store, by, patient_id=patient.id)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin is not None
    told = {"url": cluster.url, "writer": f"{number} of {consultation.id}", "consultation": consultation.id}
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.close()
    said = Said(process)
    threading.Thread(target=said.listen, daemon=True).start()
    return said


def kill_postmaster(_cluster: Cluster, node: Node) -> None:
    node.kill_postmaster()


def kill_node(_cluster: Cluster, node: Node) -> None:
    """All three of its servers; the machine comes back half a minute later."""
    node.kill()

    def come_back() -> None:
        time.sleep(30)
        node.start_etcd()
        node.start_patroni()

    threading.Thread(target=come_back, daemon=True).start()


def kill_frozen(cluster: Cluster, node: Node) -> None:
    """The primary goes on saying "saved" for a second while nobody else hears of it."""
    senders = [int(row[0]) for row in cluster.ask_primary("SELECT pid FROM pg_stat_replication")]
    for sender in senders:
        os.kill(sender, signal.SIGSTOP)
    time.sleep(FROZEN_S)
    node.kill_postmaster()
    for sender in senders:
        with suppress(ProcessLookupError):
            os.kill(sender, signal.SIGKILL)


def wait_for_all(writers: list[Said], at: float) -> bool:
    """Whether every writer has had a note saved after the kill, by itself, within two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if all(writer.notes and writer.notes[-1][2] > at + 1 for writer in writers):
            # A note may have been under way; the next ones tell that it goes on.
            time.sleep(3)
            return True
        time.sleep(0.2)
    return False


def longest_gap(writers: list[Said], at: float) -> float:
    longest = 0.0
    for writer in writers:
        times = [when for _, _, when in writer.notes if when > at - 5]
        longest = max([longest, *(later - earlier for earlier, later in pairwise(times))])
    return round(longest, 1)


def count(
    store: Store,
    writers: list[Said],
    before: set[str],
    name: str,
    kills: int,
    gaps: list[float],
    went_on: bool,
    seconds: float,
) -> Phase:
    """Open every note that is there and compare with what the writers were told."""
    there = {note.id: note for note in list_notes(store) if note.id not in before}
    told = {note_id: words for writer in writers for note_id, words, _ in writer.notes}
    lost = [
        note_id
        for note_id, words in told.items()
        if note_id not in there or words not in {item.text for item in there[note_id].items}
    ]
    said = Counter(note.question for note in there.values())
    numbers = Counter((note.patient_id, note.number) for note in there.values())
    doubled = sum(times - 1 for times in (said + numbers).values() if times > 1)
    errors = sum(len(writer.errors) for writer in writers)
    for writer in writers:
        for error in writer.errors[:3]:
            tell(f"  {error['error']} {error['words']}")
    tell(f"  {len(told)} acknowledged, {len(lost)} lost, {doubled} doubled, {errors} errors")
    return Phase(name, kills, len(told), len(lost), doubled, errors, tuple(gaps), went_on, round(seconds, 1))


def list_notes(store: Store) -> tuple[Any, ...]:
    by = sign_in(store, passphrase=PASSPHRASE)
    with store.read(by) as tx:
        return tx.notes.list_of([each.id for each in tx.patients.list()])


def find_versions(cluster: Cluster, place: Path) -> dict[str, str]:
    def first_line(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")[0]

    return {
        "Python": platform.python_version(),
        "PostgreSQL": str(cluster.ask_primary("SHOW server_version")[0][0]),
        "etcd": first_line("etcd", "--version").removeprefix("etcd Version: "),
        "Patroni": first_line(str(place / "venv/bin/patroni"), "--version").removeprefix("patroni "),
        "psycopg": version("psycopg"),
        "SQLAlchemy": version("sqlalchemy"),
    }


def render(phases: list[Phase], versions: dict[str, str], load: float, seconds: float) -> str:
    rows = [
        f"| {phase.name} | {phase.kills} | {phase.acknowledged:,} | **{phase.lost:,}** | {phase.doubled} "
        f"| {phase.errors} | {', '.join(f'{gap:.1f}' for gap in phase.gaps_s)} "
        f"| {'yes' if phase.all_went_on else 'no'} | {phase.seconds:.0f} |"
        for phase in phases
    ]
    dials = {name: value for name, value in DCS.items() if name != "postgresql"}
    return "\n".join(
        [
            "# A cluster whose servers are killed",
            "",
            f"- date: {today()}",
            "- command: make cluster-test",
            f"- machine: {find_machine()}; all three nodes and four writers on it",
            f"- load: {load:.1f} before (1-minute average); {seconds:.0f} s in all",
            "- versions: " + ", ".join(f"{name} {value}" for name, value in versions.items()),
            "- settings: " + ", ".join(f"{name} {str(value).lower()}" for name, value in dials.items()),
            "",
            "| killed with -9 | kills | notes acknowledged | lost | doubled | errors "
            "| longest silence, s | all writers went on | run, s |",
            "|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            *NOTES,
            "",
        ]
    )


def find_machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
