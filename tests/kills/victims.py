"""What a process is killed at: each works without end and says what it was told is done.

A victim gets the folder of its trial, the place where it left off and a function that says a line.
"""

from __future__ import annotations

import gzip
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from phyassist.domain.drafts import Section
from phyassist.domain.people import PatientId
from phyassist.lm.protocol import Never
from phyassist.services.backups import back_up_to
from phyassist.services.drafting import start_draft
from phyassist.services.intake import organise, save_source, start_consultation
from phyassist.services.noting import save_note
from phyassist.services.practice import sign_in
from phyassist.services.reworking import add_item
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, PASSPHRASE

Say = Callable[[dict[str, Any]], None]
OLD_VAULT = Path(__file__).parents[1] / "vectors" / "vault-1" / "practice.db.gz"
TEXT = (
    "I have slept badly since the move. My father drinks. I stopped going to class and see nobody. "
    "我最近总是睡不着，考试没有考好，妈妈很失望。"
)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'practice.db'}"


def save(folder: Path, patient_id: PatientId, say: Say) -> None:
    """Drafts by hand, signed."""
    with open_store(url_of(folder), passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        say({"ready": True})
        for words in _words():
            say(write_note(store, by, patient_id, words))


def bring_in(folder: Path, patient_id: PatientId, say: Say) -> None:
    """Texts poured in and organised into the record."""
    with open_store(url_of(folder), passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        say({"ready": True})
        for words in _words():
            text = f"{words}. {TEXT}"
            consultation = start_consultation(store, by, patient_id=patient_id)
            save_source(store, by, consultation_id=consultation.id, text=text, after=0)
            say({"consultation": consultation.id, "text": text, "organised": False})
            list(organise(store, None, by, consultation_id=consultation.id, stop=Never()))
            say({"consultation": consultation.id, "text": text, "organised": True})


def migrate(folder: Path, _patient_id: PatientId, say: Say) -> None:
    """Practices of release 0.1, one after the other, brought to the present schema."""
    whole = gzip.decompress(OLD_VAULT.read_bytes())
    say({"ready": True})
    for number in itertools.count(len(find_migrated(folder))):
        path = folder / f"old-{number}.db"
        making = path.with_suffix(".making")
        making.write_bytes(whole)
        making.rename(path)
        open_store(f"sqlite:///{path}", passphrase_cost=FAST_COST).close()
        say({"migrated": path.name})


def find_migrated(folder: Path) -> list[Path]:
    """The practices themselves, without the copies that were made of them."""
    return sorted(path for path in folder.glob("old-*.db") if path.stem.removeprefix("old-").isdigit())


def back_up(folder: Path, patient_id: PatientId, say: Say) -> None:
    """Backups one after the other, old ones removed, while notes are saved."""
    with open_store(url_of(folder), passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        say({"ready": True})

        def write() -> None:
            for words in _words():
                say(write_note(store, by, patient_id, words))

        threading.Thread(target=write, daemon=True).start()
        while True:
            made = back_up_to(store, folder / "backups", keep=timedelta(days=30))
            say({"backup": made.backup.path.name, "rows": made.backup.rows})


ACTS: dict[str, Callable[[Path, PatientId, Say], None]] = {
    "saving": save,
    "importing": bring_in,
    "migrating": migrate,
    "backing up": back_up,
}


def write_note(store: Store, by: SignedIn, patient_id: PatientId, words: str) -> dict[str, Any]:
    consultation = start_consultation(store, by, patient_id=patient_id)
    draft = start_draft(store, by, consultation_id=consultation.id, question=words)
    draft = add_item(
        store, by, draft_id=draft.id, section=Section.REASON, text=words * 20, after=draft.version
    )
    note = save_note(store, by, draft_id=draft.id, after=draft.version)
    return {"note": note.id, "words": words * 20}


def _words() -> Iterator[str]:
    return (f"a long day {number} " for number in itertools.count())
