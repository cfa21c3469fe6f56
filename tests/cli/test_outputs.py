"""A folder that cannot be made: a command that makes one says so before it works for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

pytest.importorskip("torch", reason="torch is not installed: pip install 'phyassist[train]'")


@pytest.mark.parametrize(
    "words",
    [
        "data prepare --own mine.csv --out",
        "data mix prepared --out",
        "data draft --source imhi-dreaddit --data nowhere --out",
        "data gen-csv --origin_path mine.csv --new_path",
        "train --base nowhere --data nowhere --out",
        "train-heads --base nowhere --data nowhere --out",
        "evaluate imhi --base nowhere --data nowhere --out",
    ],
)
def test_a_folder_that_cannot_be_made_is_said_first(cli: Cli, tmp_path: Path, words: str) -> None:
    (tmp_path / "file").touch()

    ran = cli(*words.split(), str(tmp_path / "file/below/out"))

    assert ran.code == 1
    assert "cannot be made or written in (Not a directory); name another folder [PA-INPUT]" in ran.err
    assert "unexpected" not in ran.err
