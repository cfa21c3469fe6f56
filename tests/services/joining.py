"""Colleagues for a test: invited by one, joined with a passphrase of their own."""

from __future__ import annotations

from phyassist.domain.people import Role
from phyassist.services.people import invite, join
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

BO_PASSPHRASE = "nine slow otters by the weir"


def let_in(store: Store, by: SignedIn, name: str, role: Role = Role.COUNSELLOR) -> SignedIn:
    """Somebody new, signed in."""
    code = invite(store, by, name=name, role=role).code.reveal_text()
    return join(store, code=code, name=name, passphrase=BO_PASSPHRASE, language="en", zone="UTC")
