"""How fast data is prepared, and in how much memory.

    python benchmarks/data.py [--rows 1000000] [--data FOLDER]

Prepares every public source at hand, then a table of that many invented rows, each in a process of its own
whose greatest memory is read at the end.  Writes docs/results/data.md and data.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        prepare_here(*map(Path, options.work))
        return
    with tempfile.TemporaryDirectory() as folder:
        public = run(options.data, Path(folder) / "public", None)
        table = Path(folder) / "rows.csv"
        write_rows(table, options.rows)
        large = run(options.data, Path(folder) / "large", table)
    save(options, public, large)


def run(data: Path, out: Path, own: Path | None) -> dict[str, Any]:
    command = [sys.executable, __file__, "--work", str(data), str(out), *([str(own)] if own else [])]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, Any] = json.loads(said)
    measured["card"] = json.loads((out / "card.json").read_text("utf-8"))
    return measured


def prepare_here(data: Path, out: Path, own: Path | None = None) -> None:
    """Prepare, and print seconds and the greatest memory as JSON."""
    from phyassist.training.catalogue import load_sources
    from phyassist.training.prepare import OwnFile, Plan, prepare
    from phyassist.training.templates import get_template

    columns = {"text": "text", "category": "category", "advice": "advice"}
    sources = () if own else tuple(load_sources().values())
    files = (OwnFile(own, columns),) if own else ()
    plan = Plan(sources, files, data, get_template("mistral"))
    started = time.perf_counter()
    prepare(plan, out)
    seconds = time.perf_counter() - started
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory_mib": memory_mib}))


def write_rows(path: Path, rows: int) -> None:
    """Rows that differ in their words, of the length of a short post."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "category", "advice"])
        for no in range(rows):
            text = f"Day {no} of my notes. I slept {no % 9} hours and worried about task {no % 977}. " * 3
            writer.writerow([text, "worry", f"Keep the diary of day {no} and bring it along."])


def save(options: argparse.Namespace, public: dict[str, Any], large: dict[str, Any]) -> None:
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python benchmarks/data.py --rows {options.rows}",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}",
        "versions": f"Python {platform.python_version()}",
    }
    cards = {"all public sources": public, f"{options.rows:,} rows": large}
    lines = [
        f"| {name} | {sum(each['rows'] for each in one['card']['cleaned'].values()):,} "
        f"| {one['seconds']:.0f} | {one['memory_mib']:.0f} |"
        for name, one in cards.items()
    ]
    page = [
        "# Preparing data",
        "",
        *(f"- {key}: {value}" for key, value in facts.items()),
        "",
        "| what | rows read | seconds | peak memory, MiB |",
        "|---|---|---|---|",
        *lines,
        "",
        "Read twice (first for the held-out texts), cleaned, split, shuffled, and written in three forms.",
        "",
        "## The public sources, as prepared",
        "",
        *sources_table(public["card"]),
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "data.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    measured = {"facts": facts, "public": public, "large": large}
    (RESULTS / "data.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def sources_table(card: dict[str, Any]) -> list[str]:
    lines = [
        "| source | read | mended | dropped | leaks | train | val | test |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, counts in card["cleaned"].items():
        parts = " | ".join(str(card["parts"][part]["rows"].get(name, 0)) for part in ("train", "val", "test"))
        lines.append(
            f"| {name} | {counts['rows']} | {counts['repaired']} | {sum(counts['dropped'].values())} "
            f"| {card['leaks'].get(name, 0)} | {parts} |"
        )
    lines += ["", "Dropped, by reason:", ""]
    for name, counts in card["cleaned"].items():
        if counts["dropped"]:
            reasons = ", ".join(f"{reason} {count}" for reason, count in counts["dropped"].items())
            lines.append(f"- {name}: {reasons}")
    return lines


if __name__ == "__main__":
    main()
