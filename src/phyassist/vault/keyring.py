"""Who holds which keys.

passphrase --Argon2id--> opens the counsellor's private key (X25519)
private key --HKDF--> the counsellor's own key --> opens the data keys that this counsellor made or accepted
private key --HPKE--> opens the data keys that someone else gave to the counsellor
recovery key --HKDF--> another private key, to which every data key is given as well
private key --HKDF--> a signing key (Ed25519), so that what is given bears its giver's signature
one-time code --HKDF--> opens what an invitation carries
login secret --HKDF--> opens a second sealed copy of the private key, for as long as the login lasts

A given key is `0x02 | HPKE output` (RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
AES-256-GCM), with the place in `info`.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import NoReturn, Self, final

from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from phyassist.errors import CannotOpen, Locked
from phyassist.vault.sealing import KEY_BYTES, DataKey, Place, cannot_open
from phyassist.vault.secrets import Secret, parse_recovery_key, plain_passphrase, random_secret

WRAP_FORMAT = 0x02
_SALT_BYTES = 16
_LOGIN_BYTES = 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"phyassist/wrap/1"
_SIGN_INFO = b"phyassist/sign/1"


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one try at a passphrase costs.  The default takes about 0.3 s and 64 MiB."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4

    def below(self, other: Argon2Cost) -> bool:
        """Whether this is cheaper for a guesser than `other`, and is to be raised at the next sign-in."""
        return self.memory_kib * self.passes < other.memory_kib * other.passes


DEFAULT_COST = Argon2Cost()
# A store that was tampered with must not make a sign-in take all memory or run for hours.
_COST_LIMIT = Argon2Cost(memory_kib=4 * 1024 * 1024, passes=64, lanes=64)


@dataclass(frozen=True, slots=True)
class PassphraseLock:
    """The salt and the cost under which a passphrase becomes a key, in the clear beside what it opens."""

    cost: Argon2Cost
    salt: bytes = field(repr=False)

    @classmethod
    def make(cls, cost: Argon2Cost) -> Self:
        return cls(cost, random_secret(_SALT_BYTES).reveal())

    def to_text(self) -> str:
        cost = self.cost
        return f"argon2id${ARGON2_VERSION}${cost.memory_kib}${cost.passes}${cost.lanes}${self.salt.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises CannotOpen where the text is not ours or asks for more than any machine should give."""
        parts = text.split("$")
        try:
            name, version, memory_kib, passes, lanes = parts[0], *(int(part) for part in parts[1:5])
            salt = bytes.fromhex(parts[5])
        except (ValueError, IndexError):
            raise CannotOpen("the passphrase's parameters in the store cannot be read") from None
        limit = _COST_LIMIT
        fits = (
            8 <= memory_kib <= limit.memory_kib and 1 <= passes <= limit.passes and 1 <= lanes <= limit.lanes
        )
        if name != "argon2id" or version != ARGON2_VERSION or not fits or len(salt) != _SALT_BYTES:
            raise CannotOpen("the passphrase's parameters in the store cannot be used")
        return cls(Argon2Cost(memory_kib, passes, lanes), salt)

    def key(self, passphrase: str) -> DataKey:
        """The key that this passphrase stands for; deliberately slow."""
        raw = hash_secret_raw(
            plain_passphrase(passphrase),
            self.salt,
            time_cost=self.cost.passes,
            memory_cost=self.cost.memory_kib,
            parallelism=self.cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
        return DataKey(Secret(raw))


@final
class Keyring:
    """One holder's private key, the key of its own that follows from it, and the data keys it has opened.

    `forget` empties it; every use afterwards raises Locked.
    Raises CannotOpen when it is made from bytes that are not a private key, or cannot open its own wrapping.
    """

    __slots__ = ("_opened", "_own", "_private", "_signer", "public")

    def __init__(self, private: Secret) -> None:
        try:
            self._private: X25519PrivateKey | None = X25519PrivateKey.from_private_bytes(private.reveal())
        except ValueError:
            raise CannotOpen("a private key has the wrong length") from None
        self.public = self._private.public_key().public_bytes_raw()
        self._own = DataKey(_derive(private, b"phyassist/own/1"))
        seed = _derive(private, _SIGN_INFO).reveal()
        self._signer: Ed25519PrivateKey | None = Ed25519PrivateKey.from_private_bytes(seed)
        self._opened: dict[tuple[bytes, Place], DataKey] = {}
        _check_wrapping()

    @classmethod
    def make(cls) -> Self:
        """A new key pair."""
        return cls(Secret(X25519PrivateKey.generate().private_bytes_raw()))

    @classmethod
    def from_recovery_key(cls, typed: str) -> Self:
        """The key pair behind a recovery key as typed.  Raises WrongPassphrase when it has a slip."""
        return cls(_derive(parse_recovery_key(typed), b"phyassist/recovery/1"))

    @classmethod
    def open_private(cls, sealed: bytes, under: DataKey, place: Place) -> Self:
        """The keyring whose private key was sealed `under` a key.  Raises CannotOpen."""
        return cls(Secret(under.open_sealed(sealed, place)))

    def seal_private(self, under: DataKey, place: Place) -> bytes:
        return under.seal(self._held().private_bytes_raw(), place)

    @property
    def own(self) -> DataKey:
        """The key that nobody else can seal with: what opens under it was put there by this holder."""
        self._held()
        return self._own

    def keep_key(self, key: DataKey, place: Place) -> bytes:
        """A data key sealed for this holder by itself; `place.version` is its term."""
        return self.own.seal(key.raw().reveal(), place)

    def open_key(self, kept: bytes, place: Place) -> DataKey:
        """The data key that `keep_key` sealed.

        A key that somebody else wrapped to `public` does not open here: anyone who can write to the database
        could make one, and what is sealed next would be theirs to read.
        Only what was read back from a committed row comes in here, so nothing is kept of a key that was
        rolled back.  Raises CannotOpen, Locked.
        """
        own = self.own
        known = self._opened.get((kept, place))
        if known is None:
            known = DataKey(Secret(own.open_sealed(kept, place)), place.version)
            self._opened[kept, place] = known
        return known

    def open_given(self, wrapped: bytes, place: Place) -> DataKey:
        """The data key that someone gave to `public` with `give_key`.  Raises CannotOpen, Locked."""
        if not wrapped or wrapped[0] != WRAP_FORMAT:
            raise cannot_open(place)
        try:
            raw = _SUITE.decrypt(wrapped[1:], self._held(), _INFO + place.to_bytes())
        except (InvalidTag, ValueError):
            raise cannot_open(place) from None
        return DataKey(Secret(raw), place.version)

    @property
    def signing(self) -> bytes:
        """The public half of the signing key.  Raises Locked."""
        return self._held_signer().public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """Raises Locked."""
        return self._held_signer().sign(_SIGN_INFO + statement)

    def forget(self) -> None:
        """Let go of every key.  Python may keep the bytes for a while; nothing here reaches them again."""
        self._private = self._signer = None
        self._opened.clear()

    def _held_signer(self) -> Ed25519PrivateKey:
        if self._signer is None:
            raise _locked()
        return self._signer

    def _held(self) -> X25519PrivateKey:
        if self._private is None:
            raise _locked()
        return self._private

    def __repr__(self) -> str:
        return "Keyring(hidden)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a keyring is neither pickled nor copied")


