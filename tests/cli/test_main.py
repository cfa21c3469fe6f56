from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from phyassist.cli.run import Run
from phyassist.errors import EmptyText, describe_frames
from tests.cli.conftest import Cli


def test_help_lists_every_command(cli: Cli):
    ran = cli("--help")

    assert ran.code == 0
    for name in (
        "serve",
        "organise",
        "analyse",
        "patients",
        "notes",
        "models",
        "evaluate",
        "doctor",
        "publish",
    ):
        assert name in ran.out


def test_the_version_is_shown(cli: Cli):
    ran = cli("--version")

    assert (ran.code, ran.out) == (0, "phyassist 0.1.0\n")


def test_python_m_phyassist_is_the_command_line():
    command = [sys.executable, "-m", "phyassist"]

    ran = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    failed = subprocess.run([*command, "analyze"], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (0, "phyassist 0.1.0\n")
    assert failed.returncode == 2


def test_an_unknown_command_ends_with_two(cli: Cli):
    ran = cli("analyze")

    assert ran.code == 2
    assert "analyze" in ran.err


def test_an_expected_failure_is_one_sentence_with_its_code(cli: Cli, home: Path):
    ran = cli("organise", "missing.txt")

    assert ran.code == 1
    assert ran.err == (
        "phyassist: there is no file missing.txt; check the name; - reads stdin [PA-FILE-UNREADABLE]\n"
    )
    assert (
        (home / "logs" / "phyassist.log")
        .read_text(encoding="utf-8")
        .endswith("expected failure PA-FILE-UNREADABLE\n")
    )


def test_a_setting_that_is_not_understood_ends_with_two(cli: Cli, monkeypatch):
    monkeypatch.setenv("PHYASSIST_PORT", "seven")

    ran = cli("patients", "list")

    assert ran.code == 2
    assert "PA-SETTING" in ran.err


def test_an_unexpected_failure_is_a_number_and_the_log_holds_no_message(home: Path):
    run = Run(home)

    try:
        _fail_inside("she sleeps four hours a night")
    except ValueError as error:
        sentence = run.log_unexpected(error)
    run.close()

    log = (home / "logs" / "phyassist.log").read_text(encoding="utf-8")
    number = sentence.split("number ")[1][:8]
    assert number in log
    assert "ValueError" in log
    assert "test_main.py" in log
    assert "sleeps" not in log + sentence


def test_frames_are_described_with_their_causes_first():
    try:
        try:
            _fail_inside("hers")
        except ValueError as error:
            raise RuntimeError("hers again") from error
    except RuntimeError as error:
        described = describe_frames(error)

    assert described.index("ValueError") < described.index("RuntimeError")
    assert "hers" not in described


def test_an_expected_error_is_described_without_its_words():
    described = describe_frames(EmptyText("never shown"))

    assert described == "phyassist.errors.EmptyText"


def test_a_reader_that_leaves_early_is_no_failure():
    command = [sys.executable, "-m", "phyassist.cli.main", "--help"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert "Traceback" not in said


def _fail_inside(words: str) -> None:
    raise ValueError(words)
