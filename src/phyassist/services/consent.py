"""What a patient has agreed to: recorded, shown, and asked before a model gets to read a word.

`check_consent` stands in every service that hands a patient's text to a model; `Withdrawn` ends one that is
running.  A test lists those services and shows that each of them refuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phyassist.domain.adapters import AdapterId
from phyassist.domain.consents import Answer, Consent, ConsentId, Purpose, Signer, Standing, find_standing
from phyassist.domain.jobs import JobId
from phyassist.domain.people import PatientId
from phyassist.errors import BadInput, ConsentMissing, NotFound, NotYourPatient, StoreError, VaultError
from phyassist.lm.protocol import Stop
from phyassist.services.access import check_may_change
from phyassist.store.again import again
from phyassist.store.audit import Act, Kind
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store, Tx

REMARK_CHARACTERS_MAX = 2000
ASK_AGAIN_S = 1.0
_PLAIN = {
    Purpose.DRAFTING: "drafting",
    Purpose.OWN_TRAINING: "training on their own notes",
    Purpose.SHARED_TRAINING: "training shared adapters",
    Purpose.SIMILAR_CASES: "similar cases",
}


@dataclass(frozen=True, slots=True)
class Consents:
    """What counts for each purpose now, and every answer there ever was, the newest first."""

    standings: tuple[Standing, ...]
    history: tuple[Consent, ...]

    def of(self, purpose: Purpose) -> Standing:
        return next(standing for standing in self.standings if standing.purpose == purpose)


def load_consents(store: Store, by: SignedIn, *, patient_id: PatientId) -> Consents:
    """Raises NotFound, NotYourPatient, CannotOpen."""
    with store.read(by) as tx:
        return get_consents(tx, patient_id)


def get_consents(tx: Tx, patient_id: PatientId) -> Consents:
    """The same within a transaction."""
    history = tx.consents.list(patient_id)
    return Consents(tuple(find_standing(history, purpose) for purpose in Purpose), history)


def allows(tx: Tx, patient_id: PatientId, purpose: Purpose) -> bool:
    """Whether the patient's words may be used so now.  Raises NotFound, NotYourPatient, CannotOpen."""
    return find_standing(tx.consents.list(patient_id), purpose).is_allowed


def check_consent(where: Store | Tx, by: SignedIn, patient_id: PatientId, purpose: Purpose) -> None:
    """Raises ConsentMissing where the patient has not agreed, NotFound, NotYourPatient, CannotOpen."""
    if isinstance(where, Store):
        with where.read(by) as tx:
            allowed = allows(tx, patient_id, purpose)
    else:
        allowed = allows(where, patient_id, purpose)
    if not allowed:
        raise ConsentMissing(
            f"patient {patient_id} has not agreed to {_PLAIN[purpose]}",
            hint="everything else goes on working; the consent page has the answers and the form",
        )


def drop_unneeded_versions(tx: Tx, patient_id: PatientId) -> None:
    """Earlier versions of signed drafts are evidence to train on; without consent to that they go."""
    if not (allows(tx, patient_id, Purpose.OWN_TRAINING) or allows(tx, patient_id, Purpose.SHARED_TRAINING)):
        tx.drafts.drop_history(patient_id)


@again
def record_answers(
    store: Store,
    by: SignedIn,
    *,
    patient_id: PatientId,
    answers: Mapping[Purpose, Answer],
    on: date | None = None,
    signed_by: Signer = Signer.PATIENT,
    remark: str = "",
) -> Consents:
    """What counts from this moment on.

    Runs that learn from who now says no are broken off, shared adapters that have learnt are marked.

    `on` is the day on the form, today where none is given.
    Raises BadInput for no answer, a day to come or an overlong remark, NotFound, NotYourPatient.
    """
    remark = _check_remark(remark)
    if not answers:
        raise BadInput("no answer was given", hint="choose yes or no for one use", reason="no-answer")
    today = _today(store.clock(), by.counsellor.zone)
    on = on or today
    if on > today:
        raise BadInput(
            "the day of a consent cannot lie ahead", hint="give the day on the form", reason="day-ahead"
        )
    with store.write(by) as tx:
        check_may_change(tx, patient_id)
        for purpose, answer in answers.items():
            given = tx.consents.add(
                Consent(ConsentId(store.new_id()), patient_id, purpose, answer, on, signed_by, remark)
            )
            act = Act.CONSENT_GIVEN if answer == Answer.YES else Act.CONSENT_REFUSED
            tx.audit.write(act, Kind.CONSENT, given.id)
        drop_unneeded_versions(tx, patient_id)
        if answers.get(Purpose.OWN_TRAINING) == Answer.NO:
            break_off(tx, tx.adapters.list_in_training(patient_id, shared=False))
        if answers.get(Purpose.SHARED_TRAINING) == Answer.NO:
            break_off(tx, tx.adapters.list_in_training(patient_id, shared=True))
            tx.adapters.mark_to_retrain(patient_id)
        return get_consents(tx, patient_id)


def break_off(tx: Tx, adapter_ids: Iterable[AdapterId]) -> None:
    """End the runs of these adapters and destroy what they have brought; a run's job bears the same id."""
    for adapter_id in adapter_ids:
        with suppress(NotFound):
            tx.jobs.cancel(JobId(adapter_id))
        tx.adapters.files.break_off(adapter_id)
        tx.audit.write(Act.TRAINING_STOPPED, Kind.ADAPTER, adapter_id)


class Withdrawn:
    """A stop that also comes when consent is withdrawn, or the patient erased, while a model is at work."""

    def __init__(
        self,
        stop: Stop,
        store: Store,
        by: SignedIn,
        patient_id: PatientId,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop, self._store, self._by, self._patient_id = stop, store, by, patient_id
        self._ticks = ticks
        self._asked_at = ticks()
        self._is_over = False

    def is_set(self) -> bool:
        if self._is_over or self._stop.is_set():
            return True
        if self._ticks() - self._asked_at >= ASK_AGAIN_S:
            self._asked_at = self._ticks()
            self._is_over = not self._still_allowed()
        return self._is_over

    def _still_allowed(self) -> bool:
        try:
            with self._store.read(self._by) as tx:
                return allows(tx, self._patient_id, Purpose.DRAFTING)
        except (NotFound, NotYourPatient, VaultError):
            return False
        except StoreError:
            # A store that is away for a moment has withdrawn nothing; what is written asks it again.
            return True


def _check_remark(remark: str) -> str:
    if len(remark.strip()) > REMARK_CHARACTERS_MAX:
        raise BadInput(f"the remark is longer than {REMARK_CHARACTERS_MAX} characters", hint="shorten it")
    return remark.strip()


def _today(now: datetime, zone: str) -> date:
    try:
        return now.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return now.date()
