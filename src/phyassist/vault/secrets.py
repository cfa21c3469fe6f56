"""Secrets as objects: they do not print, pickle, copy or compare in variable time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from typing import NoReturn, final

from phyassist.errors import WrongPassphrase

# Crockford's alphabet leaves out I, L, O and U, which people misread.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_RECOVERY_BYTES = 20
_CHECK_SYMBOLS = 4
_GROUP_SYMBOLS = 4
_SYMBOLS = _RECOVERY_BYTES * 8 // 5 + _CHECK_SYMBOLS


@final
class Secret:
    """Bytes that stay out of logs, tracebacks, pickles and timing; `reveal` is the one way to them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        return self._value

    def reveal_text(self) -> str:
        """The same where it is text: a recovery key as typed, the value of a cookie."""
        return self._value.decode("ascii")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


def random_secret(size_bytes: int) -> Secret:
    """`size_bytes` bytes from the operating system's generator."""
    return Secret(secrets.token_bytes(size_bytes))


def plain_passphrase(passphrase: str) -> bytes:
    """The bytes that stand for a passphrase, the same whichever way an input method composed it."""
    return unicodedata.normalize("NFKC", passphrase).encode("utf-8")


def make_recovery_key() -> Secret:
    """A new recovery key in the form that is printed: nine groups of four, the last one a check.

    160 random bits; letters that look like figures are not used.
    """
    return Secret(write_recovery_key(random_secret(_RECOVERY_BYTES)).encode("ascii"))


def write_recovery_key(seed: Secret) -> str:
    """The printed form of a recovery key's 20 bytes."""
    symbols = _base32(seed.reveal()) + _check(seed.reveal())
    return "-".join(symbols[at : at + _GROUP_SYMBOLS] for at in range(0, len(symbols), _GROUP_SYMBOLS))


def parse_recovery_key(typed: str) -> Secret:
    """The 20 bytes behind a recovery key as a person typed it: spacing, case and look-alikes are forgiven.

    Raises WrongPassphrase when it cannot be a recovery key: a slip is caught before any key is tried.
    """
    plain = unicodedata.normalize("NFKC", typed).upper().translate(_MISREAD)
    symbols = "".join(sign for sign in plain if sign.isalnum())
    if len(symbols) != _SYMBOLS or any(sign not in _ALPHABET for sign in symbols):
        raise WrongPassphrase(
            f"a recovery key has {_SYMBOLS} letters and figures in nine groups of four",
            hint="type it again from the printed sheet",
        )
    body, check = symbols[:-_CHECK_SYMBOLS], symbols[-_CHECK_SYMBOLS:]
    number = 0
    for sign in body:
        number = number * 32 + _ALPHABET.index(sign)
    seed = number.to_bytes(_RECOVERY_BYTES, "big")
    if not hmac.compare_digest(_check(seed), check):
        raise WrongPassphrase(
            "the recovery key has a slip in it: its last group does not fit the others",
            hint="compare it group by group with the printed sheet",
        )
    return Secret(seed)


def _base32(value: bytes) -> str:
    number = int.from_bytes(value, "big")
    count = len(value) * 8 // 5
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(count)))


def _check(seed: bytes) -> str:
    digest = hashlib.sha256(b"phyassist/recovery-check/1" + seed).digest()
    return _base32(digest[:5])[:_CHECK_SYMBOLS]
