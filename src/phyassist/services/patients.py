"""Patients: the list, the card, and the whole file; `searching` finds in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from phyassist.domain.drafts import Draft, DraftState
from phyassist.domain.notes import Note, Withdrawn
from phyassist.domain.people import Language, Patient, PatientId
from phyassist.domain.records import Consultation, Record
from phyassist.errors import BadInput, NotFound
from phyassist.services.access import check_counsels, check_may_change, may_change
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

NAME_CHARACTERS_MAX = 200
NUMBER_CHARACTERS_MAX = 60


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A line of the list: `last_at` is when anything last happened.

    Of a damaged one nothing but the id is known: its key or card was changed outside PhyAssist.
    """

    patient: Patient
    has_open_draft: bool
    last_at: datetime
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class PatientFile:
    """All that a patient's pages show; consultations, notes and drafts newest first.

    Without `may_write` the file is shared for reading.
    """

    patient: Patient
    record: Record
    consultations: tuple[Consultation, ...]
    notes: tuple[Note, ...]
    open_draft: Draft | None
    drafts: tuple[Draft, ...]
    withdrawn: tuple[Withdrawn, ...]
    # Whoever opens it sees the same file.
    may_write: bool = field(compare=False)


@again
def new_patient(
    store: Store,
    by: SignedIn,
    *,
    name: str,
    number: str = "",
    language: Language = "zh",
    patient_id: PatientId | None = None,
) -> Patient:
    """A patient with a data key of their own.

    A form that was given a `patient_id` makes one patient, however often it is sent; with another card in it,
    it makes another, and so it does once the first one's file is erased: a restore erases what has that id.
    Raises BadInput for an empty or overlong name, NotAllowed for an administrator, NotYourPatient, StoreFull.
    """
    check_counsels(by)
    fresh = PatientId(store.new_id())
    patient = Patient(patient_id or fresh, _check_name(name), _check_number(number), language)
    with store.write(by) as tx:
        known = _find_patient(tx, patient.id)
        if known is not None and _is_same_card(known, patient):
            return known
        is_taken = known is not None or tx.erasures.holds(patient.id)
        stored = tx.patients.add(replace(patient, id=fresh) if is_taken else patient)
        tx.audit.write(Act.CREATED, Kind.PATIENT, stored.id)
    return stored


@again
def edit_patient(
    store: Store,
    by: SignedIn,
    *,
    patient_id: PatientId,
    name: str,
    number: str,
    language: Language,
    after: datetime | None = None,
) -> Patient:
    """The card as it stands now; `after` is the `updated_at` of the card it was edited from.

    Raises BadInput, NotFound, NotYourPatient, ChangedMeanwhile.
    """
    name, number = _check_name(name), _check_number(number)
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        card = replace(tx.patients.get(patient_id), name=name, number=number, language=language)
        stored = tx.patients.update(replace(card, updated_at=after or card.updated_at))
        tx.audit.write(Act.CHANGED, Kind.PATIENT, patient_id)
    return stored


def list_patients(store: Store, by: SignedIn) -> tuple[PatientRow, ...]:
    """Every patient one may open, the one something happened with last at the top."""
    opened = store.kept.of(by)
    with opened.cards_lock, store.read(by) as tx:
        known, damaged = tx.patients.list_with_damaged(opened.cards)
        activity = tx.patients.activity()
    rows = [
        PatientRow(patient, activity[patient.id].has_open_draft, activity[patient.id].last_at)
        for patient in known
    ]
    rows.sort(key=lambda row: row.last_at, reverse=True)
    # Last, so that a person who looks for somebody does not stumble over them.
    rows += [PatientRow(Patient(each, ""), False, activity[each].last_at, damaged=True) for each in damaged]
    return tuple(rows)


def load_patient(store: Store, by: SignedIn, patient_id: PatientId) -> PatientFile:
    """Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        drafts = tx.drafts.list(patient_id)
        return PatientFile(
            patient=tx.patients.get(patient_id),
            record=tx.records.get(patient_id),
            consultations=tx.consultations.list(patient_id),
            notes=tx.notes.list(patient_id),
            open_draft=next((draft for draft in drafts if draft.state is DraftState.OPEN), None),
            drafts=drafts,
            withdrawn=tx.notes.list_withdrawn(patient_id),
            may_write=may_change(tx, patient_id),
        )


def may_write(store: Store, by: SignedIn, *, patient_id: PatientId | None) -> bool:
    """Whether the signed-in counsellor may write into the patient's file; anybody may about nobody."""
    if patient_id is None:
        return True
    with store.read(by) as tx:
        return may_change(tx, patient_id)


def _find_patient(tx: Tx, patient_id: PatientId) -> Patient | None:
    """None where there is none; raises NotYourPatient."""
    try:
        return tx.patients.get(patient_id)
    except NotFound:
        return None


def _is_same_card(one: Patient, other: Patient) -> bool:
    return (one.name, one.number, one.language) == (other.name, other.number, other.language)


def _check_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain:
        raise BadInput("a patient needs a name, or initials", hint="type one")
    if len(plain) > NAME_CHARACTERS_MAX:
        raise BadInput(f"the name is longer than {NAME_CHARACTERS_MAX} characters", hint="shorten it")
    return plain


def _check_number(number: str) -> str:
    plain = " ".join(number.split())
    if len(plain) > NUMBER_CHARACTERS_MAX:
        raise BadInput(f"the number is longer than {NUMBER_CHARACTERS_MAX} characters", hint="shorten it")
    return plain
