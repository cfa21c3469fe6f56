"""Files of one's own as data: what their rows, their licence and what lies beside them mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phyassist.training.prepare import OwnFile, list_not_compared, prepare
from phyassist.training.split import Shares
from phyassist.training.writing import load_card
from tests.training.test_prepare import COLUMNS, data, make_plan, write_csv

__all__ = ["data"]


def test_half_a_character_is_mis_encoded_and_no_error(data: Path, tmp_path: Path) -> None:
    lines = [
        r'{"text": "I sleep \ud83d badly.", "advice": "Rest."}',
        '{"text": "I wake at four.", "advice": "Rest."}',
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines), encoding="utf-8")
    own = OwnFile(tmp_path / "mine.jsonl", {"advice": "advice"})

    prepared = prepare(make_plan(data, own=[own], shares=Shares(0, 0)), tmp_path / "out")

    assert prepared.rows["train"] == {"mine": 1}
    assert dict(prepared.cleaned["mine"].dropped) == {"mis-encoded": 1}


def test_what_leaks_could_not_be_looked_for_in_is_named(data: Path, tmp_path: Path) -> None:
    own = OwnFile(
        write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), [["a", "b", "c"]]), COLUMNS
    )
    nowhere = replace(make_plan(data, own=[own]), data=tmp_path / "nowhere")

    prepare(nowhere, tmp_path / "out")

    names = load_card(tmp_path / "out")["not_compared"]
    assert {"imhi-dreaddit", "counsel-chat"} & set(names)
    assert f"not compared with: {', '.join(names)}." in (tmp_path / "out/CARD.md").read_text("utf-8")
    assert set(list_not_compared(make_plan(data))) < set(names)


@pytest.mark.parametrize(
    ("licence", "is_research_only"),
    [
        ("CC BY-NC-ND 4.0", True),
        ("non-commercial use", True),
        ("仅供学术研究", True),
        ("CC_BY_NC_4.0", True),
        ("non commercial use", True),
        ("no commercial use", True),
        ("for research purposes only", True),
        ("Academic use only", True),
        ("research use", True),
        ("only for use in research", True),
        ("限学术研究使用", True),
        ("仅限于学术用途的研究", True),
        ("供科研使用", True),
        ("不得用于商业目的", True),
        ("CC BY 4.0", False),
        ("CC BY-SA 4.0", False),
        ("GPL-3.0", False),
        ("MIT License, Once Inc.", False),
        ("可用于商业", False),
        ("not stated", False),
    ],
)
def test_a_licence_that_keeps_others_from_earning_by_it_is_for_research_only(
    licence: str, is_research_only: bool, data: Path, tmp_path: Path
) -> None:
    table = write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), [["I sleep badly.", "b", "c"]])

    prepare(make_plan(data, own=[OwnFile(table, COLUMNS, licence=licence)]), tmp_path / "out")

    assert load_card(tmp_path / "out")["sources"][-1]["research_only"] is is_research_only
