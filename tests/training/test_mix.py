"""Prepared folders joined: what is taken stands evenly, and nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phyassist.errors import BadInput
from phyassist.training.mix import mix
from phyassist.training.prepare import OwnFile, prepare
from phyassist.training.split import Shares
from phyassist.training.templates import get_template
from phyassist.training.writing import read_part
from tests.training.test_prepare import COLUMNS, make_plan, write_csv


def test_rows_of_a_source_of_which_few_are_taken_are_spread_over_the_whole(tmp_path: Path) -> None:
    for name, count in (("large", 300), ("small", 200)):
        rows = [
            [f"What I did on {name} day {no}.", "rest", f"Do it again on day {no}."] for no in range(count)
        ]
        own = OwnFile(write_csv(tmp_path / f"{name}.csv", ("text", "category", "advice"), rows), COLUMNS)
        prepare(make_plan(tmp_path, own=[own], shares=Shares(0, 0)), tmp_path / name)
    prepared = [tmp_path / "large", tmp_path / "small"]

    mix(prepared, {"small": 10}, tmp_path / "out", template=get_template("yi"), seed=0)
    mix([tmp_path / "out"], {"small": 5}, tmp_path / "again", template=get_template("yi"), seed=0)

    for folder, count in (("out", 10), ("again", 5)):
        sources = [row["source"] for row in read_part(tmp_path / folder, "train")]
        places = [no for no, source in enumerate(sources) if source == "small"]
        step = len(sources) / count
        assert len(places) == count
        assert all(no * step <= place < (no + 1) * step for no, place in enumerate(places))


def test_a_folder_or_a_row_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    rows = [[f"What I did on day {no}.", "rest", f"Do it again on day {no}."] for no in range(6)]
    own = OwnFile(write_csv(tmp_path / "mine.csv", ("text", "category", "advice"), rows), COLUMNS)
    for name in ("one", "two"):
        prepare(make_plan(tmp_path, own=[own]), tmp_path / name)

    for folders, said in (
        (("one", "one"), "was named twice"),
        (("one", "two"), "6 rows stand in two of these"),
    ):
        with pytest.raises(BadInput, match=said):
            mix(
                [tmp_path / name for name in folders],
                {},
                tmp_path / "out",
                template=get_template("yi"),
                seed=0,
            )


def test_a_text_that_another_folder_keeps_for_testing_is_no_mixture(tmp_path: Path) -> None:
    texts = [f"On day {no} I stayed in bed until noon and told nobody." for no in range(12)]
    head = ("text", "category", "advice")
    mine = OwnFile(write_csv(tmp_path / "mine.csv", head, [[each, "rest", ""] for each in texts]), COLUMNS)
    # The same words in another file and under another task, all of them held out.
    theirs = OwnFile(write_csv(tmp_path / "theirs.csv", head, [[texts[3], "", "Get up at eight."]]), COLUMNS)
    prepare(make_plan(tmp_path, own=[mine], shares=Shares(0, 0)), tmp_path / "one")
    prepare(make_plan(tmp_path, own=[theirs], shares=Shares(0, 1)), tmp_path / "two")

    with pytest.raises(BadInput, match="the texts of 1 of train also stand in a part that is held out"):
        mix([tmp_path / "one", tmp_path / "two"], {}, tmp_path / "out", template=get_template("yi"), seed=0)

    assert not (tmp_path / "out").exists()


def test_files_of_one_name_under_several_terms_are_under_all_of_them_and_counted_together(
    tmp_path: Path,
) -> None:
    head = ("text", "category", "advice")
    for name, count, licence in (("one", 3, "CC BY-NC 4.0"), ("two", 5, "CC BY 4.0")):
        rows = [[f"What I did on day {no} of {name}.", "rest", ""] for no in range(count)]
        table = write_csv(tmp_path / name / "train.csv", head, [*rows, ["", "rest", ""]])
        own = OwnFile(table, COLUMNS, licence=licence)
        prepare(make_plan(tmp_path, own=[own], shares=Shares(0, 0)), tmp_path / f"{name}-prepared")
    folders = [tmp_path / "one-prepared", tmp_path / "two-prepared"]

    cards = [
        mix(given, {}, tmp_path / f"out-{no}", template=get_template("yi"), seed=0)
        for no, given in enumerate((folders, folders[::-1]))
    ]

    for card in cards:
        ((source, counts),) = card["cleaned"].items()
        (terms,) = card["sources"]
        assert (source, terms["research_only"]) == ("train", True)
        assert set(terms["licence"].split("; ")) == {"CC BY-NC 4.0", "CC BY 4.0"}
        assert (counts["rows"], counts["kept"], counts["dropped"]) == (10, 8, {"empty": 2})
        assert card["parts"]["train"]["rows"] == {"train": 8}


def test_what_no_folder_could_be_compared_with_is_named_but_for_what_is_in_the_mixture(
    tmp_path: Path,
) -> None:
    head = ("text", "category", "advice")
    for name in ("mine", "yours"):
        own = OwnFile(write_csv(tmp_path / f"{name}.csv", head, [[f"The {name} day.", "rest", ""]]), COLUMNS)
        prepare(make_plan(tmp_path, own=[own], shares=Shares(0, 0)), tmp_path / name)
    card = json.loads((tmp_path / "mine/card.json").read_text("utf-8"))
    (tmp_path / "mine/card.json").write_text(json.dumps({**card, "not_compared": ["far", "yours"]}), "utf-8")
    card = json.loads((tmp_path / "yours/card.json").read_text("utf-8"))
    (tmp_path / "yours/card.json").write_text(json.dumps({**card, "not_compared": []}), "utf-8")

    out = tmp_path / "out"
    made = mix([tmp_path / "mine", tmp_path / "yours"], {}, out, template=get_template("yi"), seed=0)

    assert made["not_compared"] == ["far"]
    assert "not compared with: far." in (out / "CARD.md").read_text("utf-8")
