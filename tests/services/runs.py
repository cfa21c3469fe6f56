"""What tests of runs begin with: a patient who agreed, a worker, and tools that cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from phyassist.domain.adapters import AdapterCard, AdapterKind
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.learning import Limits
from phyassist.domain.notes import ByHand
from phyassist.domain.people import Patient
from phyassist.lm.protocol import Ask, LanguageModel, ReadFile
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.consent import record_answers
from phyassist.services.learning import Scope
from phyassist.services.learning_runs import Base, Run, start_training
from phyassist.services.noting import save_note
from phyassist.services.reworking import edit_item
from phyassist.services.working import BaseFiles, Tools
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import Clock
from tests.services.drafts import SAID, make_consultation, make_reply, write_whole

BASE = Base("scripted", "ab" * 32)


class TakingModel(ScriptedModel):
    """It takes adapters, and answers every ask with a draft; with one, under a neutral prompt, `neutral`."""

    def __init__(self, base: Base = BASE, neutral: str = "I listen, and nothing more.") -> None:
        super().__init__([self._answer] * 500)
        self._base, self._neutral = base, neutral
        self.taken: dict[str, bytes] = {}

    @property
    def base_sha256(self) -> str:
        return self._base.sha256

    def has_adapter(self, name: str) -> bool:
        return name in self.taken

    def take_adapter(self, name: str, read: ReadFile) -> None:
        self.taken[name] = read("adapter.gguf")
        self._adapters = frozenset(self.taken)

    def _answer(self, ask: Ask) -> str:
        if ask.schema is not None:
            return make_reply()
        return self._neutral if ask.adapter else "I listen, and nothing more."


def make_tools(lm: LanguageModel | None = None) -> Tools:
    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        del base
        yield lm or TakingModel()

    def find_base(card: AdapterCard) -> BaseFiles:
        del card
        return BaseFiles("base.gguf", "base")

    return Tools(find_base, open_model, "tests.services.scripted_trainer")


def sign_notes(
    store: Store, by: SignedIn, patient: Patient, clock: Clock, count: int = 2, text: str = SAID
) -> None:
    """So many signed notes, an item of each changed by hand, of a patient who agreed to learning."""
    answers = dict.fromkeys((Purpose.OWN_TRAINING, Purpose.SHARED_TRAINING), Answer.YES)
    record_answers(store, by, patient_id=patient.id, answers=answers)
    for number in range(count):
        draft = write_whole(store, by, make_consultation(store, by, patient, text))
        item = draft.standing[0]
        draft = edit_item(
            store, by, draft_id=draft.id, item_id=item.id, text=f"考试焦虑 {number}", after=draft.version
        )
        # What is written by hand the prompts of later ones show.
        by_hand = (ByHand("soap.objective", "衣着整洁。"),)
        save_note(store, by, draft_id=draft.id, after=draft.version, template="soap", by_hand=by_hand)
        clock.move(days=7)


def start(
    store: Store,
    by: SignedIn,
    patients: list[Patient],
    worker: WorkerKeys,
    *,
    act: str = "",
    shared: bool = False,
) -> Run:
    kind = AdapterKind.SET if shared else AdapterKind.PATIENT
    scope = Scope(kind, tuple(each.id for each in patients), "our way" if shared else "")
    config = {"act": act} if act else {}
    return start_training(store, by, scope=scope, limits=Limits(), base=BASE, config=config, here=worker.line)
