"""How fast the records are: sealed against plain, one large practice, and twenty counsellors at once.

    python benchmarks/records.py [--parts ratios,sizes,load] [--seconds 60] [--counsellors 20] [--others 4]

One run, one page.  `ratios`: saving a note and reading a patient, beside the same code with the sealing
replaced by nothing and beside SQLAlchemy's ORM as one would use it without PhyAssist; the rounds are
interleaved, and a ratio is the median over rounds, so a neighbour's load falls on all.  `sizes`: one
counsellor with 2,000 patients and 20,000 notes among others with as many, on SQLite and on PostgreSQL.
`load`: counsellors who browse at a human pace, against two web processes on PostgreSQL, which is one that
the tests bring along, with fsync on.  Writes docs/results/records.md and records.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from browsing import Login, Seen, browse  # noqa: E402
from filling import Filler, Size  # noqa: E402
from machine import before_others, count_work, find_processor, read_busy  # noqa: E402
from plain import PlainStore  # noqa: E402

from phyassist.domain.drafts import Change, Draft, DraftId  # noqa: E402
from phyassist.domain.people import PatientId, Role  # noqa: E402
from phyassist.domain.records import Consultation, ConsultationId, Source, SourceId  # noqa: E402
from phyassist.services.noting import save_note  # noqa: E402
from phyassist.services.patients import list_patients, load_patient  # noqa: E402
from phyassist.services.people import invite, join  # noqa: E402
from phyassist.services.practice import open_login, resume_login, set_up  # noqa: E402
from phyassist.services.searching import find  # noqa: E402
from phyassist.store.coding import pack_lines, write_item  # noqa: E402
from phyassist.store.opening import open_store  # noqa: E402
from phyassist.store.people import SignedIn  # noqa: E402
from phyassist.store.transactions import Store  # noqa: E402
from phyassist.vault.keyring import Argon2Cost  # noqa: E402
from phyassist.vault.sealing import DataKey, DataKeys  # noqa: E402

RESULTS = ROOT / "docs" / "results"
# Nobody guesses at these passphrases, and thirty sign-ins should not take the run's first minute.
COST = Argon2Cost(memory_kib=1024, passes=1, lanes=1)
PASSPHRASE = "seven quiet herons at dawn"  # noqa: S105  of an invented practice
ACTS, NOTES_OF_ONE, LARGE = 20, 40, Size(patients=2000, notes_each=10)
COLLEAGUES = Size(patients=200, notes_each=100)
STANDS_ON = ("SQLAlchemy", "cryptography", "psycopg", "fastapi", "uvicorn")
FIRST_S = 10.0
SEARCHES = ("失眠", "灯塔", "母亲 考试", "heart races", "herringbone", "没有的词")
Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", default="ratios,sizes,load")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--counsellors", type=int, default=20)
    parser.add_argument("--others", type=int, default=4, help="colleagues with 20,000 notes each")
    parser.add_argument("--priority", type=int, default=0, help="before other work here (needs root)")
    options = parser.parse_args()
    options.database = 0
    load_before, found, parts = os.getloadavg(), Json(), options.parts.split(",")
    with tempfile.TemporaryDirectory(prefix="phyassist-records-") as folder, ExitStack() as stack:
        if "ratios" in parts:
            with before_others(options.priority):
                found["ratios"] = measure_ratios(Path(folder), options.rounds)
        server = stack.enter_context(run_postgresql()) if {"sizes", "load"} & set(parts) else None
        if "sizes" in parts and server is not None:
            name = server.make_database()
            # What autovacuum does within minutes of such a filling.
            settle = partial(server.ask, "VACUUM ANALYZE", name)
            options.database = server._process.pid
            found["sizes"] = {
                "SQLite": measure_sizes(f"sqlite:///{folder}/large.db", lambda: None, options),
                "PostgreSQL": measure_sizes(server.url(name), settle, options),
            }
        if "load" in parts and server is not None:
            url = server.url(server.make_database())
            found["load"] = measure_load(url, Path(folder), server._process.pid, options)
    save(found, options, load_before)


@contextmanager
def run_postgresql() -> Iterator[Any]:
    """The tests' server, but one that waits for the disk."""
    from tests import postgresql

    postgresql.OPTIONS.update({"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB"})
    with postgresql.run_server() as server:
        yield server


# --- sealed against plain ---------------------------------------------------------------------------------


