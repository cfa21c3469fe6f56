"""A practice of several people that an earlier release left behind opens for each of them as it did."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phyassist.domain.people import PatientId, Role
from phyassist.errors import CodeNeeded, NotYourPatient, ReadOnly
from phyassist.services.patients import edit_patient, load_patient
from phyassist.services.people import join
from phyassist.services.practice import recover, sign_in
from phyassist.services.sharing import load_sharing, take_up
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.second_factor import STEP_S, code_at, read_secret
from phyassist.store.transactions import Store
from tests.conftest import FAST_COST, Clock

FOLDERS = sorted((Path(__file__).parent.parent / "vectors").glob("people-*"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def opens(request: pytest.FixtureRequest) -> dict[str, Any]:
    folder: Path = request.param
    known = json.loads((folder / "opens.json").read_text(encoding="utf-8"))
    return {**known, "folder": folder}


@pytest.fixture
def old(opens: dict[str, Any], tmp_path: Path, clock: Clock) -> Iterator[Store]:
    path = tmp_path / "practice.db"
    path.write_bytes(gzip.decompress((opens["folder"] / "practice.db.gz").read_bytes()))
    clock.move(minutes=10)
    with open_store(f"sqlite:///{path}", clock=clock, passphrase_cost=FAST_COST) as store:
        yield store


def enter(store: Store, opens: dict[str, Any], name: str, clock: Clock) -> SignedIn:
    code = ""
    if name == "Cora":
        code = code_at(read_secret(opens["second_factor"]), int(clock.now.timestamp()) // STEP_S)
    by = sign_in(store, passphrase=opens["passphrases"][name], name=name, code=code)
    take_up(store, by)
    return by


def test_everyone_opens_what_was_shared_and_handed_over(
    old: Store, opens: dict[str, Any], clock: Clock
) -> None:
    first, second = (PatientId(each) for each in opens["patients"])
    with pytest.raises(CodeNeeded):
        sign_in(old, passphrase=opens["passphrases"]["Cora"], name="Cora")
    anna, bo, cora = (enter(old, opens, name, clock) for name in ("安娜", "Bo", "Cora"))

    for who in (anna, bo, cora):
        assert load_patient(old, who, first).patient.name == "孙某"
    with pytest.raises(ReadOnly):
        edit_patient(old, cora, patient_id=first, name="x", number="", language="zh")
    assert load_patient(old, bo, second).patient.name == "Lee"
    assert load_sharing(old, bo, second).mine
    for who in (anna, cora):
        with pytest.raises(NotYourPatient):
            load_patient(old, who, second)


def test_an_open_invitation_still_lets_in(old: Store, opens: dict[str, Any]) -> None:
    dov = join(
        old,
        code=opens["invitation"],
        name="Dov",
        passphrase="four geese, no hurry",
        language="en",
        zone="UTC",
    )

    assert (dov.role, dov.runs_practice) == (Role.ADMINISTRATOR, True)


def test_the_recovery_key_opens_what_somebody_was_given(old: Store, opens: dict[str, Any]) -> None:
    by = recover(old, recovery_key=opens["recovery_key"], new_passphrase="four geese, no hurry", name="Cora")

    assert load_patient(old, by, PatientId(opens["patients"][0])).patient.name == "孙某"


def test_there_is_an_old_practice_of_several_people() -> None:
    assert FOLDERS
