"""`phyassist learning train`, `merge`, `runs`, `cancel`, `use`, `withdraw`; a worker's tools cost nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phyassist.domain.people import Patient
from phyassist.lm.catalogue import get_catalogue_model
from phyassist.services.learning_runs import Base
from phyassist.services.workers import load_worker
from phyassist.services.working import work_once
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.cli.conftest import Cli
from tests.conftest import PASSPHRASE, Clock
from tests.services.runs import TakingModel, make_tools, sign_notes

MODEL = "qwen2.5-coder-0.5b-instruct"


@pytest.fixture
def taught(
    store: Store,
    anna: SignedIn,
    patient: Patient,
    clock: Clock,
    home: Path,
    store_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Patient:
    """A patient who agreed and has two notes, in a practice that a terminal can open."""
    sign_notes(store, anna, patient, clock)
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
    monkeypatch.setenv("PHYASSIST_PASSPHRASE_FILE", str(secret))
    monkeypatch.setenv("PHYASSIST_STORE_URL", store_url)
    # Which model it is for is known by name; nothing is asked of the server.
    monkeypatch.setenv("PHYASSIST_MODEL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PHYASSIST_MODEL_BASE", MODEL)
    return patient


def list_runs(cli: Cli) -> list[dict[str, Any]]:
    return list(json.loads(cli("learning", "runs", "--json").out))


def list_states(cli: Cli, *patient: str) -> list[str]:
    return [each["state"] for each in json.loads(cli("learning", "adapters", *patient, "--json").out)]


def work(store: Store, home: Path) -> None:
    base = Base(MODEL, get_catalogue_model(MODEL).sha256)
    work_once(store, load_worker(home), make_tools(TakingModel(base)))


def train_whole(cli: Cli, store: Store, home: Path, *how: str) -> str:
    run = cli("learning", "train", *how).out.strip()
    work(store, home)
    return run


def test_a_run_is_begun_seen_and_broken_off(cli: Cli, taught: Patient) -> None:
    before = cli("learning", "runs")
    begun = cli("learning", "train", taught.number)
    twice = cli("learning", "train", taught.number)
    waiting, seen = list_runs(cli), cli("learning", "runs")
    off = cli("learning", "cancel", begun.out.strip()[:8])

    assert (before.out, "no runs yet" in before.err) == ("", True)
    assert [begun.code, twice.code, off.code] == [0, 1, 0]
    assert "in training" in twice.err
    assert [(run["id"], run["kind"], run["patient"], run["state"]) for run in waiting] == [
        (begun.out.strip(), "patient", taught.id, "waiting")
    ]
    assert waiting[0]["steps"] > 0
    assert begun.out[:8] in seen.out
    assert taught.id[:8] in seen.out
    assert [run["state"] for run in list_runs(cli)] == ["cancelled"]
    assert list_states(cli, taught.number) == []


def test_what_a_worker_made_is_used_and_withdrawn(
    cli: Cli, taught: Patient, store: Store, home: Path
) -> None:
    run = cli("learning", "train", taught.number).out.strip()
    work(store, home)
    done, made = list_runs(cli), list_states(cli, taught.number)

    used = cli("learning", "use", run[:8])
    in_use = list_states(cli, taught.number)
    withdrawn = cli("learning", "withdraw", run[:8])
    late = cli("learning", "cancel", run)

    assert [(each["state"], each["phase"], each["error"]) for each in done] == [("done", "", "")]
    assert made != ["training"]
    assert [used.code, withdrawn.code, late.code] == [0, 0, 0]
    assert in_use == ["accepted"]
    assert "was over" in late.err
    assert list_states(cli, taught.number) == ["withdrawn"]


def test_a_shared_one_learns_from_all_who_agreed_and_a_set_under_its_name(cli: Cli, taught: Patient) -> None:
    own = cli("learning", "train", "--kind", "counsellor", "--json")
    some = cli("learning", "train", "--kind", "set", "--name", "mornings", taught.number)

    assert [own.code, some.code] == [0, 0]
    assert json.loads(own.out)["kind"] == "counsellor"
    assert {run["kind"] for run in list_runs(cli)} == {"counsellor", "set"}
    assert [card["label"] for card in json.loads(cli("learning", "adapters", "--json").out)] == [
        "mornings",
        "",
    ]


def test_two_become_one_that_is_measured_on_a_note_that_neither_has_read(
    cli: Cli, taught: Patient, store: Store, anna: SignedIn, clock: Clock, home: Path
) -> None:
    sign_notes(store, anna, taught, clock, count=2)
    two = [
        train_whole(cli, store, home, taught.number),
        train_whole(cli, store, home, "--kind", "set", "--name", "mornings", taught.number),
    ]

    begun = cli("learning", "merge", *(each[:8] for each in two), "--patient", taught.number, "--way", "svd")
    waiting = list_runs(cli)
    work(store, home)
    merged = json.loads(cli("learning", "adapters", taught.number, "--json").out)

    assert begun.code == 0
    assert "2 adapters become one" in begun.err
    assert (waiting[0]["id"], waiting[0]["state"]) == (begun.out.strip(), "waiting")
    assert [run["state"] for run in list_runs(cli)] == ["done"] * 3
    assert begun.out.strip() in {each["id"] for each in merged}


def test_what_was_merged_once_is_not_merged_with_its_own_parts(
    cli: Cli,
    taught: Patient,
    store: Store,
    anna: SignedIn,
    clock: Clock,
    home: Path,
) -> None:
    sign_notes(store, anna, taught, clock, count=2)
    shared = ("--kind", "set", "--name", "mornings", taught.number)
    two = [train_whole(cli, store, home, *shared), train_whole(cli, store, home, *shared)]
    merged = cli("learning", "merge", *two, "--name", "both").out.strip()
    work(store, home)

    again = cli("learning", "merge", merged, two[0], "--name", "again")
    unnamed = cli("learning", "merge", *two)
    alone = cli("learning", "merge", two[0], "--name", "one")
    wrong = cli("learning", "merge", *two, "--name", "both", "--way", "stir")

    assert [each.code for each in (again, unnamed, alone, wrong)] == [1, 1, 1, 1]
    assert "built on another, or both on the same" in again.err
    assert "needs a name of up to 60 characters" in unnamed.err
    assert "one adapter alone is not merged" in alone.err
    assert "there is no way stir of merging" in wrong.err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("train",), "a patient's adapter is of one patient"),
        (("train", "--kind", "practice", "0231"), "names no patient"),
        (("train", "--kind", "set", "0231"), "needs a name"),
        (("train", "0231", "--on", "ffff"), "0 adapters begin so"),
        (("use", "ffff"), "0 adapters begin so"),
        (("cancel", ""), "0 adapters begin so"),
        (("merge", "ffff", "eeee"), "0 adapters begin so"),
    ],
)
def test_what_cannot_be_is_a_sentence(cli: Cli, taught: Patient, typed: tuple[str, ...], said: str) -> None:
    ran = cli("learning", *typed)

    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


def test_without_a_known_model_nothing_begins(
    cli: Cli, taught: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHYASSIST_MODEL_BASE")

    ran = cli("learning", "train", taught.number)

    assert (ran.code, "model_base" in ran.err) == (1, True)


def test_without_the_models_file_its_own_sentence_stands_and_the_examples_are_seen(
    cli: Cli, taught: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHYASSIST_MODEL_URL")
    monkeypatch.setenv("PHYASSIST_MODEL", MODEL)

    ran, seen = cli("learning", "train", taught.number), cli("learning", "show", taught.number)

    assert (ran.code, "PA-MODEL-MISSING" in ran.err, "server" in ran.err) == (1, True, False)
    assert seen.code == 0