@contextmanager
def unsealed() -> Iterator[None]:
    """The same code, but what goes in to be sealed comes out as it was."""
    kept = [(kind, kind.seal, kind.open_sealed) for kind in (DataKey, DataKeys)]
    for kind, _, _ in kept:
        kind.seal = lambda _self, value, _place: value  # type: ignore[method-assign]
        kind.open_sealed = lambda _self, sealed, _place: sealed  # type: ignore[method-assign]
    try:
        yield
    finally:
        for kind, seal, open_sealed in kept:
            kind.seal, kind.open_sealed = seal, open_sealed  # type: ignore[method-assign]


class Ours:
    """Our store: sealed, or with the sealing replaced by nothing while its acts run."""

    def __init__(self, path: Path, around: Callable[[], Any]) -> None:
        self.around = around
        with around():
            self.store = open_store(f"sqlite:///{path}", passphrase_cost=COST)
            self.by = found(self.store)
            self.filler = Filler(self.store)
            (self.patient_id,) = self.filler.fill(self.by, Size(1, NOTES_OF_ONE))
            self.saving_id = self.filler.fill(self.by, Size(1, 0))[0]

    def make_draft(self) -> DraftId:
        items, text = tuple(self.filler._items("zh")), self.filler._words("zh", 40)
        meeting = ConsultationId(self.store.new_id())
        source = Source(SourceId(self.store.new_id()), text)
        draft = Draft(DraftId(self.store.new_id()), self.saving_id, meeting, text[:30], items)
        with self.around(), self.store.write(self.by) as tx:
            tx.consultations.add(
                Consultation(meeting, self.saving_id, self.store.clock(), source, question=text[:30])
            )
            return tx.drafts.add(draft, Change.WROTE).id

    def save_note(self, draft_id: DraftId) -> None:
        save_note(self.store, self.by, draft_id=draft_id, after=1)

    def read_patient(self) -> int:
        return len(load_patient(self.store, self.by, self.patient_id).notes)

    def close(self) -> None:
        self.store.close()


class Plain:
    """The same words in SQLAlchemy's ORM."""

    def __init__(self, path: Path, words_of: Ours) -> None:
        self.around = ExitStack
        self.store, self._filler = PlainStore(path), words_of.filler
        lines = json.loads(pack_lines(tuple(self._filler._lines("zh"))))["lines"]
        self.patient_id, self.saving_id = self.store.add_patient(lines), self.store.add_patient(lines)
        for _ in range(NOTES_OF_ONE):
            self.store.save_note(self._make_draft(self.patient_id))

    def make_draft(self) -> str:
        return self._make_draft(self.saving_id)

    def _make_draft(self, patient_id: str) -> str:
        text = self._filler._words("zh", 40)
        body = {"question": text[:30], "items": [write_item(item) for item in self._filler._items("zh")]}
        return self.store.add_draft(patient_id, text, body)

    def save_note(self, draft_id: str) -> None:
        self.store.save_note(draft_id)

    def read_patient(self) -> int:
        return len(self.store.load_patient(self.patient_id)[2])

    def close(self) -> None:
        self.store.close()


def measure_ratios(folder: Path, rounds: int) -> Json:
    """Milliseconds an act by way, and the median of the ratios of ours to each other way."""
    sealed = Ours(folder / "sealed.db", ExitStack)
    ways: dict[str, Any] = {
        "sealed": sealed,
        "nothing sealed": Ours(folder / "open.db", unsealed),
        "ORM": Plain(folder / "plain.db", sealed),
    }
    took: dict[str, dict[str, list[float]]] = {act: {way: [] for way in ways} for act in ("save", "read")}
    for number in range(rounds + 1):
        for name in list(ways)[number % 3 :] + list(ways)[: number % 3]:
            way = ways[name]
            drafts = iter([way.make_draft() for _ in range(ACTS)])
            with way.around():
                save_ms = time_each(partial(save_next, way, drafts), ACTS)
                read_ms = time_each(way.read_patient, ACTS)
            # The first round fills the caches of all.
            if number:
                took["save"][name].append(save_ms)
                took["read"][name].append(read_ms)
    for way in ways.values():
        way.close()
    result = {
        act: {
            "ms": {way: round(statistics.median(each), 3) for way, each in by_way.items()},
            "ratio": {
                way: round(statistics.median(a / b for a, b in zip(by_way["sealed"], each, strict=True)), 3)
                for way, each in by_way.items()
                if way != "sealed"
            },
        }
        for act, by_way in took.items()
    }
    print("ratios", json.dumps(result, ensure_ascii=False), flush=True)
    return result


