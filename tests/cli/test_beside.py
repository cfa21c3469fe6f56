from __future__ import annotations

import json
from pathlib import Path

import pytest

from phyassist.cli.main import main
from tests.cli.conftest import Cli


def test_risk_prints_signs_questions_and_contacts_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "来访者：最近总想死。\n来访者：从来没有过幻听。\n"
    (tmp_path / "said.txt").write_text(text, encoding="utf-8")

    assert main(["risk", str(tmp_path / "said.txt"), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["raised"] is True
    assert [(sign["kind"], sign["standing"]) for sign in told["signs"]] == [
        ("self", "present"),
        ("psychosis", "denied"),
    ]
    assert all(text[sign["start"] : sign["end"]] == sign["quote"] for sign in told["signs"])
    assert {question["kind"] for question in told["questions"]} == {"self", "psychosis"}
    assert told["contacts"][0]["number"] == "12356"


def test_published_cases_say_what_they_share_and_the_unlike_are_left_out(
    cli: Cli, invented: Path, tmp_path: Path
) -> None:
    rows = (
        "question,answer",
        "产后总是睡不着，孩子睡了我还醒着,先看谁能在夜里替您一会儿。",
        "想买一艘船,问问船厂。",
    )
    (tmp_path / "cases.csv").write_text("\n".join(rows), encoding="utf-8")
    assert cli("library", "add", str(tmp_path / "cases.csv"), "--words-only").code == 0

    told = json.loads(cli("similar", "0107", "--words-only", "--json").out)
    ran = cli("similar", "0107", "--words-only")

    (case,) = told["published"]
    assert case["text"].endswith("先看谁能在夜里替您一会儿。")
    assert "sleep" in case["themes"]
    assert case["passage"] in ran.out
    assert f"shared: {', '.join((*case['themes'], *case['shared']))}" in ran.err
