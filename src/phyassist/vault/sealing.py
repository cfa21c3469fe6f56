"""Sealing: a value goes in with its place and comes out at that place alone.

A sealed value is

    format (1 byte, 0x01) | term (4 bytes) | nonce (12 bytes) | AES-256-GCM ciphertext and tag

The associated data are the first five bytes and the place.  `term` says which of a patient's data keys
sealed it, so that a key can be renewed while old values still open.  Formats are never reused: a reader of
tomorrow opens what is written today (`tests/vectors/sealed.json`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from phyassist.errors import CannotOpen, ReadOnly
from phyassist.vault.secrets import Secret, random_secret

FORMAT = 0x01
KEY_BYTES = 32
_TERM_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = 1 + _TERM_BYTES
_TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lives; a sealed value that is moved to another place does not open."""

    table: str
    row: str
    field: str
    version: int = 1

    def to_bytes(self) -> bytes:
        """Each part with its length before it, so that no two places are written alike."""
        parts = (self.table.encode(), self.row.encode(), self.field.encode(), str(self.version).encode())
        return b"".join(len(part).to_bytes(2, "big") + part for part in parts)

    def __str__(self) -> str:
        return f"{self.table} {self.row} {self.field} {self.version}"


@final
class DataKey:
    """One AES-256 key, kept as a ready cipher; `term` counts a patient's keys from 1.

    Nonces are random: one key seals fewer than 2**32 values, which a patient's file never nears.
    Raises CannotOpen when it is made from bytes of another length.
    """

    __slots__ = ("_cipher", "_raw", "term")

    def __init__(self, raw: Secret, term: int = 1) -> None:
        if len(raw.reveal()) != KEY_BYTES:
            raise CannotOpen("a data key has the wrong length", hint="restore the store from a backup")
        self._raw = raw
        self._cipher = AESGCM(raw.reveal())
        self.term = term

    @staticmethod
    def make(term: int = 1) -> DataKey:
        return DataKey(random_secret(KEY_BYTES), term)

    def raw(self) -> Secret:
        """The bytes of the key, to be wrapped for someone."""
        return self._raw

    def seal(self, value: bytes, place: Place) -> bytes:
        """`value` sealed for `place`, 33 bytes longer than it was."""
        head = head_of_term(self.term)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._cipher.encrypt(nonce, value, head + place.to_bytes())

    def open_sealed(self, sealed: bytes, place: Place) -> bytes:
        """The value that was sealed for `place`.

        Raises CannotOpen for a wrong key, a wrong place, a damaged value or an unknown format.
        """
        if term_of(sealed, place) != self.term:
            raise cannot_open(place)
        head, nonce = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        try:
            return self._cipher.decrypt(nonce, sealed[_HEAD_BYTES + _NONCE_BYTES :], head + place.to_bytes())
        except InvalidTag:
            raise cannot_open(place) from None

    def __repr__(self) -> str:
        return f"DataKey(term={self.term})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is neither pickled nor copied")


@final
class DataKeys:
    """All data keys of one patient by term: the newest seals, each opens its own."""

    __slots__ = ("_by_term", "_may_seal", "_newest")

    def __init__(self, by_term: Mapping[int, DataKey], *, may_seal: bool = True) -> None:
        self._by_term = dict(by_term)
        self._newest = self._by_term[max(self._by_term)]
        self._may_seal = may_seal

    @property
    def newest(self) -> DataKey:
        """The key that seals from now on, to be given to somebody."""
        return self._newest

    @property
    def by_term(self) -> Mapping[int, DataKey]:
        return self._by_term

    def seal(self, value: bytes, place: Place) -> bytes:
        """Raises ReadOnly where the keys were shared for reading."""
        if not self._may_seal:
            raise ReadOnly("this was shared with you for reading", hint="ask the counsellor in charge")
        return self._newest.seal(value, place)

    def open_sealed(self, sealed: bytes, place: Place) -> bytes:
        """The value that was sealed for `place`.  Raises CannotOpen."""
        key = self._by_term.get(term_of(sealed, place))
        if key is None:
            raise cannot_open(place)
        return key.open_sealed(sealed, place)

    def __repr__(self) -> str:
        return f"DataKeys(terms={sorted(self._by_term)})"


def term_of(sealed: bytes, place: Place) -> int:
    """Which key sealed it.  Raises CannotOpen where it is no sealed value of a known format."""
    if len(sealed) < _HEAD_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[0] != FORMAT:
        raise cannot_open(place)
    return int.from_bytes(sealed[1:_HEAD_BYTES], "big")


def head_of_term(term: int) -> bytes:
    """The first bytes of every value that the key of this term sealed."""
    return bytes([FORMAT]) + term.to_bytes(_TERM_BYTES, "big")


def cannot_open(place: Place) -> CannotOpen:
    """One sentence for every reason: a wrong key and a damaged value cannot be told apart."""
    return CannotOpen(
        f"a sealed value does not open ({place})",
        hint="nothing was changed; check the store and restore this part from a backup",
    )