def save_next(way: Any, drafts: Iterator[Any]) -> None:
    way.save_note(next(drafts))


def time_each(act: Callable[[], object], times: int) -> float:
    """The median of so many, in milliseconds."""
    return time_both(act, times)[0]


def time_both(act: Callable[[], object], times: int) -> tuple[float, float]:
    """Medians in milliseconds: from beginning to end, and what this process computed meanwhile."""
    took, worked = [], []
    for _ in range(times):
        started, cpu = time.perf_counter(), time.process_time()
        act()
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    return statistics.median(took), statistics.median(worked)


# --- one large practice -----------------------------------------------------------------------------------


def found(store: Store) -> SignedIn:
    return set_up(
        store, name="Anna", passphrase=PASSPHRASE, language="zh", jurisdiction="cn", zone="Asia/Shanghai"
    ).signed_in


def add_counsellor(store: Store, by: SignedIn, name: str) -> SignedIn:
    made = invite(store, by, name=name, role=Role.COUNSELLOR)
    code = made.code.reveal_text()
    return join(store, code=code, name=name, passphrase=PASSPHRASE, language="zh", zone="Asia/Shanghai")


def sign_in_browser(store: Store, by: SignedIn) -> tuple[str, SignedIn]:
    cookie = open_login(store, by).reveal_text()
    return cookie, resume_login(store, cookie, idle_lock_min=15)


def measure_sizes(url: str, settle: Callable[[], object], options: argparse.Namespace) -> Json:
    """Milliseconds of lists, searches and patients in a practice of (1 + others) x 20,000 notes."""
    others = options.others
    with open_store(url, passphrase_cost=COST) as store:
        anna = found(store)
        filler, started = Filler(store), time.perf_counter()
        filler.fill(anna, LARGE)
        (long_id,) = filler.fill(anna, Size(1, 200))
        usual_id = filler.fill(anna, Size(1, 10))[0]
        for number in range(others):
            filler.fill(add_counsellor(store, anna, f"Colleague {number}"), COLLEAGUES)
        filled_s = time.perf_counter() - started
        settle()
        memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with before_others(options.priority, options.database):
            result = measure_practice(store, anna, filler, long_id, usual_id)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_before
        result["facts"] = {
            "notes in the store": (others + 1) * LARGE.patients * LARGE.notes_each + 210,
            "filled in, s": round(filled_s, 1),
            "process grown by, MiB": round(grown / 1024, 1),
            **result["facts"],
        }
    print(url.partition(":")[0], json.dumps(result, ensure_ascii=False), flush=True)
    return result


def measure_practice(
    store: Store, anna: SignedIn, filler: Filler, long_id: PatientId, usual_id: PatientId
) -> Json:
    """Each act as (milliseconds, milliseconds of this process's own work)."""
    cookie, by = sign_in_browser(store, anna)

    def again() -> SignedIn:
        # As a page does it: the login is looked up anew, and no key of the last request is at hand.
        return resume_login(store, cookie, idle_lock_min=15)

    result: Json = {
        "list, first": time_both(lambda: list_patients(store, by), 1),
        "list": time_both(lambda: list_patients(store, again()), 15),
        "search, first": time_both(lambda: find(store, again(), "灯塔"), 1),
    }
    searches = {words: time_both(partial(search, store, again, words), 9) for words in SEARCHES}
    result["search"] = tuple(statistics.median(each) for each in zip(*searches.values(), strict=True))
    result["search, slowest"] = max(searches.values())
    result["search after a new note"] = measure_search_after_note(store, anna, filler, usual_id, again)
    result["patient, 200 notes"] = time_both(lambda: load_patient(store, again(), long_id), 15)
    result["patient, 10 notes"] = time_both(lambda: load_patient(store, again(), usual_id), 15)
    kept = round(store.kept.of(by).size / 1024**2, 1)
    return {
        **{name: [round(each, 1) for each in took] for name, took in result.items()},
        "facts": {"kept in memory, MiB": kept},
    }


def search(store: Store, again: Callable[[], SignedIn], words: str) -> int:
    return len(find(store, again(), words))


