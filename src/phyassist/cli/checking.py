"""`phyassist doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json
from phyassist.errors import PhyAssistError

if TYPE_CHECKING:
    from phyassist.settings import Settings

State = Literal["good", "missing", "bad"]
FREE_BYTES_MIN = 3_000_000_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: `needed` where PhyAssist does not work without it, `advice` what to do."""

    name: str
    state: State
    what: str
    advice: str = ""
    needed: bool = True


def doctor(
    context: typer.Context,
    as_json: AsJson = False,
    engine: Annotated[
        bool, typer.Option("--engine/--no-engine", help="Start the engine and have it write a word.")
    ] = True,
    training: Annotated[
        bool, typer.Option("--training", help="Look at what training needs instead: libraries and devices.")
    ] = False,
) -> None:
    """Say what is installed, what is missing and what to do; ends with 1 if something needed is missing."""
    settings = get_run(context).load_settings()
    findings = []
    looked = _examine_training(settings) if training else examine(settings, start_engine=engine)
    for finding in looked:
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        say_json(
            [
                {"name": one.name, "state": one.state, "what": one.what, "advice": one.advice}
                for one in findings
            ]
        )
    if any(one.needed and one.state != "good" for one in findings):
        raise typer.Exit(1)


def examine(settings: Settings, *, start_engine: bool) -> Iterator[Finding]:
    """All findings, quick ones first."""
    yield _look_at_python()
    yield from _look_at_packages()
    yield _look_at_folder(settings.home)
    yield _look_at_disk(settings.home)
    yield _look_at_machine()
    yield _look_at_practice(settings)
    model = _look_at_model(settings)
    yield model
    if start_engine and model.state == "good":
        yield _try_engine(settings)
    yield _look_at_browser()


def _examine_training(settings: Settings) -> Iterator[Finding]:
    from phyassist.training.checks import check_training
    from phyassist.training.quiet import quieten_libraries

    quieten_libraries()
    yield _look_at_python()
    for check in check_training(settings.home):
        state: State = "good" if check.is_good else "missing"
        yield Finding(check.name, state, check.what, check.advice, check.needed)


def _print(finding: Finding) -> None:
    from rich.text import Text

    marks = {"good": "ok", "missing": "missing", "bad": "not ok"}
    colour = "green" if finding.state == "good" else ("red" if finding.needed else "yellow")
    line = Text(f"{marks[finding.state]:<8}", style=colour)
    line.append(f"{finding.name}: {finding.what}", style="default")
    if finding.advice:
        line.append(f"\n        {finding.advice}", style="bold default")
    make_console().print(line, soft_wrap=True)


def _look_at_python() -> Finding:
    # An older one never gets here: this code could not have been installed.
    return Finding("python", "good", f"{platform.python_version()} ({sys.executable})")


def _look_at_packages() -> Iterator[Finding]:
    """A line for each that is not there, and one for all that are."""
    try:
        needed = requires("phyassist") or []
    except PackageNotFoundError:
        yield Finding(
            "packages", "missing", "phyassist runs from its source, uninstalled", "make setup", needed=False
        )
        return
    count = 0
    for line in needed:
        if "extra ==" in line:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        try:
            version(name)
        except PackageNotFoundError:
            yield Finding("package", "missing", name, "make setup, or pip install -c constraints.txt -e .")
        else:
            count += 1
    yield Finding("packages", "good", f"{count} that are needed, phyassist {version('phyassist')}")


def _look_at_folder(home: Path) -> Finding:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding(
            "home folder", "bad", f"{home} ({error.strerror})", "name another one with PHYASSIST_HOME"
        )
    return Finding("home folder", "good", str(home))


def _look_at_disk(home: Path) -> Finding:
    there = next(one for one in (home, *home.parents) if one.exists())
    free = shutil.disk_usage(there).free
    what = f"{free / 1e9:.1f} GB free"
    if free >= FREE_BYTES_MIN:
        return Finding("disk", "good", what)
    return Finding("disk", "bad", what, "free some space: a model takes 0.5 to 1.2 GB", needed=False)


def _look_at_machine() -> Finding:
    from phyassist.lm.choose import choose_model, look_at_machine

    machine = look_at_machine()
    what = f"{machine.cores} cores, {machine.memory_bytes / 2**30:.0f} GiB of memory"
    return Finding("machine", "good", f"{what}; the rule chooses {choose_model(machine).model.name}")


def _look_at_model(settings: Settings) -> Finding:
    """The file or the server that would answer."""
    from phyassist.lm.opening import find_file

    if settings.model_url:
        return Finding("model", "good", f"{settings.model or 'the first model'} at the server of model_url")
    try:
        file = find_file(settings.model, settings.models_dir)
    except PhyAssistError as error:
        return Finding("model", "missing", error.what, error.hint)
    size = file.path.stat().st_size
    return Finding("model", "good", f"{file.name}, {size / 1e6:,.0f} MB ({file.reason})")


def _try_engine(settings: Settings) -> Finding:
    """Have the model write a few words: it is there, it starts, it answers."""
    from phyassist.cli.opening import open_language_model
    from phyassist.lm.protocol import Ask, Message, Never, Reply

    ask = Ask((Message("user", "Say: ready"),), reply_tokens=8)
    started = time.monotonic()
    try:
        with open_language_model(settings) as opened:
            replies = [event for event in opened.model.write(ask, Never()) if isinstance(event, Reply)]
    except PhyAssistError as error:
        return Finding("engine", "bad", error.what, error.hint)
    seconds = time.monotonic() - started
    return Finding(
        "engine", "good", f"started and wrote {replies[-1].reply_tokens} tokens in {seconds:.1f} s"
    )


def _look_at_practice(settings: Settings) -> Finding:
    from phyassist.services.practice import is_set_up
    from phyassist.store.opening import open_store

    if settings.store_url.startswith("sqlite") and not (settings.home / "practice.db").exists():
        return Finding(
            "practice", "missing", "none set up yet", "phyassist serve or phyassist setup", needed=False
        )
    try:
        with open_store(settings.store_url) as store:
            there = is_set_up(store)
    except PhyAssistError as error:
        return Finding("practice", "bad", error.what, error.hint)
    if there:
        return Finding("practice", "good", "set up, and locked as it should be")
    return Finding(
        "practice", "missing", "none set up yet", "phyassist serve or phyassist setup", needed=False
    )


def _look_at_browser() -> Finding:
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return Finding("chromium for the tests", "good", path, needed=False)
    return Finding(
        "chromium for the tests", "missing", "only make test needs it", "make chromium", needed=False
    )
