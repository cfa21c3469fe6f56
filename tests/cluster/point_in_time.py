"""`make recovery-test`: a PostgreSQL store brought back to the moment before a patient was deleted.

    python -m tests.cluster.point_in_time [--write]

What docs/cluster.md tells an administrator to do is done here for real: the log is archived, a base backup is
taken while notes are saved, a patient is deleted, and a second server is recovered to a moment before that.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist.domain.drafts import Section
from phyassist.services.drafting import start_draft
from phyassist.services.erasing import erase_patient
from phyassist.services.intake import start_consultation
from phyassist.services.noting import save_note
from phyassist.services.patients import new_patient
from phyassist.services.practice import set_up, sign_in
from phyassist.services.reworking import add_item
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.cluster.nodes import Missing, find_postgresql, other_user, wait_for
from tests.cluster.run import RESULTS, find_machine, tell, today
from tests.conftest import FAST_COST, PASSPHRASE

NOTES = 20
# The very command of deploy/database/patroni.yaml, with another folder.
ARCHIVE = re.compile(r"^ +archive_command: '(.+)'$", re.MULTILINE)
PATRONI = Path(__file__).parents[2] / "deploy" / "database" / "patroni.yaml"
OPTIONS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
wal_level = replica
archive_mode = on
archive_command = '{command}'
archive_timeout = 60
shared_buffers = 32MB
"""


@dataclass(frozen=True)
class Outcome:
    """What came out, in figures."""

    notes_before_the_backup: int
    notes_after_the_backup: int
    notes_after_the_moment: int
    patients_recovered: int
    notes_recovered: int
    audit_is_whole: bool
    base_backup_s: float
    recovery_s: float


