"""The adapters of this repository are whole, small, marked, and those whose scores are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from phyassist.training.bundle import MANIFEST, SUMS, read_sums, refuse_pickles, verify_sums

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "adapters").glob(f"*/{MANIFEST}"))
BYTES_MAX = 25_000_000


def test_there_is_one_for_every_set_of_imhi() -> None:
    best = json.loads((ROOT / "docs/results/imhi.json").read_text("utf-8"))["best"]

    assert best["adapters"] == [folder.relative_to(ROOT).as_posix() for folder in FOLDERS]
    assert sorted(best["weighted_f1"]) == ["DR", "Irf", "MultiWD", "SAD", "dreaddit"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_is_whole_small_and_for_research_alone(folder: Path, tmp_path: Path) -> None:
    sums = read_sums(folder / SUMS)
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    best = json.loads((ROOT / "docs/results/imhi.json").read_text("utf-8"))["best"]

    # What is damaged would be removed.
    verify_sums(shutil.copytree(folder, tmp_path / "copy"), sums)
    refuse_pickles(sums)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < BYTES_MAX
    assert manifest["research_only"]
    assert "not for patients" in (folder / "README.md").read_text("utf-8").lower()
    assert best["heads_sha256"][folder.name] == sums["heads.safetensors"]
    for scores in manifest["scores"]:
        assert {name: each["weighted_f1"] for name, each in scores["sets"].items()}.items() <= best[
            "weighted_f1"
        ].items()
