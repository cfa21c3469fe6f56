"""The command line as a person meets it: arguments in, exit code and both streams out."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from phyassist.cli.main import main
from phyassist.domain.clock import utc_now
from phyassist.services.demo import PASSPHRASE, PastClock, fill_practice
from phyassist.store.opening import open_store
from phyassist.vault.keyring import Argon2Cost
from tests.cli.scripted_server import ScriptedServer, serve_script

FAST_COST = Argon2Cost(memory_kib=64, passes=1, lanes=1)


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command line in this process; `stdin` is what comes in."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capfd.readouterr()
        code = main(arguments)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def invented(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The invented practice in this test's home folder, with its passphrase in a file."""
    now = utc_now()
    clock = PastClock(now)
    with open_store(f"sqlite:///{home / 'practice.db'}", clock=clock, passphrase_cost=FAST_COST) as store:
        fill_practice(store, clock, now=now)
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
    monkeypatch.setenv("PHYASSIST_PASSPHRASE_FILE", str(secret))
    return home


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A scripted model server that the settings name; append to `replies` what it shall say."""
    with serve_script([]) as script:
        monkeypatch.setenv("PHYASSIST_MODEL_URL", script.url)
        yield script
