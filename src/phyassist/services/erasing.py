"""Erasing a patient: the key, everything sealed under it, what was kept of it elsewhere; and the receipt."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from phyassist.domain.erasures import Erasure, ErasureId, Remains, find_remains
from phyassist.domain.people import PatientId
from phyassist.errors import BadInput, CannotOpen
from phyassist.services.access import check_in_charge, check_runs_practice
from phyassist.services.consent import break_off
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

_log = logging.getLogger(__name__)


class Forgets(Protocol):
    """Whatever keeps something of a patient in memory beside the store's own."""

    def forget(self, patient_id: PatientId) -> None: ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erasure, and what is known now of the backups that still hold the key."""

    erasure: Erasure
    remains: Remains

    @property
    def is_complete(self) -> bool:
        return self.erasure.cleaned_at is not None and not self.remains.backups


class TypedDiffers(BadInput):
    """What was typed to confirm is not the patient's name."""


def erase_patient(
    store: Store, by: SignedIn, *, patient_id: PatientId, typed: str, caches: Iterable[Forgets] = ()
) -> Receipt:
    """Destroy the patient's keys and with them everything about them, for good; `typed` is the name again.

    The patient's adapters go, shared ones that learnt from the patient are marked to be trained anew.
    A file that was tampered with, whose name nobody can read, is confirmed with its id.
    Raises TypedDiffers, NotFound, NotYourPatient, NotAllowed for all but the counsellor in charge.
    """
    with store.write(by) as tx:
        # A run that is about to begin is seen here, or sees that the patient is gone.
        tx.patients.hold([patient_id])
        check_in_charge(tx, by, patient_id)
        if " ".join(typed.split()) != _name_of(tx, patient_id):
            raise TypedDiffers("what was typed is not the name", hint="type the name as it stands")
        erasure = Erasure(
            id=ErasureId(store.new_id()),
            patient_id=patient_id,
            by_id=by.id,
            at=store.clock(),
            keys=tx.patients.count_wrapped_keys(patient_id),
            adapters=tx.adapters.count_of(patient_id),
            marked=tx.adapters.mark_to_retrain(patient_id),
        )
        # What learns from the patient at this moment must not be finished after the patient is gone.
        break_off(tx, tx.adapters.list_in_training(patient_id))
        tx.patients.delete(patient_id)
        tx.erasures.add(erasure)
        tx.audit.write(Act.ERASED, Kind.PATIENT, patient_id)
    for cache in caches:
        cache.forget(patient_id)
    _log.info("a patient was erased, receipt %s", erasure.id)
    return get_receipt(store, by, erasure_id=erasure.id)


def get_receipt(store: Store, by: SignedIn, *, erasure_id: ErasureId) -> Receipt:
    """For who erased, and for who runs the practice.  Raises NotFound, NotAllowed."""
    with store.read(by) as tx:
        erasure = tx.erasures.get(erasure_id)
        if erasure.by_id != by.id:
            check_runs_practice(by)
        return Receipt(erasure, find_remains(erasure.at, tx.backups.list(), store.clock()))


def list_receipts(store: Store, by: SignedIn) -> tuple[Receipt, ...]:
    """The newest first: one's own, and everybody's for who runs the practice."""
    with store.read(by) as tx:
        backups, now = tx.backups.list(), store.clock()
        return tuple(
            Receipt(erasure, find_remains(erasure.at, backups, now))
            for erasure in tx.erasures.list()
            if by.runs_practice or erasure.by_id == by.id
        )


def _name_of(tx: Tx, patient_id: PatientId) -> str:
    try:
        return tx.patients.get(patient_id).name
    except CannotOpen:
        return patient_id
