"""people, share and keys, on the invented practice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from phyassist.domain.clock import utc_now
from phyassist.services.accounts import propose_second_factor, set_second_factor
from phyassist.services.demo import COUNSELLOR, PASSPHRASE
from phyassist.services.people import join
from phyassist.services.practice import sign_in
from phyassist.store.opening import open_store
from phyassist.store.second_factor import STEP_S, code_at, read_secret
from tests.cli.conftest import FAST_COST, Cli
from tests.services.joining import BO_PASSPHRASE

BO = "Bo Lind"


@pytest.fixture
def with_bo(cli: Cli, invented: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bo has joined with the code that the command printed."""
    ran = cli("people", "invite", BO)
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){4}\n", ran.out)
    with open_store(f"sqlite:///{invented / 'practice.db'}", passphrase_cost=FAST_COST) as store:
        join(store, code=ran.out, name=BO, passphrase=BO_PASSPHRASE, language="en", zone="UTC")
    monkeypatch.setenv("PHYASSIST_COUNSELLOR", COUNSELLOR)
    return invented


def as_bo(cli: Cli, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    with monkeypatch.context() as patch:
        patch.setenv("PHYASSIST_COUNSELLOR", BO)
        ran = cli(*arguments, "--passphrase-stdin", stdin=BO_PASSPHRASE + "\n")
    return json.loads(ran.out) if ran.code == 0 else ran


def test_several_people_say_who_they_are(cli: Cli, with_bo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = json.loads(cli("people", "list", "--json").out)
    assert [(one["name"], one["role"], one["in_charge_of"]) for one in listed] == [
        (COUNSELLOR, "counsellor", 6),
        (BO, "counsellor", 0),
    ]
    monkeypatch.delenv("PHYASSIST_COUNSELLOR")

    ran = cli("people", "list")

    assert ran.code == 1
    assert "PA-NAME-NEEDED" in ran.err


def test_a_patient_is_shared_listed_and_the_share_ended(
    cli: Cli, with_bo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert as_bo(cli, monkeypatch, "patients", "list", "--json") == []

    assert cli("share", "give", "0124", "--with", BO, "--write", "--until", "2031-05-01").code == 0

    shown = json.loads(cli("share", "list", "0124", "--json").out)
    assert (shown["in_charge"], shown["shared"][0]["right"]) == (COUNSELLOR, "write")
    assert shown["shared"][0]["until"].startswith("2031-05-0")
    rows = as_bo(cli, monkeypatch, "patients", "list", "--json")
    assert [row["number"] for row in rows] == ["0124"]  # type: ignore[attr-defined]
    assert cli("share", "end", "0124", "--with", BO).code == 0
    assert as_bo(cli, monkeypatch, "patients", "list", "--json") == []


def test_files_are_covered_and_handed_over(cli: Cli, with_bo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "6" in cli("share", "cover", "--with", BO, "--until", "2031-05-01").err
    assert len(as_bo(cli, monkeypatch, "patients", "list", "--json")) == 6  # type: ignore[arg-type]

    assert "1" in cli("share", "hand-over", "--to", BO, "--patient", "0124").err
    assert "5" in cli("share", "hand-over", "--to", BO).err

    assert cli("patients", "list", "--json").out.strip() == "[]"


def test_a_day_or_a_person_that_cannot_be_is_refused(cli: Cli, with_bo: Path) -> None:
    assert "PA-INPUT" in cli("share", "give", "0124", "--with", BO, "--until", "soon").err
    assert "PA-NAME-UNKNOWN" in cli("share", "give", "0124", "--with", "Nobody").err
    assert "PA-INPUT" in cli("keys", "renew").err


def test_keys_are_renewed_and_all_opens_as_before(cli: Cli, with_bo: Path) -> None:
    before = cli("patients", "show", "0124", "--json").out

    assert cli("keys", "renew", "--patient", "0124").code == 0
    assert cli("keys", "renew", "--practice").code == 0

    assert cli("patients", "show", "0124", "--json").out == before
    assert cli("people", "list").code == 0


def test_an_account_is_ended_and_resumed(cli: Cli, with_bo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("people", "deactivate", BO).code == 0
    refused = as_bo(cli, monkeypatch, "patients", "list", "--json")
    assert "PA-VAULT-PASSPHRASE" in refused.err  # type: ignore[attr-defined]

    assert cli("people", "resume", BO).code == 0

    assert as_bo(cli, monkeypatch, "patients", "list", "--json") == []


def test_a_second_factor_is_asked_for(cli: Cli, invented: Path) -> None:
    with open_store(f"sqlite:///{invented / 'practice.db'}", passphrase_cost=FAST_COST) as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        secret = propose_second_factor(by).secret
        step = int(utc_now().timestamp()) // STEP_S
        set_second_factor(store, by, secret=secret, code=code_at(read_secret(secret), step))

    refused = cli("patients", "list")
    code = code_at(read_secret(secret), step + 1)
    let = cli("patients", "list", "--passphrase-stdin", stdin=f"{PASSPHRASE}\n{code}\n")

    assert "PA-VAULT-CODE" in refused.err
    assert let.code == 0
