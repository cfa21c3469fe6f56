from __future__ import annotations

import json
from pathlib import Path

import pytest

from phyassist.cli.main import main


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
