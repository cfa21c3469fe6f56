from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.house.tree import ROOT

DATA = ROOT.parent / "shared" / "data"


def test_without_the_public_texts_the_folder_is_asked_for(cli: Cli, tmp_path: Path):
    ran = cli("evaluate", "organise", "--model", "none", "--data", str(tmp_path / "nowhere"))

    assert ran.code == 1
    assert "PA-INPUT" in ran.err


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared folder with public data is not here")
def test_the_scores_are_printed_by_kind_and_language(cli: Cli):
    ran = cli("evaluate", "organise", "--model", "none", "--data", str(DATA), "--json")

    (scored,) = json.loads(ran.out)
    assert ran.code == 0
    assert scored["texts"] >= 40
    assert set(scored["found_by_language"]) == {"zh", "en"}
    assert scored["found"]["value"] >= 0.9
    assert scored["absent_facts_asserted"]["value"] <= 0.02
