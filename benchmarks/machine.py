"""What every benchmark says of itself, and the machine: who keeps it busy, and coming before the others."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "docs/results"


def list_facts(command: str, libraries: Sequence[str], **more: str) -> dict[str, str]:
    """The head of a page of results: command, date, machine, versions, and what else there is to say."""
    return {
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{find_processor()}, {os.cpu_count()} cores",
        "versions": ", ".join(f"{each} {version(each)}" for each in libraries),
        **more,
    }


def write_results(name: str, found: Mapping[str, Any], page: str) -> None:
    """docs/results/NAME.json and NAME.md; the page is printed, too."""
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text, "utf-8")
    (RESULTS / f"{name}.md").write_text(page, "utf-8")
    print(page)


def find_processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


@contextmanager
def before_others(priority: int, database: int = 0) -> Iterator[None]:
    """This session's processes come before the other work of a machine that is shared (Linux, as root).

    So do those that a database's main process has started until now: each of them is a session of its own.
    """
    if not priority:
        yield
        return
    parents, _ = _read_processes()
    ours = ["self", *(str(pid) for pid, parent in parents.items() if database and parent == database)]
    paths = [Path("/proc") / each / "autogroup" for each in ours]
    for path in paths:
        with suppress(OSError):
            path.write_text(str(-priority), encoding="ascii")
    try:
        yield
    finally:
        for path in paths:
            with suppress(OSError):
                path.write_text("0", encoding="ascii")


def read_busy() -> float:
    """Seconds that all processors of this machine have worked, whoever had them work."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _idle, _wait, irq, soft, *_ = (int(each) for each in fields)
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def count_work(who: dict[str, list[int]]) -> dict[str, float]:
    """Seconds that these processes have computed, each with its children but for those named themselves."""
    parents, seconds = _read_processes()
    named = {pid: name for name, pids in who.items() for pid in pids}
    work = dict.fromkeys(who, 0.0)
    for pid, used in seconds.items():
        at = pid
        while at and at not in named:
            at = parents.get(at, 0)
        if at in named:
            work[named[at]] += used
    return work


def _read_processes() -> tuple[dict[int, int], dict[int, float]]:
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        # Children that have ended count for their parent.
        parents[pid] = int(fields[1])
        seconds[pid] = sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return parents, seconds
