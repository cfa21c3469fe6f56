"""Who may see whom, for all services.

This is the first of two decisions; the second is made by who holds a key, and the store makes it whatever
happens here.  A patient's file is opened by who is in charge and by those with whom it is shared.
"""

from __future__ import annotations

from phyassist.domain.people import PatientId, Role
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotAllowed, NotFound, NotYourPatient, ReadOnly
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Tx


def may_see(tx: Tx, patient_id: PatientId) -> bool:
    return tx.patients.right_of(patient_id) is not None


def may_change(tx: Tx, patient_id: PatientId) -> bool:
    right = tx.patients.right_of(patient_id)
    return right is not None and right.may_write


def check_runs_practice(by: SignedIn) -> None:
    """Raises NotAllowed for everyone but who runs the practice."""
    if not by.runs_practice:
        raise NotAllowed("this is for who runs the practice", hint="ask your administrator")


def check_counsels(by: SignedIn) -> None:
    """Raises NotAllowed for an administrator, who runs the practice and opens no patient."""
    if by.role is Role.ADMINISTRATOR:
        raise NotAllowed(
            "an administrator opens no patient files and begins none",
            hint="somebody who counsels here has an account of their own for it",
        )


def check_in_charge(tx: Tx, by: SignedIn, patient_id: PatientId) -> None:
    """Raises NotFound, NotYourPatient, and NotAllowed for a holder who is not in charge of the patient."""
    tx.patients.check_known(patient_id)
    if not may_see(tx, patient_id):
        tx.patients.mark_refused(patient_id)
        raise NotYourPatient(
            f"patient {patient_id} was not shared with you", hint="ask the counsellor in charge"
        )
    if tx.shares.keeper_of(patient_id) != by.id:
        raise NotAllowed(f"you are not in charge of patient {patient_id}", hint="ask the counsellor who is")


def check_may_change(tx: Tx, patient_id: PatientId) -> None:
    """Raises NotFound, NotYourPatient, ReadOnly."""
    tx.patients.check_known(patient_id)
    if may_change(tx, patient_id):
        return
    tx.patients.mark_refused(patient_id)
    if not may_see(tx, patient_id):
        raise NotYourPatient(
            f"patient {patient_id} was not shared with you for writing", hint="ask the counsellor in charge"
        )
    raise ReadOnly(
        f"patient {patient_id} was shared with you for reading, not for writing",
        hint="ask the counsellor in charge",
    )


def check_of_patient(tx: Tx, consultation_id: ConsultationId, patient_id: PatientId | None) -> ConsultationId:
    """The consultation's id.  Raises NotFound where it is not one of this patient."""
    if tx.consultations.get(consultation_id).patient_id != patient_id:
        raise NotFound(f"consultation {consultation_id} is not of patient {patient_id}")
    return consultation_id
