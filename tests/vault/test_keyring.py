from __future__ import annotations

import pytest

from phyassist.errors import CannotOpen, Locked
from phyassist.vault.keyring import (
    DEFAULT_COST,
    Argon2Cost,
    Keyring,
    PassphraseLock,
    give_key,
    login_id,
    login_key,
    make_login_secret,
)
from phyassist.vault.sealing import DataKey, Place
from phyassist.vault.secrets import Secret

FAST = Argon2Cost(memory_kib=64, passes=1, lanes=1)
PLACE = Place("key_wraps", "k/c", "wrapped", 1)


def test_a_key_given_to_someone_opens_for_them_alone() -> None:
    anna, bo, key = Keyring.make(), Keyring.make(), DataKey.make()

    given = give_key(key, bo.public, PLACE)

    assert bo.open_given(given, PLACE).raw() == key.raw()
    with pytest.raises(CannotOpen):
        anna.open_given(given, PLACE)


def test_a_given_key_opens_in_its_place_alone() -> None:
    anna = Keyring.make()
    given = give_key(DataKey.make(), anna.public, PLACE)

    with pytest.raises(CannotOpen):
        anna.open_given(given, Place("key_wraps", "other/c", "wrapped", 1))
    with pytest.raises(CannotOpen):
        anna.open_given(given, Place("key_wraps", "k/c", "wrapped", 2))


def test_a_key_that_anyone_could_have_made_is_not_taken_for_ones_own() -> None:
    anna = Keyring.make()
    planted = give_key(DataKey.make(), anna.public, PLACE)

    with pytest.raises(CannotOpen):
        anna.open_key(planted, PLACE)


def test_a_kept_key_opens_again_and_keeps_its_term() -> None:
    anna, key = Keyring.make(), DataKey.make(term=4)
    place = Place("key_wraps", "k/c", "wrapped", 4)

    kept = anna.keep_key(key, place)

    assert anna.open_key(kept, place).raw() == key.raw()
    assert anna.open_key(kept, place).term == 4
    assert anna.open_key(kept, place) is anna.open_key(kept, place)


def test_a_forgotten_keyring_is_locked() -> None:
    anna, key = Keyring.make(), DataKey.make()
    kept, given = anna.keep_key(key, PLACE), give_key(key, anna.public, PLACE)

    anna.forget()

    with pytest.raises(Locked):
        anna.open_key(kept, PLACE)
    with pytest.raises(Locked):
        anna.open_given(given, PLACE)
    with pytest.raises(Locked):
        anna.seal_private(key, PLACE)


def test_bytes_that_are_no_private_key_make_no_keyring() -> None:
    with pytest.raises(CannotOpen, match="wrong length"):
        Keyring(Secret(b"short"))


def test_a_key_is_not_given_to_a_broken_public_key() -> None:
    with pytest.raises(CannotOpen, match="public key"):
        give_key(DataKey.make(), b"short", PLACE)


def test_a_passphrase_opens_what_it_locked_and_another_does_not() -> None:
    anna, lock = Keyring.make(), PassphraseLock.make(FAST)
    place = Place("counsellors", "c", "private")

    sealed = anna.seal_private(lock.key("seven quiet herons"), place)
    again = PassphraseLock.parse(lock.to_text())

    assert Keyring.open_private(sealed, again.key("seven quiet herons"), place).public == anna.public
    with pytest.raises(CannotOpen):
        Keyring.open_private(sealed, again.key("seven quiet heron"), place)


def test_the_default_cost_is_the_decided_one_and_cheaper_ones_are_below_it() -> None:
    assert Argon2Cost(65_536, 3, 4) == DEFAULT_COST
    assert FAST.below(DEFAULT_COST)
    assert not DEFAULT_COST.below(DEFAULT_COST)
    assert not DEFAULT_COST.below(FAST)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "argon2id",
        "argon2i$19$65536$3$4$" + "00" * 16,
        "argon2id$16$65536$3$4$" + "00" * 16,
        "argon2id$19$999999999$3$4$" + "00" * 16,
        "argon2id$19$65536$9999$4$" + "00" * 16,
        "argon2id$19$65536$3$4$" + "00" * 4,
        "argon2id$19$65536$3$4$zz",
        "argon2id$19$many$3$4$" + "00" * 16,
    ],
)
def test_parameters_that_were_tampered_with_are_refused(text: str) -> None:
    with pytest.raises(CannotOpen, match="parameters"):
        PassphraseLock.parse(text)


def test_a_login_is_found_and_opened_by_its_secret_alone() -> None:
    anna, secret = Keyring.make(), make_login_secret()
    place = Place("logins", login_id(secret), "private")

    sealed = anna.seal_private(login_key(secret), place)

    assert Keyring.open_private(sealed, login_key(secret), place).public == anna.public
    assert login_id(secret) != login_id(make_login_secret())
    with pytest.raises(CannotOpen):
        Keyring.open_private(sealed, login_key(make_login_secret()), place)
