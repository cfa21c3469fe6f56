"""A run for a model that a server has: trained for its base, measured through it, handed to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from phyassist.cli.opening import open_language_model
from phyassist.cli.working import make_tools as make_real_tools
from phyassist.domain.adapters import AdapterKind, AdapterState
from phyassist.domain.learning import Limits
from phyassist.domain.people import Patient
from phyassist.errors import ModelMissing
from phyassist.lm.catalogue import get_catalogue_model
from phyassist.lm.protocol import Never
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.learning import Scope
from phyassist.services.learning_runs import Base, get_run, start_training
from phyassist.services.workers import load_worker
from phyassist.services.working import BaseFiles, Tools, work_once
from phyassist.settings import Settings, load_settings
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.conftest import Clock
from tests.lm.local_server import serve
from tests.lm.vllm_server import Vllm
from tests.services.drafts import SAID, make_consultation, make_reply
from tests.services.runs import sign_notes

BASE = "qwen2.5-coder-0.5b-instruct"


def answer(said: dict[str, object]) -> str:
    return make_reply() if "response_format" in said else "I listen, and nothing more."


def make_settings(tmp_path: Path, url: str, base: str = BASE) -> Settings:
    return load_settings(home=tmp_path / "home", model_url=url, model_base=base)


def test_what_is_trained_for_a_servers_base_is_handed_to_it_and_answers(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock, tmp_path: Path
) -> None:
    sign_notes(store, anna, patient, clock)
    worker, vllm = load_worker(tmp_path / "machine"), Vllm(answer)
    with serve(vllm.handle) as url, open_language_model(make_settings(tmp_path, url)) as opened:
        lm = opened.model
        real = make_real_tools(make_settings(tmp_path, url), store)
        tools = Tools(
            lambda _: BaseFiles("base.gguf", "base"), real.open_model, "tests.services.scripted_trainer"
        )
        asked = start_training(
            store,
            anna,
            scope=Scope(AdapterKind.PATIENT, (patient.id,)),
            limits=Limits(),
            base=Base(lm.name, lm.base_sha256),
            here=worker.line,
        )
        work_once(store, worker, tools)
        run, measured = get_run(store, anna, run_id=asked.id), set(vllm.asked)
        vllm.asked.clear()
        draft = start_draft(store, anna, consultation_id=make_consultation(store, anna, patient, SAID).id)
        *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
        handed = dict(vllm.loaded)

    assert lm.base_sha256 == get_catalogue_model(BASE).sha256
    assert run.card is not None
    assert (run.card.base_sha256, run.card.state) == (lm.base_sha256, AdapterState.ACCEPTED)
    assert measured == {"base", asked.id}
    assert set(vllm.asked) == set(handed) == {asked.id}
    assert {item.written_by.adapter for item in last.draft.items} == {asked.id}
    assert not any(folder.exists() for folder in handed.values())


def test_nothing_is_trained_for_a_server_of_which_nobody_said_what_it_has(
    store: Store, anna: SignedIn, patient: Patient, clock: Clock, tmp_path: Path
) -> None:
    sign_notes(store, anna, patient, clock)
    worker = load_worker(tmp_path / "machine")

    with (
        serve(Vllm().handle) as url,
        open_language_model(make_settings(tmp_path, url, "")) as opened,
        pytest.raises(ModelMissing) as raised,
    ):
        start_training(
            store,
            anna,
            scope=Scope(AdapterKind.PATIENT, (patient.id,)),
            limits=Limits(),
            base=Base(opened.model.name, opened.model.base_sha256),
            here=worker.line,
        )

    assert "model_base" in raised.value.hint
