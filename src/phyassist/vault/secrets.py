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
_RECOVERY_CHECK = b"phyassist/recovery-check/1"
_INVITATION_BYTES = 10
_INVITATION_CHECK = b"phyassist/invitation-check/1"
_CHECK_SYMBOLS = 4
_GROUP_SYMBOLS = 4


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
    return _write(seed.reveal(), _RECOVERY_CHECK)


def parse_recovery_key(typed: str) -> Secret:
    """The 20 bytes behind a recovery key as a person typed it: spacing, case and look-alikes are forgiven.

    Raises WrongPassphrase when it cannot be a recovery key: a slip is caught before any key is tried.
    """
    return _parse(typed, _RECOVERY_BYTES, _RECOVERY_CHECK, "recovery key", "printed sheet")


def make_invitation_code() -> Secret:
    """A new one-time code in the form that is handed over: five groups of four, 80 random bits."""
    return Secret(_write(random_secret(_INVITATION_BYTES).reveal(), _INVITATION_CHECK).encode("ascii"))


def parse_invitation_code(typed: str) -> Secret:
    """The 10 bytes behind a one-time code as a person typed it.  Raises WrongPassphrase as above."""
    return _parse(typed, _INVITATION_BYTES, _INVITATION_CHECK, "one-time code", "code you were given")


def _write(seed: bytes, check_name: bytes) -> str:
    symbols = _base32(seed) + _check(seed, check_name)
    return "-".join(symbols[at : at + _GROUP_SYMBOLS] for at in range(0, len(symbols), _GROUP_SYMBOLS))


def _parse(typed: str, size_bytes: int, check_name: bytes, what: str, paper: str) -> Secret:
    count = size_bytes * 8 // 5 + _CHECK_SYMBOLS
    plain = unicodedata.normalize("NFKC", typed).upper().translate(_MISREAD)
    symbols = "".join(sign for sign in plain if sign.isalnum())
    if len(symbols) != count or any(sign not in _ALPHABET for sign in symbols):
        raise WrongPassphrase(
            f"a {what} has {count} letters and figures in groups of four",
            hint=f"type it again from the {paper}",
        )
    body, check = symbols[:-_CHECK_SYMBOLS], symbols[-_CHECK_SYMBOLS:]
    number = 0
    for sign in body:
        number = number * 32 + _ALPHABET.index(sign)
    seed = number.to_bytes(size_bytes, "big")
    if not hmac.compare_digest(_check(seed, check_name), check):
        raise WrongPassphrase(
            f"the {what} has a slip in it: its last group does not fit the others",
            hint=f"compare it group by group with the {paper}",
        )
    return Secret(seed)


def _base32(value: bytes) -> str:
    number = int.from_bytes(value, "big")
    count = len(value) * 8 // 5
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(count)))


def _check(seed: bytes, check_name: bytes) -> str:
    digest = hashlib.sha256(check_name + seed).digest()
    return _base32(digest[:5])[:_CHECK_SYMBOLS]
