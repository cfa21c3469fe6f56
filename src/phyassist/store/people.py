"""The signed-in counsellor, and what is shown or handed out once.  `accounts` makes these."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime

from phyassist.domain.people import Counsellor, CounsellorId, Role
from phyassist.vault.keyring import Keyring, fingerprint
from phyassist.vault.sealing import Place
from phyassist.vault.secrets import Secret


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A counsellor with the keys that a passphrase or a login opened; never printed, stored or sent.

    Who runs the practice is an administrator; while there is none, the counsellor who founded it.
    """

    counsellor: Counsellor
    keyring: Keyring = field(repr=False, compare=False)
    login_id: str = ""
    role: Role = Role.COUNSELLOR
    runs_practice: bool = False
    has_second_factor: bool = False
    recovered_at: datetime | None = None
    # From where, as the audit says it: the command line, or a web login with the kind of its address.
    origin: str = ""

    @property
    def id(self) -> CounsellorId:
        return self.counsellor.id

    def seal_own(self, value: bytes, use: str) -> bytes:
        """`value` for nobody but this counsellor, in no row: for a place outside the store, by its `use`."""
        return self.keyring.own.seal(value, Place("outside", self.id, use))

    def open_own(self, sealed: bytes, use: str) -> bytes:
        """What `seal_own` sealed.  Raises CannotOpen."""
        return self.keyring.own.open_sealed(sealed, Place("outside", self.id, use))


@dataclass(frozen=True, slots=True)
class Identity:
    """The public halves of somebody's keys, and what that person does here."""

    id: CounsellorId
    role: Role
    public: bytes = field(repr=False)
    signing: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What two people compare to know that no other keys were put between them."""
        return fingerprint(self.public, self.signing)


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation carries to the new person; only the one-time code opens it."""

    counsellor_id: CounsellorId
    name: str = field(repr=False)
    role: Role
    recovery_public: bytes = field(repr=False)
    practice_keys: tuple[tuple[str, int, bytes], ...] = field(repr=False)
    inviter: Identity


@dataclass(frozen=True, slots=True)
class SetUp:
    """A new practice: its counsellor, signed in, and the recovery key, which nothing stores."""

    signed_in: SignedIn
    recovery_key: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What an authenticator app is told: to be typed, or as the address that a picture of squares holds."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginSecret:
    """What a login's cookie carries; `reveal_text` gives its value."""

    secret: Secret = field(repr=False)

    def reveal_text(self) -> str:
        return base64.urlsafe_b64encode(self.secret.reveal()).decode("ascii").rstrip("=")
