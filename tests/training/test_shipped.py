"""The adapters of this repository are whole, small, marked, and those whose scores are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from phyassist.lm.bundle import CARD, MANIFEST, SUMS, read_sums, refuse_pickles, verify_sums
from phyassist.lm.shipped import get_shipped, list_shipped
from phyassist.training.heads.model import identify_heads
from phyassist.training.model_card import render_model_card

ROOT = Path(__file__).parents[2]
FREE = get_shipped("drafts-zh").folder
FOLDERS = [*sorted(path.parent for path in (ROOT / "adapters").glob(f"*/{MANIFEST}")), FREE]
HEADS = [folder for folder in FOLDERS if (folder / "heads.json").is_file()]
BYTES_MAX = 25_000_000
IMHI = ["DR", "Irf", "MultiWD", "SAD", "dreaddit"]


def test_there_is_one_for_every_set_of_imhi() -> None:
    best = json.loads((ROOT / "docs/results/imhi.json").read_text("utf-8"))["best"]

    assert best["adapters"] == [folder.relative_to(ROOT).as_posix() for folder in HEADS]
    assert sorted(best["weighted_f1"]) == IMHI


def test_every_card_tells_the_scores_of_the_sets_that_its_heads_know_and_by_whom_they_are_read() -> None:
    """Of several that know a set the mean was scored: each card says so, and the same score."""
    known = {
        folder: [ask["set"] for ask in json.loads((folder / "heads.json").read_text("utf-8"))["asks"]]
        for folder in HEADS
    }
    for folder in HEADS:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        told = {name: scores for scores in manifest["scores"] for name in scores["sets"]}
        assert set(told) == set(manifest["sets"]) == set(known[folder])
        for name, scores in told.items():
            assert sorted(scores["heads"]) == [each.name for each in HEADS if name in known[each]]

    assert {name for sets in known.values() for name in sets} == set(IMHI)


def test_those_for_imhi_are_small_together() -> None:
    files = (path for folder in HEADS for path in folder.rglob("*") if path.is_file())

    assert sum(path.stat().st_size for path in files) < BYTES_MAX


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_is_whole_and_small(folder: Path, tmp_path: Path) -> None:
    sums = read_sums(folder / SUMS)

    # What is damaged would be removed.
    verify_sums(shutil.copytree(folder, tmp_path / "copy"), sums)
    refuse_pickles(sums)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < BYTES_MAX
    assert "not for patients" in (folder / CARD).read_text("utf-8").lower()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_its_card_is_what_its_manifest_says(folder: Path) -> None:
    pytest.importorskip(
        "huggingface_hub", reason="huggingface_hub is missing: pip install 'phyassist[train]'"
    )
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))

    assert (folder / CARD).read_text("utf-8") == render_model_card(manifest, has_curves=False)


@pytest.mark.parametrize("folder", HEADS, ids=lambda folder: folder.name)
def test_what_learnt_from_imhi_is_for_research_alone_and_tells_its_scores(folder: Path) -> None:
    sums = read_sums(folder / SUMS)
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    best = json.loads((ROOT / "docs/results/imhi.json").read_text("utf-8"))["best"]

    assert manifest["research_only"]
    assert best["heads_sha256"][folder.name] == identify_heads(folder)
    assert best["files_sha256"][folder.name].items() <= sums.items()
    assert manifest["scores"]
    for scores in manifest["scores"]:
        assert {name: each["weighted_f1"] for name, each in scores["sets"].items()}.items() <= best[
            "weighted_f1"
        ].items()


def test_nothing_for_research_alone_is_offered_to_a_practice() -> None:
    manifests = [json.loads((each.folder / MANIFEST).read_text("utf-8")) for each in list_shipped()]

    assert [manifest["research_only"] for manifest in manifests] == [False]


def test_the_workspaces_own_is_free_and_answers_where_it_was_measured_to_help() -> None:
    manifest = json.loads((FREE / MANIFEST).read_text("utf-8"))
    measured = json.loads((ROOT / "docs/results/workspace-adapter.json").read_text("utf-8"))

    assert not manifest["research_only"]
    assert all(not source["research_only"] for source in manifest["data"]["sources"])
    facts = {
        language: [measured["cases"][arm][language]["facts_used"]["hits"] for arm in ("base", "adapter")]
        for language in ("zh", "en")
    }
    assert manifest["answers_in"] == [name for name, (base, adapter) in facts.items() if adapter > base]
    assert "| facts used ↑ |" in (FREE / "README.md").read_text("utf-8")
