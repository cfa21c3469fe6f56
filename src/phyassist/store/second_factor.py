"""The second factor: codes that an authenticator app shows, as RFC 6238 has them.

Thirty seconds, six digits, SHA-1: what every app takes.  A few lines of the standard library with the RFC's
own test values do it; a package would add code to trust and no safety.  The secret stands sealed under the
counsellor's own key, so it is looked at only once the passphrase has opened that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

from phyassist.domain.people import CounsellorId
from phyassist.errors import CodeNeeded
from phyassist.store.audit import Act, Kind
from phyassist.store.entrance import Account, Entrance
from phyassist.store.people import SecondFactor
from phyassist.store.transactions import Store
from phyassist.vault.keyring import Keyring
from phyassist.vault.sealing import Place
from phyassist.vault.secrets import Secret, random_secret

STEP_S = 30
FIGURES = 6
_SECRET_BYTES = 20
# A clock that is a step off, or a code typed as it changes, is forgiven.
_STEPS_OFF = (0, -1, 1)


def make_second_factor(name: str, secret: Secret | None = None) -> SecondFactor:
    """A secret, a new one where none is given, as an app takes it; nothing is stored."""
    text = base64.b32encode((secret or random_secret(_SECRET_BYTES)).reveal()).decode("ascii")
    asked = urlencode({"secret": text, "issuer": "PhyAssist"})
    return SecondFactor(text, f"otpauth://totp/{quote('PhyAssist:' + name)}?{asked}")


def read_secret(text: str) -> Secret:
    """Raises CodeNeeded where it is none of ours."""
    try:
        value = base64.b32decode(text, casefold=True)
    except ValueError:
        value = b""
    if len(value) != _SECRET_BYTES:
        raise code_needed()
    return Secret(value)


def code_at(secret: Secret, step: int) -> str:
    """The figures that an app shows in a step of thirty seconds since 1970."""
    digest = hmac.digest(secret.reveal(), step.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**FIGURES:0{FIGURES}d}"


def find_step(secret: Secret, typed: str, now: datetime) -> int:
    """The step whose code this is.  Raises CodeNeeded."""
    present = int(now.timestamp()) // STEP_S
    plain = "".join(typed.split())
    for off in _STEPS_OFF:
        if hmac.compare_digest(code_at(secret, present + off).encode(), plain.encode()):
            return present + off
    raise code_needed()


def seal_secret(keyring: Keyring, counsellor_id: CounsellorId, secret: Secret) -> bytes:
    return keyring.own.seal(secret.reveal(), _place(counsellor_id))


def check_code(entrance: Entrance, account: Account, keyring: Keyring, typed: str) -> None:
    """Nothing for an account without a second factor; else the code is used up.

    Raises CodeNeeded for no code, a wrong one, and one that was used before.
    """
    if account.second_sealed is None:
        return
    secret = Secret(keyring.own.open_sealed(account.second_sealed, _place(account.id)))
    if not entrance.use_code(account.id, find_step(secret, typed, entrance.clock())):
        raise code_needed()


def use_code(store: Store, account: Account, keyring: Keyring, typed: str, origin: str) -> None:
    """`check_code` in a transaction of its own; a code that does not fit is written into the audit log."""
    try:
        with store.entrance(writes=True) as entrance:
            check_code(entrance, account, keyring, typed)
    except CodeNeeded:
        # To be asked for the code is no failure.
        if typed.strip():
            with store.entrance(writes=True) as entrance:
                entrance.audit(origin=origin).write(Act.SIGN_IN_FAILED, Kind.COUNSELLOR, account.id)
        raise


def code_needed() -> CodeNeeded:
    return CodeNeeded(
        "the code from the authenticator app is missing or does not fit",
        hint="type the six digits that it shows now; each is good once",
    )


def _place(counsellor_id: CounsellorId) -> Place:
    return Place("counsellors", counsellor_id, "second")
