"""A practice that an earlier release left behind opens whole, by its passphrase and by its recovery key."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.domain.people import PatientId
from phyassist.services.patients import load_patient
from phyassist.services.practice import recover, sign_in
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST
from tests.store.making import make_amendment, make_draft, make_line, make_note

OLD_VAULTS = sorted((Path(__file__).parent.parent / "vectors").glob("vault-*"))


@pytest.mark.parametrize("folder", OLD_VAULTS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("way", ["passphrase", "recovery key"])
def test_a_practice_of_an_earlier_release_opens_whole(folder: Path, way: str, tmp_path: Path) -> None:
    opens = json.loads((folder / "opens.json").read_text(encoding="utf-8"))
    path = tmp_path / "practice.db"
    path.write_bytes(gzip.decompress((folder / "practice.db.gz").read_bytes()))

    with open_store(f"sqlite:///{path}", passphrase_cost=FAST_COST) as store:
        if way == "passphrase":
            by = sign_in(store, passphrase=opens["passphrase"])
        else:
            by = recover(store, recovery_key=opens["recovery_key"], new_passphrase="a new long passphrase")

        assert by.counsellor.name == "安娜"
        check_contents(store, by, opens["words"])
        with store.read(by) as tx:
            assert tx.audit.verify().first_broken is None


def check_contents(store: Store, by: SignedIn, words: str) -> None:
    file = load_patient(store, by, PatientId("p1"))
    assert (file.patient.name, file.patient.number) == ("孙某", "0231")
    assert (file.consultations[0].source.text, file.consultations[0].question) == (words, words)
    assert file.record.lines == (make_line(words),)
    assert file.open_draft is not None
    # That release had no library to cite, and did not count the orders that it hid from the model.
    made = make_draft(file.patient.id, text=words)
    items = tuple(replace(item, citation=None) for item in made.items)
    draft = replace(made, items=items, passages_used=(), orders_hidden=0)
    assert file.open_draft == replace(draft, version=2, started_at=file.open_draft.started_at)
    note = make_note(file.patient.id, text=words)
    note = replace(note, items=tuple(replace(item, citation=None) for item in note.items))
    assert file.notes == (replace(note, number=1, amendments=(make_amendment(words),)),)


def test_there_is_an_old_vault_to_open() -> None:
    assert OLD_VAULTS
