"""What one holder remembers of others, sealed under the holder's own key, so that nobody else can change it.

The first time somebody's keys are used they are remembered; keys that differ later are not used until the
holder has compared fingerprints and said so.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from phyassist.domain.people import CounsellorId
from phyassist.store.coding import pack_identity, unpack_identity
from phyassist.store.people import Identity
from phyassist.store.tables import pins
from phyassist.vault.keyring import Keyring
from phyassist.vault.sealing import Place


def find_pinned(
    conn: Connection, holder_id: CounsellorId, keyring: Keyring, about_id: CounsellorId
) -> Identity | None:
    """A colleague's keys as this holder remembers them.  Raises CannotOpen."""
    sealed = conn.execute(
        select(pins.c.pin_sealed).where(pins.c.holder_id == holder_id, pins.c.about_id == about_id)
    ).scalar_one_or_none()
    if sealed is None:
        return None
    return unpack_identity(keyring.own.open_sealed(sealed, pin_place(holder_id, about_id)), about_id)


def pin_identity(conn: Connection, holder_id: CounsellorId, keyring: Keyring, identity: Identity) -> None:
    """Remember a colleague's keys from now on, in the place of any others."""
    sealed = keyring.own.seal(pack_identity(identity), pin_place(holder_id, identity.id))
    conn.execute(delete(pins).where(pins.c.holder_id == holder_id, pins.c.about_id == identity.id))
    conn.execute(insert(pins).values(holder_id=holder_id, about_id=identity.id, pin_sealed=sealed))


def forget_pins(conn: Connection, holder_id: CounsellorId) -> None:
    """After a recovery: the key that they were sealed under is gone."""
    conn.execute(delete(pins).where(pins.c.holder_id == holder_id))


def pin_place(holder_id: str, about_id: str) -> Place:
    return Place("pins", f"{holder_id}/{about_id}", "pin")