def give_key(key: DataKey, public: bytes, place: Place) -> bytes:
    """`key` wrapped so that only the holder of the private half of `public` opens it, at this place."""
    try:
        recipient = X25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise CannotOpen("a public key in the store has the wrong length") from None
    return bytes([WRAP_FORMAT]) + _SUITE.encrypt(key.raw().reveal(), recipient, _INFO + place.to_bytes())


def check_signature(signing: bytes, signature: bytes, statement: bytes) -> None:
    """Raises CannotOpen unless the holder of the signing key said so."""
    try:
        Ed25519PublicKey.from_public_bytes(signing).verify(signature, _SIGN_INFO + statement)
    except (InvalidSignature, ValueError):
        raise CannotOpen(
            "what was given does not bear its giver's signature", hint="ask them to share again"
        ) from None


def fingerprint(public: bytes, signing: bytes) -> str:
    """Six groups of four figures that two people compare to know that they mean the same keys."""
    digest = hashlib.sha256(b"phyassist/fingerprint/1" + public + signing).digest()
    figures = f"{int.from_bytes(digest, 'big') % 10**24:024d}"
    return " ".join(figures[at : at + 4] for at in range(0, 24, 4))


def name_tag(name: str, salt: bytes) -> str:
    """What stands in the database for the name that somebody signs in with; who guesses it can check it."""
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return HKDF(SHA256(), 16, salt=salt, info=b"phyassist/name/1").derive(plain.encode()).hex()


def invitation_id(code: Secret) -> str:
    """The row's id, as with a login."""
    return _derive(code, b"phyassist/invitation-id/1").reveal()[:16].hex()


def invitation_key(code: Secret) -> DataKey:
    """The key under which an invitation's payload is sealed."""
    return DataKey(_derive(code, b"phyassist/invitation-key/1"))


def make_login_secret() -> Secret:
    """The 32 bytes that a login's cookie carries."""
    return random_secret(_LOGIN_BYTES)


def login_id(secret: Secret) -> str:
    """The row's id: whoever knows the secret finds the row, the row tells nothing of the secret."""
    return _derive(secret, b"phyassist/login-id/1").reveal()[:16].hex()


def login_key(secret: Secret) -> DataKey:
    """The key under which a login's copy of the private key is sealed."""
    return DataKey(_derive(secret, b"phyassist/login-key/1"))


def _locked() -> Locked:
    return Locked("the workspace is locked", hint="sign in again")


@cache
def _check_wrapping() -> None:
    """Once in a process: what this machine's libraries wrap for a key, they open.  Raises CannotOpen."""
    recipient, key = X25519PrivateKey.generate(), DataKey.make()
    given = give_key(key, recipient.public_key().public_bytes_raw(), Place("probe", "", ""))
    try:
        opened = _SUITE.decrypt(given[1:], recipient, _INFO + Place("probe", "", "").to_bytes())
    except (InvalidTag, ValueError):
        opened = b""
    if Secret(opened) != key.raw():
        raise CannotOpen("the vault cannot open what it seals", hint="check the installation")


def _derive(secret: Secret, info: bytes) -> Secret:
    return Secret(HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret.reveal()))
