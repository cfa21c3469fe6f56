from __future__ import annotations

import pytest

from phyassist.errors import CodeNeeded, TooManyTries, WrongPassphrase
from phyassist.services.accounts import (
    end_second_factor,
    load_account,
    propose_second_factor,
    see_recovery,
    set_second_factor,
)
from phyassist.services.practice import recover, sign_in
from phyassist.store.audit import Act
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.second_factor import STEP_S, code_at, read_secret
from phyassist.store.transactions import Store
from phyassist.vault.secrets import Secret
from tests.conftest import PASSPHRASE, Clock

# RFC 6238, appendix B, SHA-1, the last six of its eight figures; RFC 4226, appendix D, has the same secret.
RFC_SECRET = Secret(b"12345678901234567890")
RFC_CODES = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


@pytest.mark.parametrize("second", RFC_CODES)
def test_codes_are_those_of_the_rfc(second: int) -> None:
    assert code_at(RFC_SECRET, second // STEP_S) == RFC_CODES[second]


@pytest.fixture
def secret(store: Store, anna: SignedIn, clock: Clock) -> str:
    """Anna with a second factor; a step has passed since she set it up."""
    proposed = propose_second_factor(anna)
    set_second_factor(store, anna, secret=proposed.secret, code=now_code(proposed.secret, clock))
    clock.move(seconds=STEP_S)
    return proposed.secret


def now_code(secret: str, clock: Clock, *, steps: int = 0) -> str:
    return code_at(read_secret(secret), int(clock.now.timestamp()) // STEP_S + steps)


def test_signing_in_takes_the_passphrase_and_a_code(store: Store, secret: str, clock: Clock) -> None:
    with pytest.raises(CodeNeeded):
        sign_in(store, passphrase=PASSPHRASE)
    with pytest.raises(CodeNeeded):
        sign_in(store, passphrase=PASSPHRASE, code="000000")
    with pytest.raises(WrongPassphrase):
        sign_in(store, passphrase="not the passphrase", code=now_code(secret, clock))

    code = now_code(secret, clock)
    assert sign_in(store, passphrase=PASSPHRASE, code=f" {code[:3]} {code[3:]} ")


def test_a_code_is_good_once(store: Store, secret: str, clock: Clock) -> None:
    code = now_code(secret, clock)
    sign_in(store, passphrase=PASSPHRASE, code=code)

    with pytest.raises(CodeNeeded):
        sign_in(store, passphrase=PASSPHRASE, code=code)
    with pytest.raises(CodeNeeded):
        sign_in(store, passphrase=PASSPHRASE, code=now_code(secret, clock, steps=-1))
    clock.move(seconds=STEP_S)
    assert sign_in(store, passphrase=PASSPHRASE, code=now_code(secret, clock))


def test_a_clock_that_is_a_step_off_is_forgiven_and_not_more(store: Store, secret: str, clock: Clock) -> None:
    with pytest.raises(CodeNeeded):
        sign_in(store, passphrase=PASSPHRASE, code=now_code(secret, clock, steps=2))

    assert sign_in(store, passphrase=PASSPHRASE, code=now_code(secret, clock, steps=1))


def test_guessing_codes_is_slowed_like_guessing_passphrases(store: Store, secret: str, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(CodeNeeded):
            sign_in(store, passphrase=PASSPHRASE, code="000000")

    with pytest.raises(TooManyTries):
        sign_in(store, passphrase=PASSPHRASE, code=now_code(secret, clock))
    with store.entrance() as entrance:
        assert entrance.audit().list()[0].act is Act.SIGN_IN_FAILED


def test_it_is_set_only_when_a_code_proves_that_the_app_has_it(
    store: Store, anna: SignedIn, clock: Clock
) -> None:
    proposed = propose_second_factor(anna)

    assert f"secret={proposed.secret}" in proposed.address
    assert proposed.secret not in repr(proposed)
    with pytest.raises(CodeNeeded):
        set_second_factor(store, anna, secret=proposed.secret, code="000000")
    with pytest.raises(CodeNeeded):
        set_second_factor(store, anna, secret="not base 32", code=now_code(proposed.secret, clock))
    assert not load_account(store, anna).has_second_factor
    assert sign_in(store, passphrase=PASSPHRASE)


def test_it_is_ended_with_the_passphrase(store: Store, anna: SignedIn, secret: str) -> None:
    with pytest.raises(WrongPassphrase):
        end_second_factor(store, anna, passphrase="not the passphrase")
    assert load_account(store, anna).has_second_factor

    end_second_factor(store, anna, passphrase=PASSPHRASE)

    assert sign_in(store, passphrase=PASSPHRASE)


def test_without_the_app_the_recovery_key_lets_in_and_that_is_told(
    store: Store, practice: SetUp, secret: str, clock: Clock
) -> None:
    key = practice.recovery_key.reveal_text()

    recover(store, recovery_key=key, new_passphrase="another long passphrase")

    by = sign_in(store, passphrase="another long passphrase")
    account = load_account(store, by)
    assert not account.has_second_factor
    assert account.recoveries == (clock.now,)
    assert account.unseen_recovery == clock.now
    see_recovery(store, by)
    assert load_account(store, by).unseen_recovery is None
    assert load_account(store, by).recoveries == (clock.now,)
