from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from phyassist.domain.people import Patient
from phyassist.services.drafting import start_draft
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.drafts import make_consultation

ROOT = Path(__file__).parents[2]


def test_a_killed_server_loses_nothing_that_was_on_the_screen_for_a_second(
    store: Store, store_path: Path, anna: SignedIn, patient: Patient
):
    draft = start_draft(store, anna, consultation_id=make_consultation(store, anna, patient).id)
    command = [sys.executable, "-m", "tests.services.slow_writer", str(store_path), draft.id]
    shown: list[tuple[float, str]] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            shown.append((time.monotonic(), line.rstrip("\n")))
            if shown[-1][0] - shown[0][0] > 1.6:
                break
        killed_at = time.monotonic()

        writer.kill()

    with store.read(anna) as tx:
        kept = tx.drafts.get(draft.id)
    seen = "".join(words for at, words in shown if at < killed_at - 1)
    assert len(seen) > 8
    assert ("".join(item.text for item in kept.items) + kept.partial).startswith(seen)
