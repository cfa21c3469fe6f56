"""`phyassist store`, as who runs the computer meets it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_a_store_is_migrated_and_says_so(cli: Cli, home: Path) -> None:
    first, second = cli("store", "migrate"), cli("store", "migrate")

    assert first.code == 0
    assert "schema none ->" in first.out
    assert "as it should be" in second.out


def test_a_sound_practice_is_checked_with_and_without_its_passphrase(
    cli: Cli, invented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = cli("store", "check", "--json")
    monkeypatch.delenv("PHYASSIST_PASSPHRASE_FILE")
    plain = cli("store", "check")

    value = json.loads(opened.out)
    assert (opened.code, plain.code) == (0, 0)
    assert value["sound"]
    assert value["findings"] == []
    assert value["opened"] > 50
    assert value["patients_opened"] == value["rows"]["patients"] == 6
    assert plain.out == "sound\n"


def test_a_damaged_practice_ends_with_1_and_names_the_row(cli: Cli, invented: Path) -> None:
    with sqlite3.connect(invented / "practice.db") as database:
        database.execute("UPDATE notes SET note_sealed = x'00' WHERE number = 1")

    ran = cli("store", "check")

    assert ran.code == 1
    assert "seal: notes " in ran.out
    assert "its note_sealed is no sealed value" in ran.out


def test_a_practice_moves_to_the_store_of_the_settings(
    cli: Cli, invented: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = str(invented / "practice.db")
    monkeypatch.setenv("PHYASSIST_STORE_URL", postgresql_url)

    moved = cli("store", "move", old, "here")
    again = cli("store", "move", old, "here")
    monkeypatch.delenv("PHYASSIST_STORE_URL")
    listed_before = cli("patients", "list")
    monkeypatch.setenv("PHYASSIST_STORE_URL", postgresql_url)
    listed, checked = cli("patients", "list"), cli("store", "check")

    assert moved.code == 0
    assert "each was read back and compared" in moved.out
    assert "postgres" not in moved.out + moved.err
    assert again.code == 1
    assert "PA-STORE-CLOSED" in again.err
    assert listed_before.code == 1
    assert listed.code == 0
    assert "0124" in listed.out
    assert checked.code == 0


def test_a_store_that_was_moved_by_mistake_is_reopened(cli: Cli, invented: Path, tmp_path: Path) -> None:
    cli("store", "move", str(invented / "practice.db"), str(tmp_path / "new" / "practice.db"))

    closed = cli("patients", "list")
    reopened = cli("store", "reopen", str(invented / "practice.db"))
    again = cli("store", "reopen", str(invented / "practice.db"))

    assert closed.code == 1
    assert reopened.out == "the store can be written again\n"
    assert again.out == "the store was open already\n"
    assert cli("patients", "list").code == 0


def test_an_address_that_names_nothing_is_said(cli: Cli, tmp_path: Path) -> None:
    unknown = cli("store", "move", "mysql://host/practice", str(tmp_path / "new.db"))
    missing = cli("store", "move", str(tmp_path / "none.db"), str(tmp_path / "new.db"))

    assert (unknown.code, missing.code) == (2, 1)
    assert "the store's address cannot be read" in unknown.err
    assert "no store at this address" in missing.err
