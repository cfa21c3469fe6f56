"""The consultation that a command works in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phyassist.cli.unlocking import Practice
    from phyassist.domain.people import Patient
    from phyassist.domain.records import Consultation


def take_consultation(practice: Practice, patient: Patient, text: str) -> Consultation:
    """The patient's newest consultation where it holds this very text and no note yet, else a new one.

    So that `organise` and then `analyse` of the same file work on one occasion.
    """
    from phyassist.services.intake import save_source, start_consultation
    from phyassist.services.patients import load_patient

    store, by = practice.store, practice.by
    file = load_patient(store, by, patient.id)
    signed = {note.consultation_id for note in file.notes}
    for newest in file.consultations[:1]:
        if newest.source.text == text and newest.id not in signed:
            return newest
    started = start_consultation(store, by, patient_id=patient.id)
    save_source(store, by, consultation_id=started.id, text=text, after=started.source.version)
    with store.read(by) as tx:
        return tx.consultations.get(started.id)
