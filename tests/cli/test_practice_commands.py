"""patients, notes, setup and demo, on the invented practice."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

from phyassist.cli.zones import find_zone
from phyassist.services.demo import PASSPHRASE
from tests.cli.conftest import Cli


def test_patients_are_listed_as_json(cli: Cli, invented: Path):
    ran = cli("patients", "list", "--json")

    rows = json.loads(ran.out)
    assert ran.code == 0
    assert {row["number"] for row in rows} == {"0107", "0112", "0118", "0121", "0124", "0126"}
    assert [row["number"] for row in rows if row["has_open_draft"]] == ["0112"]


def test_a_patient_is_found_by_number_name_and_the_beginning_of_the_id(cli: Cli, invented: Path):
    by_number = json.loads(cli("patients", "show", "0124", "--json").out)

    by_name = json.loads(cli("patients", "show", "Margaret Lee", "--json").out)
    by_id = json.loads(cli("patients", "show", by_number["id"][:8], "--json").out)

    assert by_number == by_name == by_id
    assert by_number["record"]["demographic_data"][0]["text"] == "63 years old"


def test_a_patient_nobody_knows_is_refused_without_repeating_the_name(cli: Cli, invented: Path):
    ran = cli("patients", "show", "Somebody Else")

    assert ran.code == 1
    assert "PA-NAME-UNKNOWN" in ran.err
    assert "Somebody" not in ran.err


def test_a_new_patient_is_printed_by_id_and_then_listed(cli: Cli, invented: Path):
    ran = cli("patients", "new", "Ada N", "--number", "0201", "--lang", "en")

    shown = json.loads(cli("patients", "show", ran.out.strip(), "--json").out)
    assert shown["name"] == "Ada N"
    assert shown["language"] == "en"


def test_a_note_is_shown_as_it_was_signed(cli: Cli, invented: Path):
    ran = cli("notes", "show", "0124", "2")

    assert ran.code == 0
    assert "She told me the whole morning" in ran.out
    assert "Let her decide what becomes of the crossword" in ran.out


def test_a_note_that_is_not_there_is_a_sentence(cli: Cli, invented: Path):
    ran = cli("notes", "show", "0124", "9")

    assert ran.code == 1
    assert "has no note 9" in ran.err


def test_an_open_draft_is_signed_and_becomes_the_next_note(cli: Cli, invented: Path):
    ran = cli("notes", "save", "0112", "--yes")

    notes = json.loads(cli("notes", "list", "0112", "--json").out)
    assert ran.code == 0
    assert [note["number"] for note in notes] == [3, 2, 1]
    assert notes[0]["id"] == ran.out.strip()


def test_signing_asks_first_and_a_no_leaves_the_draft(cli: Cli, invented: Path):
    ran = cli("notes", "save", "0112", stdin="n\n")

    notes = json.loads(cli("notes", "list", "0112", "--json").out)
    assert ran.code == 1
    assert len(notes) == 2


def test_notes_are_exported_to_a_file_for_its_owner_alone(cli: Cli, invented: Path, tmp_path: Path):
    out = tmp_path / "lee.md"

    ran = cli("notes", "export", "0124", "--form", "md", "--out", str(out))

    assert ran.code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "seven across" not in ran.out
    assert "crossword" in out.read_text(encoding="utf-8")


def test_a_form_nobody_knows_is_refused(cli: Cli, invented: Path):
    ran = cli("notes", "export", "0124", "--form", "pdf")

    assert ran.code == 2
    assert "txt" in ran.err


def test_without_a_practice_the_way_to_one_is_said(cli: Cli):
    ran = cli("patients", "list")

    assert ran.code == 1
    assert "phyassist setup" in ran.err
    assert "PA-VAULT-NOT-SET-UP" in ran.err


def test_a_wrong_passphrase_is_refused(cli: Cli, invented: Path, tmp_path: Path):
    (tmp_path / "passphrase").write_text("two chairs, a window and a door\n", encoding="utf-8")

    ran = cli("patients", "list")

    assert ran.code == 1
    assert "PA-VAULT-PASSPHRASE" in ran.err


def test_without_a_terminal_the_other_ways_are_named(cli: Cli, invented: Path, monkeypatch):
    monkeypatch.delenv("PHYASSIST_PASSPHRASE_FILE")

    ran = cli("patients", "list")

    assert ran.code == 1
    assert "--passphrase-stdin" in ran.err


def test_the_passphrase_can_come_from_stdin(cli: Cli, invented: Path, monkeypatch):
    monkeypatch.delenv("PHYASSIST_PASSPHRASE_FILE")

    ran = cli("patients", "list", "--json", "--passphrase-stdin", stdin=f"{PASSPHRASE}\n")

    assert len(json.loads(ran.out)) == 6


def test_a_practice_is_set_up_once_and_its_recovery_key_printed(cli: Cli, home: Path):
    arguments = (
        "setup",
        "--name",
        "Dr Weiss",
        "--lang",
        "en",
        "--zone",
        "Europe/Berlin",
        "--passphrase-stdin",
    )

    ran = cli(*arguments, stdin="seven quiet herons at dawn\n")
    again = cli(*arguments, stdin="seven quiet herons at dawn\n")

    assert ran.code == 0
    assert len(ran.out.strip()) > 20
    assert again.code == 1
    assert "PA-VAULT-SET-UP" in again.err
    assert "herons" not in (home / "logs" / "phyassist.log").read_text(encoding="utf-8")


def test_a_weak_passphrase_sets_nothing_up(cli: Cli):
    ran = cli("setup", "--name", "Dr Weiss", "--passphrase-stdin", stdin="short\n")

    assert ran.code == 1
    assert "PA-VAULT-WEAK" in ran.err


def test_the_demo_lies_in_a_folder_of_its_own_and_is_filled_once(cli: Cli, home: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        first = cli("serve", "--demo", "--port", port)
        second = cli("serve", "--demo", "--port", port)

    assert (first.code, second.code) == (2, 2)
    assert f"port {port} is taken" in first.err
    assert PASSPHRASE in first.err
    assert "writing the invented practice" in first.err
    assert "writing" not in second.err
    assert (home / "demo" / "practice.db").exists()
    assert not (home / "practice.db").exists()


def test_the_demo_never_touches_a_practice_that_is_not_its_own(cli: Cli, tmp_path: Path):
    home = str(tmp_path / "mine")
    cli("--home", home, "setup", "--name", "A", "--passphrase-stdin", stdin="seven quiet herons at dawn\n")

    ran = cli("--home", home, "serve", "--demo")

    assert ran.code == 1
    assert "PA-VAULT-SET-UP" in ran.err


def test_the_time_zone_is_read_from_the_system(tmp_path: Path):
    zone = tmp_path / "zoneinfo" / "Asia" / "Shanghai"
    zone.parent.mkdir(parents=True)
    zone.touch()
    link = tmp_path / "localtime"
    link.symlink_to(zone)

    assert find_zone(link) == "Asia/Shanghai"
    assert find_zone(tmp_path / "nothing") == "UTC"
