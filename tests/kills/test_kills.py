"""A process that is killed loses nothing that it had said was done; `make kill-test` does it 200 times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT
from tests.kills.run import Tally, found_practice, look, look_at_backups


def test_nothing_that_was_acknowledged_is_lost_by_a_kill_at_any_act(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.kills.run", "--times", "8", "--report", str(report)]

    # A process of its own: victims are forked, and a fork takes no other thread along.
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    acts = json.loads(report.read_text())["acts"]
    assert [act["kills"] for act in acts] == [2, 2, 2, 2]
    assert sum(act["lost"] + act["unsound"] + act["half_backups"] for act in acts) == 0


def test_a_loss_would_be_seen(tmp_path: Path) -> None:
    patient_id = found_practice(tmp_path)
    tally = Tally("saving")

    look(tally, tmp_path, patient_id, [{"note": "a note that nobody saved", "words": "x"}])
    look(tally, tmp_path, patient_id, [{"consultation": "never", "text": "x", "organised": False}])

    assert (tally.lost, tally.unsound) == (2, 0)
    assert not tally.is_good


def test_a_backup_that_looks_whole_and_is_not_would_be_seen(tmp_path: Path) -> None:
    found_practice(tmp_path)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "practice-cut.phyassist").write_bytes(b"PhyAssist backup 1\nH")
    tally = Tally("backing up")

    look_at_backups(tally, tmp_path, [{"backup": "gone.phyassist", "rows": 3}])

    assert tally.lost == 1
    assert tally.half_backups >= 1
