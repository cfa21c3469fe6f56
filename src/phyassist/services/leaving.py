"""What leaves the practice when the model listens elsewhere: written down when it happens."""

from __future__ import annotations

from phyassist.domain.people import PatientId
from phyassist.lm.outside import Leaving, Outside
from phyassist.lm.protocol import LanguageModel
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

_ORIGIN_CHARACTERS_MAX = 80


def guard(store: Store, by: SignedIn, lm: LanguageModel, patient_id: PatientId | None) -> LanguageModel:
    """The model for a patient's words, or for none's: an outside one learns whose names are private.

    Each request to it is a row in the audit: where to, and how many words of each kind were replaced.
    A model of the practice's own comes back as it is.  Raises NotFound, NotYourPatient.
    """
    if not isinstance(lm, Outside):
        return lm
    with store.read(by) as tx:
        names = known_names(tx, patient_id)

    def note(leaving: Leaving) -> None:
        _write_down(store, by, patient_id, leaving)

    return lm.about(names, note)


def known_names(tx: Tx, patient_id: PatientId | None) -> tuple[str, ...]:
    """Names that are private for certain: those of everybody here, and the patient's."""
    members = (member.counsellor.name for member in tx.people.members())
    patient = () if patient_id is None else (tx.patients.get(patient_id).name,)
    return tuple(name for name in (*patient, *members) if name)


@again
def _write_down(store: Store, by: SignedIn, patient_id: PatientId | None, leaving: Leaving) -> None:
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(leaving.counts.items()))
    origin = f"{leaving.host}: {told or 'nothing replaced'}"
    with store.write(by) as tx:
        kind, row_id = (Kind.COUNSELLOR, by.id) if patient_id is None else (Kind.PATIENT, patient_id)
        tx.audit.write(Act.SENT_OUT, kind, row_id, origin=origin[:_ORIGIN_CHARACTERS_MAX])
