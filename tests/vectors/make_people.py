"""Freeze a practice of several people: `python -m tests.vectors.make_people tests/vectors/people-1`.

Like `make_vault`: run once a release, into a new folder that is never made again.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import tempfile
from pathlib import Path

from phyassist.domain.people import Role
from phyassist.services.accounts import propose_second_factor, set_second_factor
from phyassist.services.patients import new_patient
from phyassist.services.people import invite, join
from phyassist.services.practice import set_up
from phyassist.services.sharing import hand_over, renew_patient, share, take_up
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.second_factor import STEP_S, code_at, read_secret
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Argon2Cost
from tests.conftest import Clock, Ids

PASSPHRASES = {
    "安娜": "七只安静的鹭 at dawn",
    "Bo": "nine slow otters by the weir",
    "Cora": "three owls, one lamp",
}


def freeze(folder: Path) -> None:
    """Anna, Bo and Cora: an adopted share, one that waits, a hand-over that waits, a second factor."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        path, clock = Path(temporary) / "practice.db", Clock()
        cost = Argon2Cost(memory_kib=1024, passes=2, lanes=2)
        with open_store(f"sqlite:///{path}", clock=clock, new_id=Ids(), passphrase_cost=cost) as store:
            opens = fill(store, clock)
        compact = Path(temporary) / "compact.db"
        with sqlite3.connect(path) as database:
            database.execute("VACUUM INTO ?", [str(compact)])
        (folder / "practice.db.gz").write_bytes(gzip.compress(compact.read_bytes(), mtime=0))
    text = json.dumps(opens, ensure_ascii=False, indent=1)
    (folder / "opens.json").write_text(text + "\n", encoding="utf-8")


def fill(store: Store, clock: Clock) -> dict[str, object]:
    made = set_up(
        store, name="安娜", passphrase=PASSPHRASES["安娜"], language="zh", jurisdiction="cn", zone="UTC"
    )
    anna = made.signed_in
    bo, cora = let_in(store, anna, "Bo", Role.COUNSELLOR), let_in(store, anna, "Cora", Role.SUPERVISOR)
    waiting = invite(store, anna, name="Dov", role=Role.ADMINISTRATOR).code.reveal_text()
    first, second = new_patient(store, anna, name="孙某"), new_patient(store, anna, name="Lee")
    share(store, anna, patient_id=first.id, with_id=bo.id, may_write=True)
    take_up(store, bo)
    renew_patient(store, anna, patient_id=first.id)
    take_up(store, bo)
    share(store, anna, patient_id=first.id, with_id=cora.id, may_write=False)
    hand_over(store, anna, to_id=bo.id, patient_ids=(second.id,))
    secret = propose_second_factor(cora).secret
    code = code_at(read_secret(secret), int(clock.now.timestamp()) // STEP_S)
    set_second_factor(store, cora, secret=secret, code=code)
    return {
        "passphrases": PASSPHRASES,
        "recovery_key": made.recovery_key.reveal_text(),
        "invitation": waiting,
        "second_factor": secret,
        "patients": [first.id, second.id],
    }


def let_in(store: Store, by: SignedIn, name: str, role: Role) -> SignedIn:
    code = invite(store, by, name=name, role=role).code.reveal_text()
    return join(store, code=code, name=name, passphrase=PASSPHRASES[name], language="zh", zone="UTC")


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))
