"""backup, backup verify and restore, on the invented practice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_a_backup_is_made_verified_and_restored_elsewhere(cli: Cli, invented: Path, tmp_path: Path):
    file, elsewhere = tmp_path / "one.phyassist", tmp_path / "elsewhere"
    before = cli("patients", "list", "--json").out

    made = cli("backup", str(file))
    verified = json.loads(cli("backup", "verify", str(file), "--json").out)
    restored = cli("--home", str(elsewhere), "restore", str(file))

    assert (made.code, made.out.strip(), restored.code) == (0, str(file), 0)
    assert (verified["sealed"], verified["proven"]) == (True, True)
    assert verified["rows"] > 50
    after = cli("--home", str(elsewhere), "patients", "list", "--json").out
    assert {row["id"] for row in json.loads(after)} == {row["id"] for row in json.loads(before)}


def test_without_a_passphrase_a_backup_is_made_but_not_sealed(
    cli: Cli, invented: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("PHYASSIST_PASSPHRASE_FILE")

    ran = cli("backup", str(tmp_path / "one.phyassist"))

    assert ran.code == 0
    assert "not sealed" in ran.err


def test_a_dated_file_goes_into_a_folder(cli: Cli, invented: Path, tmp_path: Path):
    ran = cli("backup", "--to", str(tmp_path / "backups"), "--keep", "12w", "--json")

    made = json.loads(ran.out)
    assert [str(path) for path in (tmp_path / "backups").iterdir()] == [made["path"]]
    assert made["expires_at"] > made["made_at"]


def test_a_damaged_file_is_a_sentence_and_nothing_is_restored(cli: Cli, invented: Path, tmp_path: Path):
    file, elsewhere = tmp_path / "one.phyassist", tmp_path / "elsewhere"
    cli("backup", str(file))
    file.write_bytes(file.read_bytes()[:-40])

    verified = cli("backup", "verify", str(file))
    restored = cli("--home", str(elsewhere), "restore", str(file))

    assert (verified.code, restored.code) == (1, 1)
    assert "cut off" in verified.err
    assert "PA-STORE-BACKUP" in restored.err
    assert cli("--home", str(elsewhere), "backup", str(tmp_path / "two.phyassist")).code == 1


@pytest.mark.parametrize("asked", [("backup", "make"), ("backup", "one", "--to", "two")])
def test_a_backup_needs_one_place_to_go_to(cli: Cli, invented: Path, asked: tuple[str, ...]):
    ran = cli(*asked)

    assert ran.code == 1
    assert "a file or a folder" in ran.err


def test_a_practice_is_never_restored_over(cli: Cli, invented: Path, tmp_path: Path):
    file = tmp_path / "one.phyassist"
    cli("backup", str(file))

    ran = cli("restore", str(file))

    assert ran.code == 1
    assert "already holds a practice" in ran.err