class Server:
    """A PostgreSQL server in a folder, reached through a socket there."""

    def __init__(self, folder: Path, programs: Path, archive: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._programs, self._archive = programs, archive
        folder.mkdir()
        give_away(folder)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def make(self) -> None:
        self.call("initdb", "-D", str(self.data), "-U", "postgres", "-E", "UTF8", "--locale=C", "-k")
        found = ARCHIVE.search(PATRONI.read_text(encoding="utf-8"))
        assert found is not None
        command = found[1].replace("/archive", str(self._archive))
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(OPTIONS.format(folder=self.folder, command=command))

    def start(self) -> None:
        self.call("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-t", "60", "start")

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.call("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def call(self, program: str, *arguments: str) -> None:
        user: dict[str, Any] = other_user()
        if user:
            user["extra_groups"] = []
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            **user,
        )

    def ask(self, statement: str) -> Any:
        import psycopg

        with psycopg.connect(f"host={self.folder} user=postgres", autocommit=True) as conn:
            row = conn.execute(statement.encode()).fetchone()
            return None if row is None else row[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write docs/results/recovery.*")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="phyassist-pitr-"))
    folder.chmod(0o755)
    try:
        programs = find_postgresql()
        outcome, version = recover(folder, programs)
    except Missing as error:
        tell(str(error))
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    page = render(outcome, version)
    sys.stdout.write(page)
    if options.write:
        (RESULTS / "recovery.md").write_text(page, encoding="utf-8")
        body = {"date": today(), "postgresql": version, **asdict(outcome)}
        (RESULTS / "recovery.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    wanted = outcome.notes_before_the_backup + outcome.notes_after_the_backup
    good = outcome.notes_recovered == wanted and outcome.patients_recovered == 2 and outcome.audit_is_whole
    return 0 if good else 1


def recover(folder: Path, programs: Path) -> tuple[Outcome, str]:
    archive = folder / "archive"
    archive.mkdir()
    give_away(archive)
    server, second = Server(folder / "a", programs, archive), Server(folder / "b", programs, archive)
    server.make()
    server.start()
    try:
        with open_store(server.url, passphrase_cost=FAST_COST) as store:
            by = set_up(
                store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
            ).signed_in
            patient = new_patient(store, by, name="Sun Mei")
            other = new_patient(store, by, name="Li Na")
            write_notes(store, by, patient.id)
            started = time.monotonic()
            server.call(
                "pg_basebackup",
                "-h",
                str(server.folder),
                "-U",
                "postgres",
                "-c",
                "fast",
                "-D",
                str(second.data),
            )
            backup_s = time.monotonic() - started
            write_notes(store, by, patient.id)
            moment = datetime.now(UTC)
            # The target is a moment between two commits; a second keeps them apart.
            time.sleep(1)
            write_notes(store, by, other.id)
            erase_patient(store, by, patient_id=patient.id, typed=patient.name)
        last = server.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for((archive / str(last)).exists, "the log to be archived", 30)
        version = str(server.ask("SHOW server_version"))
    finally:
        server.stop()
    try:
        started = time.monotonic()
        go_back(second, archive, moment)
        recovery_s = time.monotonic() - started
        with open_store(second.url, passphrase_cost=FAST_COST) as store:
            by = sign_in(store, passphrase=PASSPHRASE)
            with store.read(by) as tx:
                patients = tx.patients.list()
                notes = tx.notes.list_of([each.id for each in patients])
                whole = tx.audit.verify().first_broken is None
    finally:
        second.stop()
    outcome = Outcome(
        NOTES, NOTES, NOTES, len(patients), len(notes), whole, round(backup_s, 1), round(recovery_s, 1)
    )
    return outcome, version


def go_back(server: Server, archive: Path, moment: datetime) -> None:
    """Recover a base backup up to a moment, and open it for writing there."""
    with (server.data / "postgresql.auto.conf").open("a") as config:
        config.write(f'restore_command = \'cp "{archive}/%f" "%p"\'\n')
        config.write(f"recovery_target_time = '{moment.isoformat()}'\n")
        config.write("recovery_target_action = promote\n")
        # What is written from here on belongs to another history and must not mix with the archive's.
        config.write("archive_mode = off\n")
        config.write(f"unix_socket_directories = '{server.folder}'\n")
    (server.data / "recovery.signal").touch()
    give_away(server.data / "recovery.signal")
    server.start()
    wait_for(lambda: server.ask("SELECT pg_is_in_recovery()") is False, "the recovery", 60)


def write_notes(store: Store, by: SignedIn, patient_id: Any) -> None:
    for number in range(NOTES):
        consultation = start_consultation(store, by, patient_id=patient_id)
        draft = start_draft(store, by, consultation_id=consultation.id, question="why?")
        draft = add_item(
            store, by, draft_id=draft.id, section=Section.REASON, text=f"{number}", after=draft.version
        )
        save_note(store, by, draft_id=draft.id, after=draft.version)


def give_away(path: Path) -> None:
    if owner := other_user():
        os.chown(path, owner["user"], owner["group"])


def render(outcome: Outcome, version: str) -> str:
    kept = outcome.notes_before_the_backup + outcome.notes_after_the_backup
    return "\n".join(
        [
            "# Back to a moment",
            "",
            f"- date: {today()}",
            "- command: make recovery-test",
            f"- machine: {find_machine()}",
            f"- versions: PostgreSQL {version}",
            "",
            "| | notes |",
            "|---|---|",
            f"| saved before the base backup | {outcome.notes_before_the_backup} |",
            f"| saved after it, before the moment | {outcome.notes_after_the_backup} |",
            f"| saved after the moment, then their neighbour's patient deleted "
            f"| {outcome.notes_after_the_moment} |",
            f"| **there after recovery to the moment** (wanted: {kept}) | **{outcome.notes_recovered}** |",
            "",
            f"Patients there: {outcome.patients_recovered} of 2, the deleted one among them; every note "
            "opened with the passphrase; the audit's chain is "
            f"{'whole' if outcome.audit_is_whole else 'broken'}. The base backup took "
            f"{outcome.base_backup_s} s, the recovery {outcome.recovery_s} s.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
