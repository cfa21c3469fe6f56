"""Freeze a whole practice as it stands today: `python -m tests.vectors.make_vault tests/vectors/vault-1`.

Run once a release, into a new folder.  A folder that was released is never made again: `tests/vault/
test_old_vaults.py` opens each one for ever.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from phyassist.domain.drafts import Change
from phyassist.domain.people import Patient, PatientId
from phyassist.services.practice import set_up
from phyassist.store.opening import open_store
from phyassist.vault.keyring import Argon2Cost
from tests.conftest import Clock, Ids
from tests.store.making import make_amendment, make_consultation, make_draft, make_line, make_note

PASSPHRASE = "七只安静的鹭 at dawn"
WORDS = "夜里睡不着, and up at five"


def freeze(folder: Path) -> None:
    """A practice with one patient, a text, a record, a draft, a note and an amendment; and what opens it."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "practice.db"
        cost = Argon2Cost(memory_kib=1024, passes=2, lanes=2)
        with open_store(f"sqlite:///{path}", clock=Clock(), new_id=Ids(), passphrase_cost=cost) as store:
            made = set_up(
                store,
                name="安娜",
                passphrase=PASSPHRASE,
                language="zh",
                jurisdiction="cn",
                zone="Asia/Shanghai",
            )
            patient = Patient(PatientId("p1"), "孙某", "0231", "zh")
            draft = make_draft(patient.id, text=WORDS)
            with store.write(made.signed_in) as tx:
                tx.patients.add(patient)
                tx.consultations.add(make_consultation(patient.id, text=WORDS))
                tx.consultations.save_question(make_consultation(patient.id).id, WORDS, after=0)
                tx.records.save(patient.id, (make_line(WORDS),), after=0)
                tx.drafts.add(replace(draft, items=()), Change.STARTED)
                tx.drafts.save(draft, Change.WROTE, after=1)
                tx.notes.add(make_note(patient.id, text=WORDS))
                tx.notes.amend(make_note(patient.id).id, make_amendment(WORDS))
        compact = Path(temporary) / "compact.db"
        with sqlite3.connect(path) as database:
            database.execute("VACUUM INTO ?", [str(compact)])
        (folder / "practice.db.gz").write_bytes(gzip.compress(compact.read_bytes(), mtime=0))
    opens = {"passphrase": PASSPHRASE, "recovery_key": made.recovery_key.reveal_text(), "words": WORDS}
    (folder / "opens.json").write_text(
        json.dumps(opens, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))
