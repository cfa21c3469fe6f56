"""Folders to write into: tried before the work, and what a full disk raises, by whomever it is raised."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from phyassist.errors import BadInput, StoreFull
from phyassist.lm.folders import is_full, writes_into


def test_a_folder_that_was_made_for_nothing_goes_again_and_one_that_was_used_or_there_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "there").mkdir()
    for name in ("new/er", "there", "used"):
        with pytest.raises(KeyError), writes_into(tmp_path / name):
            if name == "used":
                (tmp_path / name / "file").touch()
            raise KeyError

    assert {"new", "there", "used"} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "new/er").exists()


def test_a_folder_that_cannot_be_made_is_said_before_the_work_begins(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for name in ("file", "file/below"):
        with (
            pytest.raises(
                BadInput, match=rf"{name} cannot be made or written in \(.*\); name another folder"
            ),
            writes_into(tmp_path / name),
        ):
            raise AssertionError


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        # As safetensors says it.
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_said_as_such(tmp_path: Path, raised: Exception) -> None:
    said = "the disk was full before out was complete"
    with pytest.raises(StoreFull, match=said), writes_into(tmp_path / "out"):
        raise raised

    assert not is_full(OSError(errno.ENOENT, "No such file"))
    assert not is_full(RuntimeError("No such file (os error 2)"))
