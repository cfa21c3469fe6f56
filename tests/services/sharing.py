"""A colleague with an account of their own, and a patient's key in their hands, as a share puts it there."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from phyassist.domain.people import Patient, Role
from phyassist.services.people import invite, join
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.wraps import wrap_place

PASSPHRASE = "nine slow barges at noon"


def make_colleague(store: Store, by: SignedIn, *, role: Role = Role.COUNSELLOR) -> SignedIn:
    made = invite(store, by, name="Berta Lang", role=role)
    return join(
        store,
        code=made.code.reveal_text(),
        name="Berta Lang",
        passphrase=PASSPHRASE,
        language="en",
        zone="Europe/Berlin",
    )


def put_key_in_hands(
    store_path: object, by: SignedIn, other: SignedIn, patient: Patient, *, may_write: bool
) -> None:
    """The patient's data key, as `by` holds it, kept by `other` too."""
    with create_engine(f"sqlite:///{store_path}").begin() as conn:
        row = conn.execute(
            text(
                "SELECT w.key_id, w.wrapped, k.term, w.added_at FROM key_wraps w JOIN data_keys k"
                " ON k.id = w.key_id WHERE k.patient_id = :patient AND w.holder_id = :holder"
            ),
            {"patient": patient.id, "holder": by.id},
        ).one()
        key = by.keyring.open_key(row.wrapped, wrap_place(row.key_id, by.id, row.term))
        kept = other.keyring.keep_key(key, wrap_place(row.key_id, other.id, row.term))
        conn.execute(
            text(
                "INSERT INTO key_wraps (key_id, holder_id, wrapped, may_write, until, added_at)"
                " VALUES (:key, :holder, :wrapped, :may_write, NULL, :at)"
            ),
            {
                "key": row.key_id,
                "holder": other.id,
                "wrapped": kept,
                "may_write": may_write,
                "at": row.added_at,
            },
        )