def measure_search_after_note(
    store: Store, anna: SignedIn, filler: Filler, patient_id: PatientId, again: Callable[[], SignedIn]
) -> tuple[float, ...]:
    """A search that has one new note to open, each time."""
    took = []
    for _ in range(5):
        text = filler._words("zh", 1)
        meeting = ConsultationId(store.new_id())
        draft = Draft(DraftId(store.new_id()), patient_id, meeting, text, tuple(filler._items("zh")))
        with store.write(anna) as tx:
            tx.consultations.add(
                Consultation(meeting, patient_id, store.clock(), Source(SourceId(store.new_id()), text))
            )
            tx.drafts.add(draft, Change.WROTE)
        save_note(store, anna, draft_id=draft.id, after=1)
        took.append(time_both(partial(search, store, again, "灯塔"), 1))
    return tuple(statistics.median(each) for each in zip(*took, strict=True))


# --- twenty counsellors -----------------------------------------------------------------------------------


def measure_load(url: str, folder: Path, database: int, options: argparse.Namespace) -> Json:
    """What counsellors with 30 patients of 10 notes each waited for their pages."""
    with open_store(url, passphrase_cost=COST) as store:
        anna = found(store)
        names = [f"Colleague {number}" for number in range(1, options.counsellors)]
        people = [anna, *(add_counsellor(store, anna, name) for name in names)]
        filler = Filler(store)
        logins = [
            Login(open_login(store, by).reveal_text(), tuple(filler.fill(by, Size(30, 10)))) for by in people
        ]
    seconds = options.seconds
    with ExitStack() as stack:
        served = [stack.enter_context(serve(url, folder)) for _ in range(2)]
        who = {"web": [pid for _, pid in served], "PostgreSQL": [database], "driver": [os.getpid()]}
        before, all_before, load_before = count_work(who), read_busy(), os.getloadavg()[0]
        with before_others(options.priority, database):
            seen = browse(logins, [base for base, _ in served], seconds, first_s=FIRST_S)
        after, busy, load_after = count_work(who), read_busy() - all_before, os.getloadavg()[0]
    result = summarise(seen, options.counsellors, seconds)
    pages = len(seen.pages) + len(seen.first)
    used = {name: after[name] - before[name] for name in who}
    capacity = (seconds + FIRST_S) * (os.cpu_count() or 1)
    result["processor ms a page"] = {name: round(each / pages * 1000, 1) for name, each in used.items()}
    result["processors used by this"] = round(sum(used.values()) / capacity, 2)
    result["processors used by others"] = round(max(0.0, busy - sum(used.values())) / capacity, 2)
    result["load average"] = [round(load_before, 1), round(load_after, 1)]
    print("load", json.dumps(result), flush=True)
    return result


@contextmanager
def serve(url: str, folder: Path) -> Iterator[tuple[str, int]]:
    """A web process as the command line starts it, without a model; gives its address and its id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "PHYASSIST_HOME": str(folder / f"home-{port}"),
        "PHYASSIST_STORE_URL": url,
    }
    start = "from phyassist.cli.main import main; main()"
    command = [sys.executable, "-c", start, "serve", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit(f"a web process ended with {process.returncode}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def summarise(seen: Seen, counsellors: int, seconds: float) -> Json:
    """Milliseconds by kind of page."""
    kinds = {"all": [page.took_s for page in seen.pages]}
    for page in seen.pages:
        kinds.setdefault(page.kind, []).append(page.took_s)
    return {
        "counsellors": counsellors,
        "seconds": seconds,
        "pages": len(seen.pages),
        "replies": sum(page.replies for page in seen.pages),
        "failures": seen.failures,
        "ms": {kind: spread(took) for kind, took in sorted(kinds.items())},
        "first": {"seconds": FIRST_S, **spread([page.took_s for page in seen.first])},
    }


def spread(took_s: Sequence[float]) -> dict[str, float]:
    ordered = sorted(took_s)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0), "pages": len(ordered)}


# --- the page ---------------------------------------------------------------------------------------------


def save(found: Json, options: argparse.Namespace, load: tuple[float, float, float]) -> None:
    from reporting import make_page

    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": "python benchmarks/records.py "
        f"--parts {options.parts} --rounds {options.rounds} --seconds {options.seconds:.0f} "
        f"--counsellors {options.counsellors} --others {options.others} --priority {options.priority}",
        "machine": f"{find_processor()}, {os.cpu_count()} cores",
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after (1-minute averages)",
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in STANDS_ON),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    page = make_page(facts, found)
    (RESULTS / "records.md").write_text(page, encoding="utf-8")
    (RESULTS / "records.json").write_text(
        json.dumps({**facts, **found}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(page)


if __name__ == "__main__":
    main()
