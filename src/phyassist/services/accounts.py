"""One's own account: the second factor, and what has happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from phyassist.services.practice import count_try
from phyassist.store.accounts import unlock
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SecondFactor, SignedIn
from phyassist.store.second_factor import find_step, make_second_factor, read_secret, seal_secret
from phyassist.store.transactions import Store


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What one's own page shows; `unseen_recovery` until it was said to have been seen."""

    has_second_factor: bool
    fingerprint: str
    recoveries: tuple[datetime, ...]
    unseen_recovery: datetime | None
    kept: int


def load_account(store: Store, by: SignedIn) -> OwnAccount:
    with store.read(by) as tx:
        member = tx.people.member(by.id)
        recoveries = tuple(row.at for row in tx.audit.list(by.id) if row.act is Act.RECOVERED)
        kept = len(tx.shares.kept_by(by.id))
    return OwnAccount(
        member.has_second_factor,
        member.identity.fingerprint if member.identity else "",
        recoveries,
        find_unseen_recovery(store, by),
        kept,
    )


def find_unseen_recovery(store: Store, by: SignedIn) -> datetime | None:
    """When the recovery key was used for this account, if its counsellor has not yet said to have seen it."""
    with store.entrance() as entrance:
        return entrance.account(by.id).recovered_at


def see_recovery(store: Store, by: SignedIn) -> None:
    """The notice goes; the audit log and the own page go on saying it."""
    with store.entrance(writes=True) as entrance:
        entrance.set_recovered(by.id, None)


def propose_second_factor(by: SignedIn) -> SecondFactor:
    """A secret for an authenticator app; it counts once a code from the app has proved that it got there."""
    return make_second_factor(by.counsellor.name)


def renew_proposal(by: SignedIn, secret: str) -> SecondFactor:
    """The same proposal once more, for a code that did not fit.  Raises CodeNeeded where it is none."""
    return make_second_factor(by.counsellor.name, read_secret(secret))


def set_second_factor(store: Store, by: SignedIn, *, secret: str, code: str) -> None:
    """From now on a sign-in takes a code as well.  Raises CodeNeeded where the code does not fit."""
    known = read_secret(secret)
    step = find_step(known, code, store.clock())
    with store.entrance(writes=True) as entrance:
        entrance.set_second(by.id, seal_secret(by.keyring, by.id, known), step)
        entrance.audit(by.id, by.origin).write(Act.SECOND_FACTOR_SET, Kind.COUNSELLOR, by.id)


def end_second_factor(store: Store, by: SignedIn, *, passphrase: str) -> None:
    """A sign-in takes the passphrase alone again.  Raises WrongPassphrase, TooManyTries."""
    with store.entrance(writes=True) as entrance:
        account = entrance.account(by.id)
        count_try(entrance, account.id)

    unlock(account, passphrase)

    with store.entrance(writes=True) as entrance:
        entrance.clear_tries(account.id)
        entrance.set_second(by.id, None, None)
        entrance.audit(by.id, by.origin).write(Act.SECOND_FACTOR_ENDED, Kind.COUNSELLOR, by.id)
