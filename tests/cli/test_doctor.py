from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from phyassist.training.checks import NEEDED, USEFUL
from tests.cli.conftest import Cli
from tests.cli.scripted_server import ScriptedServer
from tests.house.tree import ROOT


def test_what_is_missing_comes_with_what_to_do(cli: Cli, home: Path):
    ran = cli("doctor", "--json")

    found = {one["name"]: one for one in json.loads(ran.out)}
    assert ran.code == 1
    assert found["python"]["state"] == "good"
    assert found["model"]["state"] == "missing"
    assert "phyassist models fetch" in found["model"]["advice"]
    assert "phyassist setup" in found["practice"]["advice"]
    assert "engine" not in found


def test_whatever_training_is_looked_at_for_stands_in_an_extra():
    named = {
        re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        for lines in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
            "optional-dependencies"
        ].values()
        for line in lines
    }
    # hf-xet comes with the hub's client.
    assert {*NEEDED, *USEFUL} - {"hf-xet"} <= named


def test_a_model_that_answers_is_good(cli: Cli, invented: Path, outside: ScriptedServer):
    outside.replies.append("ready")

    ran = cli("doctor")

    assert ran.code == 0
    assert "ok      engine: started and wrote" in ran.out
    assert "ok      practice: set up, and locked as it should be" in ran.out


def test_a_model_that_does_not_answer_is_said(cli: Cli, monkeypatch):
    monkeypatch.setenv("PHYASSIST_MODEL_URL", "http://127.0.0.1:9/v1")

    ran = cli("doctor")

    assert ran.code == 1
    assert "not ok  engine: no model server answers at 127.0.0.1:9" in ran.out


def test_what_training_stands_on_is_named_with_versions_and_tried(cli: Cli):
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")

    ran = cli("doctor", "--training", "--json")

    found = {one["name"]: one for one in json.loads(ran.out)}
    assert ran.code == 0
    assert found["torch"]["what"] == torch.__version__
    assert "threads" in found["processor"]["what"]
    assert found["bitsandbytes"]["what"] == "NF4 works on cpu" or torch.cuda.is_available()
    assert found["preset"]["what"] in {"cpu-small", "gpu-24gb", "2x24gb", "h100"}
    assert "engine" not in found
