"""What every page works with: the store, the model, the clock, and the plain values of this installation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from phyassist.domain.chats import ThreadId
from phyassist.domain.clock import Clock
from phyassist.domain.learning import Limits
from phyassist.domain.people import Jurisdiction, Language, PatientId
from phyassist.domain.records import ConsultationId
from phyassist.domain.workers import WorkerLine
from phyassist.errors import ModelError, UnknownName
from phyassist.lm.protocol import ForgetsPrompts, LanguageModel
from phyassist.services.embedding import Shelver
from phyassist.services.library import Embedder
from phyassist.services.running import RunKeeper
from phyassist.services.warming import Warmer
from phyassist.web.wording import Words, choose_language, make_words

if TYPE_CHECKING:
    from phyassist.store.people import SignedIn
    from phyassist.store.transactions import Store

THEMES = ("auto", "light", "dark")
LANGUAGE_COOKIE = "phyassist_language"
THEME_COOKIE = "phyassist_theme"
LOGIN_COOKIE = "phyassist_login"
# A browser takes a cookie of this name over TLS alone, from this very host, and for its every page.
SEALED_LOGIN_COOKIE = f"__Host-{LOGIN_COOKIE}"


class Warming:
    """Has the model read ahead what the next question begins with; keeps quiet where there is none."""

    def __init__(self) -> None:
        self._warmer: Warmer | None = None
        self._lock = threading.Lock()

    def warm(self, house: House, by: SignedIn, patient_id: PatientId, meeting: ConsultationId) -> None:
        warmer = self._find(house)
        if warmer is not None:
            warmer.warm_soon(by, patient_id=patient_id, consultation_id=meeting)

    def warm_chat(
        self,
        house: House,
        by: SignedIn,
        patient_id: PatientId | None,
        *,
        thread_id: ThreadId | None,
        interface: Language,
        meeting: ConsultationId | None = None,
    ) -> None:
        warmer = self._find(house)
        if warmer is not None:
            warmer.warm_chat_soon(
                by,
                patient_id=patient_id,
                thread_id=thread_id,
                interface=interface,
                consultation_id=meeting,
            )

    def _find(self, house: House) -> Warmer | None:
        try:
            model = house.model()
        except (ModelError, UnknownName):
            return None
        with self._lock:
            self._warmer = self._warmer or Warmer(house.store, model)
            return self._warmer

    def forget(self, patient_id: PatientId) -> None:
        with self._lock:
            if self._warmer is not None:
                self._warmer.forget(patient_id)

    def close(self) -> None:
        with self._lock:
            if self._warmer is not None:
                self._warmer.close()


@dataclass(frozen=True, slots=True)
class House:
    """`model` gives the open language model; it raises ModelMissing or UnknownName where there is none.

    `is_model_here`: it is a file that this computer runs, not a server's.
    `limits` say how much may be learnt; `worker` is what this computer trains with, to be admitted with the
    first run.
    """

    store: Store
    model: Callable[[], LanguageModel]
    clock: Clock
    language: str
    jurisdiction: Jurisdiction
    upload_bytes_max: int
    zone: str
    runs: RunKeeper
    limits: Limits = field(default_factory=Limits)
    is_model_here: bool = True
    worker: WorkerLine | None = None
    warming: Warming = field(default_factory=Warming)
    embedder: Embedder | None = None
    shelver: Shelver | None = None

    def forget(self, patient_id: PatientId) -> None:
        """Keep nothing of a patient in memory who was erased, or whom no model may read any more."""
        self.warming.forget(patient_id)
        try:
            model = self.model()
        except (ModelError, UnknownName):
            return
        if isinstance(model, ForgetsPrompts):
            model.forget_prompts()


def get_house(request: Request) -> House:
    return cast(House, request.app.state.house)


def is_sealed(request: Request) -> bool:
    """Whether the way from the browser is encrypted, by us or by a proxy that we were told to believe."""
    return request.url.scheme == "https"


def get_login(request: Request) -> str:
    """The login that the browser carries; empty where there is none."""
    return request.cookies.get(name_login(request), "")


def name_login(request: Request) -> str:
    return SEALED_LOGIN_COOKIE if is_sealed(request) else LOGIN_COOKIE


def get_words(request: Request, default: str = "", client_word: str = "") -> Words:
    said = request.cookies.get(LANGUAGE_COOKIE, "") or default
    accepts = request.headers.get("accept-language", "")
    return make_words(choose_language(said, accepts, get_house(request).language), client_word)


def get_theme(request: Request) -> str:
    said = request.cookies.get(THEME_COOKIE, "auto")
    return said if said in THEMES else "auto"
