"""A library of thousands of files: how long adding one takes, the first and the last, and opening the page.

    python -m benchmarks.library_files [--files 3000] [--data ../shared/data]

Texts of counsel-chat, each file another one of about a thousand words, are added one after the other as
`phyassist library add` does it, without vectors; then one more as the page adds it, which opens every card
anew, the page is listed, and a question is asked, for the first time and again.
Writes docs/results/library-files.md and library-files.json.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.machine import list_facts, write_results

from phyassist.domain.library import Scope
from phyassist.services.library import add_file, list_documents, load_known, search_passages
from phyassist.services.practice import set_up
from phyassist.store.opening import open_store

QUESTION = "panic attacks at night and fear of dying"
BLOCK = 500
PASSPHRASE = "nine slow ferries before noon"  # noqa: S105  of a practice that is gone at the end


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    texts = list(make_texts(options.data, options.files + 1))
    with tempfile.TemporaryDirectory() as place:
        store = open_store(f"sqlite:///{place}/practice.db")
        by = set_up(
            store,
            name="Lin",
            passphrase=PASSPHRASE,
            language="en",
            jurisdiction="other",
            zone="UTC",
        ).signed_in
        # As a browser that has signed in: what is opened for it stays open.
        store.kept.hold(by.login_id, datetime.now(UTC) + timedelta(hours=8))
        known, seconds = load_known(store, by), list[float]()

        def add(no: int) -> None:
            file = (f"paper-{no}.md", texts[no].encode())
            assert len(add_file(store, by, file=file, scope=Scope.OWN, known=known)) == 1

        for no in range(options.files):
            seconds.append(clock(lambda no=no: add(no)))  # type: ignore[misc]
            if (no + 1) % BLOCK == 0:
                print(no + 1, round(statistics.median(seconds[-BLOCK:]) * 1000, 1), "ms", flush=True)

        def add_by_page() -> None:
            nonlocal known
            known = load_known(store, by)
            add(options.files)

        found = {
            "facts": list_facts(
                f"python -m benchmarks.library_files --files {options.files}",
                ("numpy", "sqlalchemy"),
                files=f"{options.files}, {sum(map(len, texts)) // len(texts)} characters each",
            ),
            "ms": {
                f"a file of the first {BLOCK}": round(statistics.median(seconds[:BLOCK]) * 1000, 1),
                f"a file of the last {BLOCK}": round(statistics.median(seconds[-BLOCK:]) * 1000, 1),
                "one more by the page, every card opened": round(clock(add_by_page) * 1000, 1),
                "the list of the page": round(clock(lambda: list_documents(store, by)) * 1000, 1),
                "the first question, the index made": round(
                    clock(lambda: search_passages(store, by, QUESTION)) * 1000, 1
                ),
                "the next question": round(clock(lambda: search_passages(store, by, QUESTION)) * 1000, 1),
            },
            "all_s": round(sum(seconds), 1),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        store.close()
    write_results("library-files", found, "\n".join(make_page(found)) + "\n")


def make_texts(data: Path, count: int) -> Iterator[str]:
    """Texts of several answers each, drawn by chance, so that no two are nearly the same."""
    with (data / "counsel-chat/counsel_chat.csv").open(encoding="utf-8", newline="") as file:
        paragraphs = [part for row in csv.DictReader(file) for part in row["answerText"].split(". ") if part]
    chance = random.Random(0)
    for no in range(count):
        yield f"# Paper {no}\n\n" + ".\n\n".join(chance.sample(paragraphs, 60))


def clock(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def make_page(found: dict[str, Any]) -> Iterator[str]:
    yield from ("# A library of thousands of files", "")
    yield from (f"- {name}: {value}" for name, value in found["facts"].items())
    yield from ("", "| | ms |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in found["ms"].items())
    yield from ("", f"All of them: {found['all_s']} s; greatest memory {found['peak_mib']} MiB.")


if __name__ == "__main__":
    main()
