"""Looking one thing up by its id; a patient's whole file is `services.patients.load_patient`."""

from __future__ import annotations

from phyassist.domain.drafts import Draft, DraftId
from phyassist.domain.people import PatientId
from phyassist.domain.records import Consultation, ConsultationId
from phyassist.services.access import check_may_change
from phyassist.store.again import again
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store


def get_consultation(store: Store, by: SignedIn, *, consultation_id: ConsultationId) -> Consultation:
    """Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        return tx.consultations.get(consultation_id)


def find_current(store: Store, by: SignedIn, *, patient_id: PatientId) -> ConsultationId | None:
    """Where a patient's page opens: the consultation of the open draft, else the last; None: no one yet.

    Raises NotFound, NotYourPatient.
    """
    with store.read(by) as tx:
        return tx.consultations.find_current(patient_id)


def get_consultation_to_change(
    store: Store, by: SignedIn, *, consultation_id: ConsultationId
) -> Consultation:
    """The consultation for what will be written in it.  Raises what `get_consultation` does, and ReadOnly."""
    with store.read(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        check_may_change(tx, consultation.patient_id)
        return consultation


def get_draft(store: Store, by: SignedIn, *, draft_id: DraftId, version: int | None = None) -> Draft:
    """The draft as it stands, or as it stood at `version`.  Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        return tx.drafts.get(draft_id) if version is None else tx.drafts.get_version(draft_id, version)


@again
def await_draft(store: Store, by: SignedIn, *, draft_id: DraftId) -> Draft:
    """What `get_draft` gives, for a run that goes on when its database is back."""
    return get_draft(store, by, draft_id=draft_id)


def get_draft_to_change(store: Store, by: SignedIn, *, draft_id: DraftId) -> Draft:
    """The draft as it stands, for a run that will write in it.  Raises as `get_draft` does, and ReadOnly."""
    with store.read(by) as tx:
        draft = tx.drafts.get(draft_id)
        check_may_change(tx, draft.patient_id)
        return draft
