"""What publishing and pulling say where they cannot: a folder, scores or a name that will not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.training.test_publish import base, run, trained

__all__ = ["base", "trained"]


def test_a_folder_that_cannot_be_made_is_said_for_what_is_published_and_pulled(
    trained: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "file").touch()

    codes = [
        run("publish", trained, "--to", tmp_path / "file/out"),
        run("pull", trained, "--out", tmp_path / "file/out"),
    ]

    assert codes == [1, 1]
    said = capsys.readouterr().err
    assert said.count("file/out cannot be made or written in (Not a directory); name another folder") == 2
