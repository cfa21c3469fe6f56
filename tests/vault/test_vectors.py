"""What was sealed by an earlier PhyAssist opens today, and what must fail fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phyassist.errors import CannotOpen, WrongPassphrase
from phyassist.vault.keyring import Keyring, PassphraseLock, login_id, login_key
from phyassist.vault.sealing import DataKey, Place
from phyassist.vault.secrets import Secret, parse_recovery_key

VECTORS = Path(__file__).parent.parent / "vectors"
SEALED = json.loads((VECTORS / "sealed.json").read_text(encoding="utf-8"))
KEYS = json.loads((VECTORS / "keys.json").read_text(encoding="utf-8"))


def place_of(parts: list[Any]) -> Place:
    return Place(str(parts[0]), str(parts[1]), str(parts[2]), int(parts[3]))


def key_of(case: dict[str, Any]) -> DataKey:
    return DataKey(Secret(bytes.fromhex(case["key"])), case["term"])


@pytest.mark.parametrize("case", SEALED["opens"], ids=lambda case: case["name"])
def test_a_value_sealed_long_ago_opens(case: dict[str, Any]) -> None:
    value = key_of(case).open_sealed(bytes.fromhex(case["sealed"]), place_of(case["place"]))

    assert value.hex() == case["value"]


@pytest.mark.parametrize("case", SEALED["fails"], ids=lambda case: case["name"])
def test_a_broken_or_moved_value_does_not_open(case: dict[str, Any]) -> None:
    with pytest.raises(CannotOpen, match="a sealed value does not open"):
        key_of(case).open_sealed(bytes.fromhex(case["sealed"]), place_of(case["place"]))


def test_keys_wrapped_long_ago_open() -> None:
    case = KEYS["keyring"]
    keyring, place = Keyring(Secret(bytes.fromhex(case["private"]))), place_of(case["place"])

    given = keyring.open_given(bytes.fromhex(case["given"]), place)
    kept = keyring.open_key(bytes.fromhex(case["kept"]), place)

    assert keyring.public.hex() == case["public"]
    assert given.raw().reveal().hex() == kept.raw().reveal().hex() == case["data_key"]
    assert given.term == kept.term == 3


@pytest.mark.parametrize("case", KEYS["keyring"]["given_fails"], ids=lambda case: case["name"])
def test_a_broken_wrapped_key_does_not_open(case: dict[str, Any]) -> None:
    keyring = Keyring(Secret(bytes.fromhex(KEYS["keyring"]["private"])))

    with pytest.raises(CannotOpen):
        keyring.open_given(bytes.fromhex(case["given"]), place_of(KEYS["keyring"]["place"]))


def test_a_wrapped_key_opens_for_nobody_else() -> None:
    case = KEYS["keyring"]
    other, place = Keyring(Secret(bytes.fromhex(case["other_private"]))), place_of(case["place"])

    with pytest.raises(CannotOpen):
        other.open_given(bytes.fromhex(case["given"]), place)
    with pytest.raises(CannotOpen):
        other.open_key(bytes.fromhex(case["kept"]), place)


@pytest.mark.parametrize("typed", [KEYS["recovery"]["typed"], *KEYS["recovery"]["also_typed"]])
def test_a_recovery_key_printed_long_ago_opens_however_it_is_typed(typed: str) -> None:
    assert Keyring.from_recovery_key(typed).public.hex() == KEYS["recovery"]["public"]


@pytest.mark.parametrize("typed", KEYS["recovery"]["fails"])
def test_a_slip_in_a_recovery_key_is_seen_before_it_is_tried(typed: str) -> None:
    with pytest.raises(WrongPassphrase, match="recovery key"):
        parse_recovery_key(typed)


def test_a_login_opened_long_ago_still_finds_and_opens_its_row() -> None:
    case, private = KEYS["login"], KEYS["keyring"]["private"]
    secret = Secret(bytes.fromhex(case["secret"]))

    place = Place("logins", login_id(secret), "private")
    keyring = Keyring.open_private(bytes.fromhex(case["private_sealed"]), login_key(secret), place)

    assert login_id(secret) == case["id"]
    assert keyring.public == Keyring(Secret(bytes.fromhex(private))).public


def test_a_passphrase_locked_long_ago_still_opens() -> None:
    case = KEYS["passphrase"]
    key = PassphraseLock.parse(case["lock"]).key(case["passphrase"])

    private = key.open_sealed(bytes.fromhex(case["private_sealed"]), place_of(case["place"]))

    assert private.hex() == case["private"]
