"""What keeps a computer from training, as the page of the assistant says it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from phyassist.domain.people import Patient
from phyassist.services.learning_runs import Base
from phyassist.services.workers import admit_worker, load_worker, see_worker
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.store.workers import WorkerKeys
from tests.conftest import Clock
from tests.services.runs import TakingModel
from tests.web.driving import Driven, no_model, open_workspace
from tests.web.test_assistant_pages import is_open, page_of, sign


@pytest.fixture
def pages(store: Store, anna: SignedIn, worker: WorkerKeys) -> Iterator[Driven]:
    with open_workspace(store, anna, model=TakingModel, worker=worker.line) as driven:
        yield driven


@pytest.fixture
def worker(tmp_path: Path) -> WorkerKeys:
    return load_worker(tmp_path / "machine")


def test_where_no_computer_can_train_the_page_says_what_to_install(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(pages, patient, clock)
    shared = {"kind": "counsellor"}
    # As where the training libraries are not installed: they are looked for and not found.
    monkeypatch.setitem(sys.modules, "torch", None)

    without = page_of(pages, patient)
    without_shared = pages.http.get("/practice/assistant", params=shared).text
    admit_worker(pages.store, pages.by, line=worker.line)
    silent = page_of(pages, patient)
    see_worker(pages.store, worker)
    there = page_of(pages, patient)

    for page in (without, without_shared, silent):
        assert "This computer cannot train: the training libraries are not installed." in page
    assert "This computer cannot train" not in there
    assert [is_open(page) for page in (without, silent, there)] == [False, False, True]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (None, "There is no model to train for."),
        (TakingModel(Base("served", "")), "nobody has said which one it has"),
    ],
)
def test_without_a_model_or_its_files_name_the_page_says_so(
    store: Store,
    anna: SignedIn,
    patient: Patient,
    clock: Clock,
    worker: WorkerKeys,
    model: TakingModel | None,
    said: str,
) -> None:
    found = no_model if model is None else (lambda: model)
    with open_workspace(store, anna, model=found, worker=worker.line) as pages:
        sign(pages, patient, clock)
        page = page_of(pages, patient)

    assert said in page
    assert not is_open(page)


def test_a_system_without_files_in_memory_is_said_before_anything_is_trained(
    pages: Driven, patient: Patient, clock: Clock, worker: WorkerKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on macOS and Windows.
    monkeypatch.delattr(os, "memfd_create")
    sign(pages, patient, clock)
    admit_worker(pages.store, pages.by, line=worker.line)
    see_worker(pages.store, worker)

    page = page_of(pages, patient)

    assert "Assistants cannot be trained or used on this system" in page
    assert not is_open(page)
