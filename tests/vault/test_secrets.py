from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phyassist.errors import WrongPassphrase
from phyassist.vault.keyring import Keyring
from phyassist.vault.sealing import DataKey
from phyassist.vault.secrets import (
    Secret,
    make_recovery_key,
    parse_recovery_key,
    plain_passphrase,
    random_secret,
    write_recovery_key,
)


@pytest.mark.parametrize("held", [Secret(b"heron"), DataKey.make(), Keyring.make()])
def test_a_secret_is_neither_shown_nor_pickled_nor_copied(held: object) -> None:
    shown = f"{held} {held!r} {[held]}"

    assert "heron" not in shown
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            take(held)  # type: ignore[operator]


def test_secrets_are_equal_by_content_and_cannot_be_hashed() -> None:
    one, same, other = Secret(b"heron"), Secret(b"heron"), Secret(b"stork")

    assert one == same
    assert one != other
    assert one != b"heron"
    with pytest.raises(TypeError):
        hash(one)


@given(st.binary(min_size=20, max_size=20))
def test_every_recovery_key_comes_back_as_it_was_printed(seed: bytes) -> None:
    printed = write_recovery_key(Secret(seed))

    assert parse_recovery_key(printed) == Secret(seed)
    assert len(printed.split("-")) == 9


@given(
    st.binary(min_size=20, max_size=20),
    st.integers(0, 35),
    st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
)
def test_one_wrong_sign_in_a_recovery_key_is_seen(seed: bytes, at: int, sign: str) -> None:
    symbols = write_recovery_key(Secret(seed)).replace("-", "")
    mistyped = symbols[:at] + sign + symbols[at + 1 :]

    if mistyped == symbols:
        return

    # A check of twenty bits lets one slip in a million pass here; it then fits no practice's public key.
    try:
        assert parse_recovery_key(mistyped) != Secret(seed)
    except WrongPassphrase as error:
        assert mistyped not in str(error)


def test_recovery_keys_and_secrets_do_not_repeat() -> None:
    assert make_recovery_key() != make_recovery_key()
    assert random_secret(32) != random_secret(32)


def test_a_passphrase_is_the_same_however_it_was_composed() -> None:
    assert plain_passphrase("cafe\u0301 ＡＢ") == plain_passphrase("caf\u00e9 AB")
