"""Adapters in use: which one answers, what a counsellor may do with one, and breaking off its run."""

from __future__ import annotations

from dataclasses import dataclass

from phyassist.domain.adapters import (
    BASE_ALONE,
    AdapterCard,
    AdapterChoice,
    AdapterId,
    AdapterKind,
    AdapterState,
    Bar,
    choose_adapter,
    find_bar,
)
from phyassist.domain.consents import Purpose
from phyassist.domain.learning import RunProgress
from phyassist.domain.people import Language, PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import NotAllowed
from phyassist.services.access import check_may_change
from phyassist.services.consent import allows, break_off
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx


@dataclass(frozen=True, slots=True)
class Shelf:
    """The adapters of one patient, or those that several share; the newest first.

    `known` are all that may be named beside them.  `choice` is what answers at present; `progress` is how far
    the runs are that are not over, by adapter.  `language` is the patient's, None without one;
    `is_withdrawn` is what `find_bar` says of the patient.
    """

    cards: tuple[AdapterCard, ...]
    choice: AdapterChoice
    progress: dict[AdapterId, RunProgress]
    language: Language | None = None
    known: tuple[AdapterCard, ...] = ()
    is_withdrawn: bool = False


def list_shelf(
    store: Store, by: SignedIn, *, patient_id: PatientId | None = None, base_sha256: str = ""
) -> Shelf:
    """A patient's own adapters; without a patient the shared ones.  Raises NotFound, NotYourPatient."""
    with store.read(by) as tx:
        language, has_withdrawn = find_language(tx, patient_id), is_withdrawn(tx, patient_id)
        every = tx.adapters.cards()
        kind_fits = [
            card
            for card in every
            if card.patient_id == patient_id and (patient_id is None or card.kind == AdapterKind.PATIENT)
        ]
        progress = {}
        for card in kind_fits:
            if card.state != AdapterState.TRAINING:
                continue
            said = tx.adapters.files.find_progress(card.id, tx.adapters.key_of(card.id))
            if said is not None:
                progress[card.id] = said
    newest_first = sorted(kind_fits, key=lambda card: (card.trained_at, card.number), reverse=True)
    choice = choose_adapter(every, patient_id, base_sha256, language=language, is_withdrawn=has_withdrawn)
    return Shelf(tuple(newest_first), choice, progress, language, every, has_withdrawn)


def list_choices(store: Store, by: SignedIn, *, patient_id: PatientId, base_sha256: str = "") -> Shelf:
    """What may answer for a patient with this base: the own adapters and the shared ones that nothing bars.

    `known` are those too that are barred and may have answered before.
    """
    with store.read(by) as tx:
        language, has_withdrawn = find_language(tx, patient_id), is_withdrawn(tx, patient_id)
        every = tx.adapters.cards()
    bars = [(card, find_bar(card, patient_id, base_sha256, is_withdrawn=has_withdrawn)) for card in every]
    known = tuple(card for card, bar in bars if bar not in {Bar.TRAINING, Bar.ANOTHERS})
    choice = choose_adapter(known, patient_id, base_sha256, language=language, is_withdrawn=has_withdrawn)
    free = tuple(card for card, bar in bars if bar is None)
    return Shelf(free, choice, {}, language, known, has_withdrawn)


def is_withdrawn(tx: Tx, patient_id: PatientId | None) -> bool:
    """Whether a patient's own adapters are left alone: nobody may learn from their notes any more."""
    return patient_id is not None and not allows(tx, patient_id, Purpose.OWN_TRAINING)


def choose_for(
    tx: Tx,
    patient_id: PatientId | None,
    base_sha256: str,
    wanted: str = "",
    *,
    interface: Language | None = None,
) -> AdapterChoice:
    """Which adapter answers for a patient, `wanted` being what a consultation asks for instead; about nobody,
    one of the language of the interface.
    """
    language = find_language(tx, patient_id) or interface
    return choose_adapter(
        tx.adapters.cards(),
        patient_id,
        base_sha256,
        wanted,
        language=language,
        is_withdrawn=is_withdrawn(tx, patient_id),
    )


def find_language(tx: Tx, patient_id: PatientId | None) -> Language | None:
    """The language that a patient's drafts are written in; None without a patient.  Raises NotFound."""
    return None if patient_id is None else tx.patients.get(patient_id).language


