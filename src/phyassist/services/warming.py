"""Reading in advance: the engine reads record, notes and text while the counsellor still looks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from phyassist.domain.chats import ThreadId
from phyassist.domain.consents import Purpose
from phyassist.domain.people import Language, PatientId
from phyassist.domain.records import ConsultationId
from phyassist.errors import PhyAssistError
from phyassist.lm.protocol import LanguageModel, Message
from phyassist.prompts.layout import get_system_message
from phyassist.services.adapters import choose_for
from phyassist.services.answering import warm_chat
from phyassist.services.consent import check_consent
from phyassist.services.prompting import fit_case, load_case
from phyassist.services.shelving import make_ready
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

_log = logging.getLogger(__name__)


def warm_patient(
    store: Store,
    lm: LanguageModel,
    by: SignedIn,
    *,
    patient_id: PatientId,
    consultation_id: ConsultationId | None = None,
) -> None:
    """Have the engine read what a prompt about this patient will begin with; returns when it is read.

    With a consultation, its text too.  Gives way to anybody who asks for an answer.
    Raises NotFound, NotYourPatient, ConsentMissing, EngineDown, PromptTooLong.
    """
    with store.read(by) as tx:
        consultation = None if consultation_id is None else tx.consultations.get(consultation_id)
        check_consent(tx, by, patient_id, Purpose.DRAFTING)
        case = load_case(tx, patient_id, consultation)
        choice = choose_for(
            tx, patient_id, lm.base_sha256, consultation.adapter_wanted if consultation else ""
        )
    choice = make_ready(store, by, lm, choice)
    fitted = fit_case(case, lm)
    messages = (get_system_message(case.language), Message("user", fitted.prefix))
    lm.warm(messages, choice.card.id if choice.card else "")


class Warmer:
    """Warms in the background: when a patient is opened, and when typing pauses.  `close` it at the end.

    What was asked for last is read next; what was asked for before it and has not begun is dropped.
    """

    def __init__(self, store: Store, lm: LanguageModel) -> None:
        self._store, self._lm = store, lm
        self._changed = threading.Condition()
        self._next: tuple[PatientId | None, Callable[[], None]] | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="warming", daemon=True)
        self._thread.start()

    def warm_soon(
        self, by: SignedIn, *, patient_id: PatientId, consultation_id: ConsultationId | None = None
    ) -> None:
        """Come back at once; the reading is done when the engine has nothing else to do."""
        read = partial(
            warm_patient, self._store, self._lm, by, patient_id=patient_id, consultation_id=consultation_id
        )
        self._read_next(patient_id, read)

    def warm_chat_soon(
        self,
        by: SignedIn,
        *,
        patient_id: PatientId | None,
        thread_id: ThreadId | None,
        interface: Language,
        consultation_id: ConsultationId | None = None,
    ) -> None:
        """The same for what the next question of a conversation begins with."""
        read = partial(
            warm_chat,
            self._store,
            self._lm,
            by,
            patient_id=patient_id,
            thread_id=thread_id,
            interface=interface,
            consultation_id=consultation_id,
        )
        self._read_next(patient_id, read)

    def forget(self, patient_id: PatientId) -> None:
        """Begin no reading of this patient, who was erased."""
        with self._changed:
            if self._next is not None and self._next[0] == patient_id:
                self._next = None

    def close(self, *, wait_s: float = 1.0) -> None:
        """Begin nothing more; a reading that has begun ends with the engine."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(wait_s)

    def _read_next(self, patient_id: PatientId | None, read: Callable[[], None]) -> None:
        with self._changed:
            self._next = (patient_id, read)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._next is not None)
                if self._is_closed or self._next is None:
                    return
                (_, read), self._next = self._next, None
            try:
                read()
            except PhyAssistError as error:
                # Nobody waits for this: what is wrong will be said to whoever asks for an answer.
                _log.info("nothing was read in advance (%s)", error.code)
