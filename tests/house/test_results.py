"""A page of results says what its numbers say, also where they speak against us."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.learning_page import make_page, say_lost

from tests.house.tree import ROOT

RESULTS = ROOT / "docs" / "results"


def make_cell(edits: float, untouched: float, met: float) -> dict[str, float]:
    return {"edits_per_100": edits, "untouched": untouched, "met": met}


def make_row(adapter: dict[str, float]) -> dict[str, Any]:
    after = {"prompt": make_cell(40.0, 0.6, 0.2), "adapter": adapter}
    return {"one": {"wants": "short advice", "base": make_cell(20.0, 0.5, 0.0), "after": {"20": after}}}


def test_every_cell_in_which_something_else_does_better_is_named() -> None:
    best, as_good = make_row(make_cell(1.0, 0.9, 0.8)), make_row(make_cell(20.0, 0.6, 0.2))
    worse = make_row(make_cell(25.0, 0.55, 0.8))

    assert say_lost(best) == say_lost(as_good) == "Where the adapter does not do best: nowhere."
    assert say_lost(worse) == (
        "Where the adapter does not do best: "
        "short advice after 20 notes, characters to change for a hundred 25.0 (base 20.0); "
        "short advice after 20 notes, per cent of items kept as they are 55.0 (notes in the prompt 60.0)."
    )


def test_the_page_of_what_is_learnt_is_made_of_its_numbers() -> None:
    found = json.loads((RESULTS / "learning.json").read_text("utf-8"))

    assert (RESULTS / "learning.md").read_text("utf-8") == make_page(found)