@again
def want_adapter(
    store: Store, by: SignedIn, *, consultation_id: ConsultationId, wanted: str, base_sha256: str = ""
) -> None:
    """Which adapter is to answer in one consultation: an id, "base", or empty for the one that is chosen.

    Raises NotFound, NotYourPatient, ReadOnly, NotAllowed for one that may not answer there.
    """
    with store.write(by) as tx:
        consultation = tx.consultations.get(consultation_id)
        check_may_change(tx, consultation.patient_id)
        if wanted and wanted != BASE_ALONE:
            check_may_answer(tx, AdapterId(wanted), consultation.patient_id, base_sha256)
        tx.consultations.save_adapter_wanted(consultation_id, wanted)


def check_may_answer(tx: Tx, adapter_id: AdapterId, patient_id: PatientId, base_sha256: str) -> None:
    """Raises NotFound, NotYourPatient, NotAllowed where something bars it, as `find_bar` says."""
    card = tx.adapters.get(adapter_id)
    _check_free(card, find_bar(card, patient_id, base_sha256, is_withdrawn=is_withdrawn(tx, patient_id)))


def _check_free(card: AdapterCard, bar: Bar | None) -> None:
    if bar is not None:
        raise NotAllowed(f"adapter {card.id} cannot answer here ({bar.value})", hint="choose another one")


@again
def use_adapter(store: Store, by: SignedIn, *, adapter_id: AdapterId) -> None:
    """Let an adapter answer from now on, whatever the gate said of it; the one before stays accepted.

    Raises NotFound, NotYourPatient, ReadOnly, NotAllowed, also where it gave away what belongs to others, or
    the patient has withdrawn.
    """
    with store.write(by) as tx:
        card = _check_mine(tx, by, adapter_id)
        has_withdrawn = is_withdrawn(tx, card.patient_id)
        _check_free(card, find_bar(card, card.patient_id, card.base_sha256, is_withdrawn=has_withdrawn))
        tx.adapters.set_state(adapter_id, AdapterState.ACCEPTED)
        tx.audit.write(Act.ADAPTER_USED, Kind.ADAPTER, adapter_id)


@again
def withdraw_adapter(store: Store, by: SignedIn, *, adapter_id: AdapterId) -> None:
    """Refuse an adapter, or roll it back: the one that was accepted before it answers again.

    Raises NotFound, NotYourPatient, ReadOnly, NotAllowed.
    """
    with store.write(by) as tx:
        _check_mine(tx, by, adapter_id)
        tx.adapters.set_state(adapter_id, AdapterState.WITHDRAWN)
        tx.audit.write(Act.ADAPTER_WITHDRAWN, Kind.ADAPTER, adapter_id)


@again
def delete_adapter(store: Store, by: SignedIn, *, adapter_id: AdapterId) -> None:
    """The adapter, its key and its files are gone.  Raises NotFound, NotYourPatient, ReadOnly, NotAllowed."""
    with store.write(by) as tx:
        _check_mine(tx, by, adapter_id)
        tx.adapters.delete(adapter_id)
        tx.audit.write(Act.DELETED, Kind.ADAPTER, adapter_id)


@again
def cancel_run(store: Store, by: SignedIn, *, adapter_id: AdapterId) -> bool:
    """Break off the run that makes an adapter; nothing of it stays.  False: it was over, and stays as it is.

    Raises NotFound, NotYourPatient, ReadOnly, NotAllowed.
    """
    with store.write(by) as tx:
        card = _check_mine(tx, by, adapter_id, in_training=True)
        if card.state != AdapterState.TRAINING:
            return False
        break_off(tx, [adapter_id])
        return True


def _check_mine(tx: Tx, by: SignedIn, adapter_id: AdapterId, *, in_training: bool = False) -> AdapterCard:
    card = tx.adapters.get(adapter_id)
    if card.patient_id is not None:
        check_may_change(tx, card.patient_id)
    elif card.owner_id != by.id and not by.runs_practice:
        raise NotAllowed(
            f"adapter {adapter_id} is everybody's here",
            hint="ask who had it trained, or who runs the practice",
        )
    if card.state == AdapterState.TRAINING and not in_training:
        raise NotAllowed(f"adapter {adapter_id} is still in training", hint="wait for it, or cancel its run")
    return card
