"""`make kill-test`: a process killed with -9 while it saves, imports, migrates and backs up.

    python -m tests.kills.run [--times 200] [--seed 1] [--write]

After each kill: what it had said was done is there, the store opens and is found sound, backups that have
their name are whole.  Each act works on one store from the first trial to the last.  Ends with 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# Loaded here, before a victim is forked: a kill shall hit the work and not the imports.
import alembic.command  # noqa: F401

from phyassist.domain.people import PatientId
from phyassist.domain.records import ConsultationId
from phyassist.services.backups import SUFFIX, restore_backup, verify_backup
from phyassist.services.patients import load_patient, new_patient
from phyassist.services.practice import set_up, sign_in
from phyassist.services.upkeep import check
from phyassist.store.opening import open_store
from tests.cluster.run import RESULTS, find_machine, tell, today
from tests.conftest import FAST_COST, PASSPHRASE
from tests.kills.victims import ACTS, find_migrated, url_of
from tests.vectors.make_vault import PASSPHRASE as OLD_PASSPHRASE
from tests.vectors.make_vault import WORDS as OLD_WORDS

# How long after a victim is at work the kill may come: about three of its acts.
WINDOW_S = {"saving": 0.6, "importing": 1.2, "migrating": 1.2, "backing up": 0.8}


@dataclass
class Tally:
    """What one act came to over all its kills."""

    act: str
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    unsound: int = 0
    half_backups: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.lost == self.unsound == self.half_backups == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=200, help="kills in all, shared by the four acts")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--write", action="store_true", help="write docs/results/kills.*")
    parser.add_argument("--report", type=Path, help="write the figures into this file too")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    chance, started = random.Random(seed), time.monotonic()
    tallies = [try_act(act, -(-options.times // len(ACTS)), chance) for act in ACTS]
    seconds = time.monotonic() - started
    page = render(tallies, seed, seconds)
    sys.stdout.write(page)
    body = {"date": today(), "seed": seed, "acts": [asdict(tally) for tally in tallies]}
    if options.report is not None:
        options.report.write_text(json.dumps(body), encoding="utf-8")
    if options.write:
        (RESULTS / "kills.md").write_text(page, encoding="utf-8")
        (RESULTS / "kills.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return 0 if all(tally.is_good for tally in tallies) else 1


def try_act(act: str, times: int, chance: random.Random) -> Tally:
    """One act, killed so many times, on one practice."""
    tally, folder = Tally(act), Path(tempfile.mkdtemp(prefix="phyassist-kills-"))
    try:
        patient_id = found_practice(folder)
        acknowledged: list[dict[str, Any]] = []
        for _ in range(times):
            acknowledged += kill_at(act, folder, patient_id, chance.uniform(0, WINDOW_S[act]))
            tally.kills += 1
            look(tally, folder, patient_id, acknowledged)
        tally.acknowledged = len(acknowledged)
    finally:
        shutil.rmtree(folder)
    tell(f"{act}: {tally.kills} kills, {tally.acknowledged} acknowledged, {tally.lost} lost")
    for said in tally.said[:5]:
        tell(f"  {said}")
    return tally


def found_practice(folder: Path) -> PatientId:
    with open_store(url_of(folder), passphrase_cost=FAST_COST) as store:
        by = set_up(
            store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC"
        ).signed_in
        return new_patient(store, by, name="Sun Mei").id


def kill_at(act: str, folder: Path, patient_id: PatientId, after_s: float) -> list[dict[str, Any]]:
    """What a victim had said before it was killed, `after_s` after it was at work."""
    reading, writing = os.pipe()
    victim = os.fork()
    if victim == 0:
        os.close(reading)

        def say(line: dict[str, Any]) -> None:
            os.write(writing, json.dumps(line).encode() + b"\n")

        try:
            ACTS[act](folder, patient_id, say)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as heard:
        first = heard.readline()
        time.sleep(after_s)
        os.kill(victim, signal.SIGKILL)
        rest = heard.read()
    _, status = os.waitpid(victim, 0)
    if not first or os.WTERMSIG(status) != signal.SIGKILL:
        raise RuntimeError(f"{act} ended by itself")
    return [json.loads(line) for line in rest.split(b"\n") if line]


def look(tally: Tally, folder: Path, patient_id: PatientId, acknowledged: list[dict[str, Any]]) -> None:
    """Compare what was said with what is there."""
    with open_store(url_of(folder), passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        file = load_patient(store, by, patient_id)
        notes = {note.id: note for note in file.notes}
        texts = {one.id: one.source for one in file.consultations}
        lines = {line.source_id for line in file.record.lines}
    for said in acknowledged:
        if "note" in said and (
            said["note"] not in notes or notes[said["note"]].items[0].text != said["words"].strip()
        ):
            tally.lost += 1
        if "consultation" in said:
            source = texts.get(ConsultationId(said["consultation"]))
            tally.lost += source is None or source.text != said["text"]
            tally.lost += source is not None and said["organised"] and source.organised_version is None
    # A text that was saved and not yet organised has no line in the record.
    is_organised = any(said.get("organised") for said in acknowledged)
    tally.lost += tally.act == "importing" and is_organised and not lines
    found = check(url_of(folder), by)
    if not found.is_sound:
        tally.unsound += 1
        tally.said += [f"{each.part} {each.table} {each.said}" for each in found.findings]
    if tally.act == "migrating":
        look_at_migrated(tally, folder)
    if tally.act == "backing up":
        look_at_backups(tally, folder, acknowledged)


def look_at_migrated(tally: Tally, folder: Path) -> None:
    """Every practice opens with all that was in it, also the one that was hit; then they go."""
    for path in find_migrated(folder):
        url = f"sqlite:///{path}"
        with open_store(url, passphrase_cost=FAST_COST) as store:
            by = sign_in(store, passphrase=OLD_PASSPHRASE)
            file = load_patient(store, by, PatientId("p1"))
        tally.lost += [note.question for note in file.notes] != [f"why {OLD_WORDS}"]
        tally.unsound += not check(url, by).is_sound
        for each in folder.glob(path.stem + ".*"):
            each.unlink()


def look_at_backups(tally: Tally, folder: Path, acknowledged: list[dict[str, Any]]) -> None:
    """Every file with a backup's name is whole, those that were spoken of are there, the newest restores."""
    there = sorted((folder / "backups").glob(f"*{SUFFIX}"))
    for path in there:
        tally.half_backups += not is_whole(lambda path=path: verify_backup(path))
    names = {path.name for path in there}
    tally.lost += sum("backup" in said and said["backup"] not in names for said in acknowledged)
    if there:
        target = folder / "restored.db"
        restores = is_whole(lambda: restore_backup(there[-1], f"sqlite:///{target}"))
        tally.half_backups += not restores
        tally.unsound += restores and not check(f"sqlite:///{target}", None).is_sound
        for each in folder.glob("restored.db*"):
            each.unlink()
    for path in there:
        path.unlink()
    acknowledged[:] = [said for said in acknowledged if "backup" not in said]


def is_whole(act: Callable[[], object]) -> bool:
    from phyassist.errors import PhyAssistError

    try:
        act()
    except PhyAssistError:
        return False
    return True


def render(tallies: list[Tally], seed: int, seconds: float) -> str:
    rows = [
        f"| {one.act} | {one.kills} | {one.acknowledged:,} | **{one.lost}** | {one.unsound} "
        f"| {one.half_backups if one.act == 'backing up' else '-'} |"
        for one in tallies
    ]
    return "\n".join(
        [
            "# Killed at random moments",
            "",
            f"- date: {today()}",
            f"- command: make kill-test (seed {seed})",
            f"- machine: {find_machine()}; SQLite; {seconds:.0f} s in all",
            "",
            "| killed with -9 while | kills | changes acknowledged | lost | store not sound | half backups |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "A process does one thing without end and is killed at a random moment; the next one goes on "
            "with the same store. After each kill the store is opened, every acknowledged change of all "
            "trials is looked for, and `phyassist store check` looks it through with the keys at hand. Half "
            "backups: "
            "files with a backup's name that do not verify or do not restore.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
