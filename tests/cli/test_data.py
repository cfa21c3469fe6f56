"""`phyassist data` from the command line, on a table of one's own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from phyassist.cli.main import main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "body", "reply"])
        writer.writerows([f"p{no}", f"On day {no} I slept badly.", f"Keep diary {no}."] for no in range(30))
    return path


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_a_table_is_prepared_counted_and_looked_at(table: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    columns = [f"--column={pair}" for pair in ("text=body", "advice=reply", "key=who")]

    assert run("data", "prepare", "--own", table, *columns, "--data", tmp_path, "--out", out, "--json") == 0
    card = json.loads(capsys.readouterr().out)
    assert run("data", "stats", out, "--json") == 0
    stats = json.loads(capsys.readouterr().out)
    assert run("data", "view", out, "--from", "2", "--rows", "2") == 0
    shown = capsys.readouterr().out

    assert sum(part["rows"].get("mine", 0) for part in card["parts"].values()) == 30
    assert sum(each["rows"] for each in stats) == 30
    assert shown.count("── ") == 2
    assert "── 2 · mine · en" in shown


def test_sources_say_their_terms_and_what_is_at_hand(tmp_path: Path, capsys: Any) -> None:
    assert run("data", "sources", "list", "--data", tmp_path, "--json") == 0

    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["imhi-dr"]["research_only"]
    assert not rows["counsel-chat"]["research_only"]
    assert not any(row["at_hand"] for row in rows.values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "imhi-x", "--out", "out"], "no source imhi-x"),
        (["--out", "out"], "no source was named"),
        (
            ["--source", "imhi-dr", "--out", "out", "--val", "0.9", "--test", "0.2"],
            "leave nothing to train on",
        ),
        (["--source", "imhi-dr", "--data", "nowhere", "--out", "out"], "has no file imhi/train/DR.csv"),
        (["--own", "mine.csv", "--column", "words=body", "--out", "out"], "no example holds words"),
        (["--own", "mine.csv", "--column", "body", "--out", "out"], "not of the form name=value"),
        (["--own", "mine.csv", "--out", "."], "is not empty"),
    ],
)
def test_what_cannot_be_prepared_is_said_in_a_sentence(
    words: list[str], said: str, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(table.parent)

    code = run("data", "prepare", *words)

    assert code == 1
    assert said in capsys.readouterr().err


def test_the_study_s_script_is_there_under_its_own_options(tmp_path: Path, capsys: Any) -> None:
    origin = tmp_path / "origin.csv"
    origin.write_text("query,gpt-3.5-turbo\nHow are you?,Well.\n,Nothing\n", encoding="utf-8")

    code = run("data", "gen-csv", "--origin_path", origin, "--new_path", tmp_path / "new.csv")

    assert code == 0
    assert "1 rows; dropped 1 empty" in capsys.readouterr().err
    assert (tmp_path / "new.csv").read_text("utf-8").splitlines() == [
        "text",
        "<s> [INST] How are you? [/INST] Well.</s>",
    ]


def test_a_view_that_shows_nothing_says_why(table: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    columns = [f"--column={pair}" for pair in ("text=body", "advice=reply")]
    assert run("data", "prepare", "--own", table, *columns, "--data", tmp_path, "--out", out) == 0
    capsys.readouterr()

    for words, said in (
        (("--source", "nope"), "train has no row of nope; it has rows of mine"),
        (("--from", "30000"), "train has no row 30000; it has"),
    ):
        assert run("data", "view", out, *words) == 1
        assert said in " ".join(capsys.readouterr().err.split())
