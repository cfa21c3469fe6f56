"""What one holder remembers of others, sealed under the holder's own key, so that nobody else can change it.

The first time somebody's keys are used they are remembered; keys that differ later are not used until the
holder has compared fingerprints and said so.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from phyassist.domain.people import CounsellorId, PatientId
from phyassist.store.coding import pack_identity, pack_text, unpack_identity, unpack_text
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
    _remember(conn, holder_id, identity.id, sealed)


def find_keeper(
    conn: Connection, holder_id: CounsellorId, keyring: Keyring, patient_id: PatientId
) -> CounsellorId | None:
    """Who was in charge of a patient when this holder was last given a key of theirs.  Raises CannotOpen."""
    sealed = conn.execute(
        select(pins.c.pin_sealed).where(pins.c.holder_id == holder_id, pins.c.about_id == patient_id)
    ).scalar_one_or_none()
    if sealed is None:
        return None
    return CounsellorId(unpack_text(keyring.own.open_sealed(sealed, pin_place(holder_id, patient_id))))


def pin_keeper(
    conn: Connection,
    holder_id: CounsellorId,
    keyring: Keyring,
    patient_id: PatientId,
    keeper_id: CounsellorId,
) -> None:
    """Remember who is in charge of a patient."""
    sealed = keyring.own.seal(pack_text(keeper_id), pin_place(holder_id, patient_id))
    _remember(conn, holder_id, patient_id, sealed, patient_id)


def forget_keepers(
    conn: Connection, holder_id: CounsellorId, keyring: Keyring, keeper_id: CounsellorId
) -> None:
    """Forget of which patients somebody was in charge: their keys are new, and confirmed by hand."""
    query = select(pins.c.about_id, pins.c.pin_sealed).where(
        pins.c.holder_id == holder_id, pins.c.patient_id.is_not(None)
    )
    for about_id, sealed in conn.execute(query).all():
        known = unpack_text(keyring.own.open_sealed(sealed, pin_place(holder_id, about_id)))
        if known == keeper_id:
            conn.execute(delete(pins).where(pins.c.holder_id == holder_id, pins.c.about_id == about_id))


def forget_pins(conn: Connection, holder_id: CounsellorId) -> None:
    """After a recovery: the key that they were sealed under is gone."""
    conn.execute(delete(pins).where(pins.c.holder_id == holder_id))


def _remember(
    conn: Connection, holder_id: str, about_id: str, sealed: bytes, patient_id: PatientId | None = None
) -> None:
    change = (
        update(pins)
        .where(pins.c.holder_id == holder_id, pins.c.about_id == about_id)
        .values(pin_sealed=sealed)
    )
    if conn.execute(change).rowcount:
        return
    row = {
        "holder_id": holder_id,
        "about_id": about_id,
        "patient_id": patient_id,
        "pin_sealed": sealed,
    }
    try:
        with conn.begin_nested():
            conn.execute(insert(pins).values(row))
    except IntegrityError:
        # Another process of the same person remembered it at the same moment.
        conn.execute(change)


def pin_place(holder_id: str, about_id: str) -> Place:
    return Place("pins", f"{holder_id}/{about_id}", "pin")
