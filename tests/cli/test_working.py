"""`phyassist workers` and `phyassist worker` as typed, and the worker that a server starts by itself."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.cli.keeping import WorkerKeeper
from phyassist.cli.learning import card_as_json
from phyassist.domain.adapters import FORMS, AdapterKind, OwnForm, write_forms
from phyassist.domain.drafts import Section
from phyassist.domain.jobs import JobState
from phyassist.domain.people import Patient
from phyassist.services.learning_runs import get_run
from phyassist.services.workers import load_worker
from phyassist.settings import load_settings
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.cli.conftest import FAST_COST, Cli
from tests.conftest import Clock
from tests.services.runs import sign_notes, start
from tests.store.making import make_adapter


def test_a_computer_is_shown_admitted_listed_and_removed(cli: Cli, invented: Path, tmp_path: Path) -> None:
    far = cli("--home", str(tmp_path / "far"), "workers", "show")

    before = cli("worker", "--once")
    admitted = [cli("workers", "admit"), cli("workers", "admit", far.out.strip())]
    after = cli("worker", "--once")
    listed = json.loads(cli("workers", "list", "--json").out)
    removed = cli("workers", "remove", far.out.split(":", maxsplit=1)[0])

    assert (before.code, "PA-TRAINING-WORKER" in before.err) == (1, True)
    assert [ran.code for ran in (*admitted, after, removed)] == [0, 0, 0, 0]
    assert [bool(one["seen_at"]) for one in listed] == [True, False]
    assert [one["fingerprint"] in far.err for one in listed] == [False, True]
    assert [one["id"] for one in json.loads(cli("workers", "list", "--json").out)] == [listed[0]["id"]]


def test_a_server_starts_its_own_worker_when_a_run_waits(
    store: Store,
    anna: SignedIn,
    patient: Patient,
    clock: Clock,
    home: Path,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PHYASSIST_STORE_URL", store_url)
    sign_notes(store, anna, patient, clock)
    worker = load_worker(home)
    asked = start(store, anna, [patient], worker)

    with (
        open_store(store_url, passphrase_cost=FAST_COST) as own,
        # A low priority would wait for ever on a machine that runs other tests.
        WorkerKeeper(load_settings(), own, worker, nice=0),
    ):
        end = time.monotonic() + 120
        while not (run := get_run(store, anna, run_id=asked.id)).job.is_over and time.monotonic() < end:
            time.sleep(1.0)

    # The base model of these tests is on no computer: the worker looked for it, and said so.
    assert (run.job.state, run.job.error_code) == (JobState.FAILED, "PA-MODEL-MISSING")


def test_a_listed_assistant_says_where_it_has_a_form_of_its_own_and_no_word_of_it() -> None:
    own = OwnForm(("^Thought: .{2,80}$",), (3, 3), ("Thought: ", ""))
    card = make_adapter(None, AdapterKind.COUNSELLOR)
    listed = card_as_json(
        replace(card, config={"rank": "8", FORMS: write_forms({"en": {Section.REASON: own}})})
    )

    assert listed["config"] == {"rank": "8"}
    assert listed["own_forms"] == {"en": ["reason"]}
    assert "Thought" not in json.dumps(listed)
