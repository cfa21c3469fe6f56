"""Once with everything real: notes, a run, its worker, a model trained, heard by the gate, the next draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from phyassist.domain.adapters import AdapterCard, AdapterKind, AdapterState, VerdictReason
from phyassist.domain.jobs import JobState
from phyassist.domain.learning import Limits
from phyassist.domain.people import Patient
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.hashing import load_sha256
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.services import gate
from phyassist.services.adapters import use_adapter
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.learning import Scope
from phyassist.services.learning_runs import Base, get_run, start_training
from phyassist.services.workers import load_worker
from phyassist.services.working import BaseFiles, Tools, work_once
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.models import cut_model
from tests.services.drafts import SAID, make_consultation
from tests.services.runs import sign_notes

pytestmark = pytest.mark.model
MODEL = "smollm2-135m-instruct"
# Enough to go every step of the way, and no more.
QUICK = {"steps_max": "1", "examples_per_step": "1", "rank": "2", "alpha": "4", "targets": "q_proj,v_proj"}


def judge_by_numbers(numbers: Mapping[str, float]) -> VerdictReason:
    """The first that speaks against one patient's own, as docs/learning.md has them; raises KeyError where
    something was not measured.
    """
    gain = numbers["loss_before"] - numbers["loss_after"]
    loss_of_likeness = numbers["similarity_before"] - numbers["similarity_after"]
    against = {
        VerdictReason.REMEMBERS: numbers["run_words"] > 12 or numbers["copied_share"] > 0.3,
        VerdictReason.GENERAL_LOST: numbers["general_lost"] > 0 and numbers["general_cases"] > 0,
        VerdictReason.NOT_BETTER: gain <= 0,
        VerdictReason.LESS_LIKE: loss_of_likeness > 0.05,
        VerdictReason.UNCLEAR: gain < 0.01 * numbers["loss_before"],
    }
    return next((reason for reason, is_so in against.items() if is_so), VerdictReason.BETTER)


@pytest.mark.timeout(900)
def test_notes_become_an_adapter_that_writes_the_next_draft(
    store: Store,
    anna: SignedIn,
    patient: Patient,
    clock: Clock,
    tmp_path: Path,
    store_engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if store_engine != "sqlite":
        pytest.skip("the database makes no difference to the model")
    pytest.importorskip("torch")
    path = cut_model(MODEL, tmp_path / f"{MODEL}.gguf", layers=2)
    sha256 = load_sha256(path)
    sign_notes(store, anna, patient, clock)
    worker = load_worker(tmp_path / "machine")
    asked = start_training(
        store,
        anna,
        scope=Scope(AdapterKind.PATIENT, (patient.id,)),
        limits=Limits(),
        base=Base(MODEL, sha256),
        config=QUICK,
        here=worker.line,
    )

    def find_files(card: AdapterCard) -> BaseFiles:
        assert card.base_sha256 == sha256
        return BaseFiles(str(path), str(tmp_path / "base"))

    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        with Engine(Path(base.gguf), sha256=sha256, options=EngineOptions(4096)) as engine:
            yield engine.model

    # The gate hears the very model that was trained: one text from elsewhere, and the beginnings of drafts.
    monkeypatch.setattr(gate, "CASES_MAX", 1)
    monkeypatch.setattr(gate, "REPLY_TOKENS", 100)
    work_once(store, worker, Tools(find_files, open_model))
    run = get_run(store, anna, run_id=asked.id)
    assert (run.job.state, run.job.error_code) == (JobState.DONE, "")
    assert run.card is not None
    use_adapter(store, anna, adapter_id=asked.id)
    draft = start_draft(store, anna, consultation_id=make_consultation(store, anna, patient, SAID).id)
    with Engine(path, sha256=sha256, options=EngineOptions(4096)) as engine:
        *_, last = write_draft(store, engine.model, anna, draft_id=draft.id, stop=Never())

    verdict = run.card.verdict
    assert verdict is not None
    assert run.card.scores == verdict.numbers
    # One step of rank 2 was taken, so that the two losses differ, and what came of it is for the gate to say.
    assert run.card.scores["loss_before"] != run.card.scores["loss_after"]
    assert verdict.reason is judge_by_numbers(run.card.scores)
    is_better = verdict.reason is VerdictReason.BETTER
    assert run.card.state is (AdapterState.ACCEPTED if is_better else AdapterState.KEPT)
    written = [*last.draft.items, *last.draft.unread]
    assert written
    assert {each.written_by.adapter for each in written} == {asked.id}
    # No text and no adapter was put down on the way: the base alone, which is public.
    names = {each.name for each in tmp_path.rglob("*") if each.is_file()}
    assert not {"adapter.gguf", "adapter_model.safetensors", "state.pt"} & names
