"""notes save, lock, withdraw, export, private, check; retention."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from phyassist.services.demo import PASSPHRASE
from phyassist.services.patients import list_patients
from phyassist.services.practice import sign_in
from phyassist.services.process_notes import save_process_note
from phyassist.store.opening import open_store
from tests.cli.conftest import FAST_COST, Cli


@pytest.fixture
def signed(cli: Cli, invented: Path) -> str:
    """The open draft of 0112, signed as SOAP; the number of the note."""
    ran = cli("notes", "save", "0112", "--yes", "--template", "soap")
    assert ran.code == 0
    return str(max(note["number"] for note in json.loads(cli("notes", "list", "0112", "--json").out)))


def newest(cli: Cli) -> dict[str, object]:
    return dict(json.loads(cli("notes", "list", "0112", "--json").out)[0])


def test_a_draft_is_signed_in_the_form_that_is_asked_for(cli: Cli, signed: str):
    shown = cli("notes", "show", "0112", signed)
    other = cli("notes", "show", "0112", signed, "--template", "birp")

    note = newest(cli)
    assert (note["template"], note["state"]) == ("soap", "signed")
    assert "S 主观资料" in shown.out
    assert "I 干预" in other.out


def test_headings_without_items_are_asked_for(cli: Cli, invented: Path):
    ran = cli("notes", "save", "0112", "--template", "soap", stdin="衣着整洁。\ny\n")

    assert ran.code == 0
    number = str(newest(cli)["number"])
    assert "衣着整洁。" in cli("notes", "show", "0112", number).out


def test_a_note_is_withdrawn_until_it_is_locked(cli: Cli, signed: str):
    withdrawn = cli("notes", "withdraw", "0112", signed, "--reason", "日期写错")
    again = cli("notes", "save", "0112", "--yes")
    locked = cli("notes", "lock", "0112", str(newest(cli)["number"]))
    refused = cli("notes", "withdraw", "0112", str(newest(cli)["number"]), "--reason", "x")

    assert (withdrawn.code, again.code, locked.code, refused.code) == (0, 0, 0, 1)
    assert newest(cli)["state"] == "locked"
    assert "PA-RULE" in refused.err


@pytest.mark.parametrize("form", ["txt", "md", "json"])
def test_an_export_takes_a_form(cli: Cli, signed: str, form: str):
    ran = cli("notes", "export", "0112", "--form", form, "--template", "dap")

    assert ran.code == 0
    assert "D 资料" in ran.out


def test_private_notes_are_handed_out_apart_and_only_there(cli: Cli, invented: Path, tmp_path: Path):
    with open_store(f"sqlite:///{invented / 'practice.db'}", passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        rows = list_patients(store, by)
        patient = next(row.patient for row in rows if row.patient.number == "0112")
        save_process_note(store, by, patient_id=patient.id, note_id="a" * 32, text="像我妹妹", after=0)
    out = tmp_path / "private.txt"

    exported = cli("notes", "export", "0112")
    private = cli("notes", "private", "0112", "--out", str(out))

    assert "像我妹妹" not in exported.out
    assert private.code == 0
    assert "像我妹妹" in out.read_text(encoding="utf-8")
    assert out.stat().st_mode & 0o077 == 0


def test_check_finds_nothing_in_a_sound_practice_and_a_changed_row(cli: Cli, invented: Path, signed: str):
    sound = cli("notes", "check")
    with create_engine(f"sqlite:///{invented / 'practice.db'}").begin() as conn:
        conn.execute(text(f"UPDATE notes SET author_id = 'x' WHERE number = {signed} AND kind = 'note'"))

    changed = cli("notes", "check")

    assert (sound.code, sound.out) == (0, "")
    assert changed.code == 1
    assert "is not what was signed" in changed.out


def test_retention_is_chosen_and_what_is_due_is_listed(cli: Cli, invented: Path):
    rules = json.loads(cli("retention", "rules", "--json").out)
    chosen = cli("retention", "set", "own", "--years", "1")
    due = json.loads(cli("retention", "due", "--within", "400", "--json").out)
    wrong = cli("retention", "set", "of-tomorrow")

    assert {"cn-outpatient", "us-apa", "uk-nhs-mental", "de", "own"} <= {rule["key"] for rule in rules}
    assert chosen.code == 0
    assert due["rule"] == "own"
    # Of the six, one is a pupil: that file is kept on from coming of age.
    assert len(due["due"]) == 5
    assert all(each["name"] for each in due["due"])
    assert (wrong.code, "PA-NAME-UNKNOWN" in wrong.err) == (1, True)


def test_nothing_is_due_in_a_young_practice(cli: Cli, invented: Path):
    ran = cli("retention", "due")

    assert ran.code == 0
    assert "no file is due" in ran.err
