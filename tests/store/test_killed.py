"""A process that is killed in the middle of writing loses nothing that it had been told was saved."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phyassist.domain.people import PatientId
from phyassist.services.patients import load_patient
from phyassist.services.practice import sign_in
from phyassist.store.opening import open_store
from tests.conftest import FAST_COST, PASSPHRASE

WRITER = """
import sys
from phyassist.domain.drafts import Change
from phyassist.domain.people import Patient
from phyassist.services.practice import is_set_up, set_up, sign_in
from phyassist.store.opening import open_store
from tests.conftest import FAST_COST, PASSPHRASE
from tests.store.making import make_consultation, make_draft, make_note

store = open_store(sys.argv[1], passphrase_cost=FAST_COST)
if not is_set_up(store):
    set_up(store, name="Anna", passphrase=PASSPHRASE, language="en", jurisdiction="other", zone="UTC")
by, first = sign_in(store, passphrase=PASSPHRASE), int(sys.argv[2])
with store.write(by) as tx:
    tx.patients.add(Patient("p1", "Lee"))
    tx.consultations.add(make_consultation("p1"))
    tx.drafts.add(make_draft("p1"), Change.STARTED)
for number in range(first, first + 100_000):
    with store.write(by) as tx:
        tx.notes.add(make_note("p1", text="a long day " * 100, number=number))
        tx.drafts.save_partial(make_draft("p1").id, f"partial {number}")
    print(number, flush=True)
"""


@pytest.mark.parametrize("after_s", [0.05, 0.17, 0.31])
def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path, after_s: float) -> None:
    path, acknowledged = tmp_path / "practice.db", []

    for first in (0, 100_000):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, f"sqlite:///{path}", str(first)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert writer.stdout is not None
        acknowledged.append(int(writer.stdout.readline()))
        time.sleep(after_s)
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()

    with open_store(f"sqlite:///{path}", passphrase_cost=FAST_COST) as store:
        file = load_patient(store, sign_in(store, passphrase=PASSPHRASE), PatientId("p1"))
    stored = {note.id for note in file.notes}
    assert {f"note{number}" for number in acknowledged} <= stored
    assert len(stored) <= len(acknowledged) + 2
    assert sorted(note.number for note in file.notes) == list(range(1, len(stored) + 1))
    assert file.open_draft is not None
    assert int(file.open_draft.partial.split()[1]) >= acknowledged[-1]
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
