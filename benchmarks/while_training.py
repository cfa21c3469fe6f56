"""How quick the workspace stays while an assistant is trained on the same computer.

    python -m benchmarks.while_training MODEL.gguf --base FOLDER [--rounds 3] [--seconds 40] [--counsellors 3]

Counsellors browse at a human pace on SQLite, then the engine writes with the model; first while nothing else
goes on, then while the trainer learns notes of the usual length at the priority that the app gives it; in
turns, so that a neighbour's load falls on both.  Pages come from a web process that the command line starts.
Writes docs/results/while-training.md and while-training.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "benchmarks")]

from browsing import Login, browse  # noqa: E402
from filling import Filler, Size  # noqa: E402
from machine import list_facts, write_results  # noqa: E402
from records import COST, FIRST_S, found, serve, spread  # noqa: E402

from phyassist.cli.keeping import NICE  # noqa: E402
from phyassist.lm.engine import Engine, EngineOptions  # noqa: E402
from phyassist.lm.protocol import Ask, Message, Never, Reply  # noqa: E402
from phyassist.services.practice import open_login  # noqa: E402
from phyassist.services.run_files import RunExample  # noqa: E402
from phyassist.services.trainer import TrainerProcess, TrainerTask  # noqa: E402
from phyassist.store.opening import open_store  # noqa: E402

Json = dict[str, Any]
WAYS = ("alone", "while training")
NOTES = 40
CONTEXT_TOKENS, REPLY_TOKENS = 4096, 160
ASK = "My sister asked whether I had slept. I said yes. I had sat in the car until four, counting the lamps. "
REPLY = '{"reasons": [{"from": 1, "text": "She keeps the nights to herself, so nobody can ask about them."}]}'


@dataclass
class Waited:
    """Seconds of every page of one way, and tokens a second of every reply."""

    pages: list[float] = field(default_factory=list)
    decoded: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--base", required=True, help="the same model as a folder to train on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--counsellors", type=int, default=3)
    options = parser.parse_args()
    waited = {way: Waited() for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="phyassist-while-") as folder:
        url = f"sqlite:///{folder}/practice.db"
        logins = fill(url, options.counsellors)
        with (
            serve(url, Path(folder)) as (base, _),
            Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine,
        ):
            for number in range(options.rounds):
                for way in WAYS if number % 2 == 0 else WAYS[::-1]:
                    with training(options.base, on=way == WAYS[1]):
                        look(waited[way], logins, base, options.seconds)
                        write(waited[way], engine)
                    print(number, way, spread(waited[way].pages), waited[way].decoded, flush=True)
    save(options, waited)


def fill(url: str, counsellors: int) -> list[Login]:
    """One counsellor's practice, opened in as many browsers."""
    with open_store(url, passphrase_cost=COST) as store:
        anna = found(store)
        patients = tuple(Filler(store).fill(anna, Size(30, 10)))
        return [Login(open_login(store, anna).reveal_text(), patients) for _ in range(counsellors)]


@contextmanager
def training(base: str, *, on: bool) -> Iterator[None]:
    """The trainer at work, from its first step on; or nothing."""
    if not on:
        yield
        return
    examples = [
        RunExample("en", (Message("user", f"Week {number}. {ASK * 16}"),), REPLY, held_out=number < 2)
        for number in range(NOTES)
    ]
    task = TrainerTask(base, "", {"preset": "notes", "epochs": "1000"}, tuple(examples))
    with TrainerProcess(task) as trainer:
        os.setpriority(os.PRIO_PROCESS, trainer.pid, NICE)
        for frame in trainer.frames(1.0):
            if frame is not None and frame.head.get("of") == "StepReport":
                break
        else:
            raise SystemExit("the trainer ended before its first step")
        yield


def look(waited: Waited, logins: list[Login], base: str, seconds: float) -> None:
    seen = browse(logins, [base], seconds, first_s=FIRST_S)
    waited.pages += [page.took_s for page in seen.pages]
    waited.failures += seen.failures


def write(waited: Waited, engine: Engine) -> None:
    """Two replies; the first has the prompt read."""
    for seed in range(2):
        ask = Ask((Message("user", f"Tell me a long story. {ASK * 4}"),), REPLY_TOKENS, seed=seed)
        *_, reply = engine.model.write(ask, Never())
        assert isinstance(reply, Reply)
    waited.decoded.append(reply.reply_tokens / reply.seconds)


def save(options: argparse.Namespace, waited: dict[str, Waited]) -> None:
    facts = list_facts(
        f"python -m benchmarks.while_training {options.model.name} --base FOLDER --rounds {options.rounds} "
        f"--seconds {options.seconds:.0f} --counsellors {options.counsellors}",
        ("xllamacpp", "torch", "fastapi"),
    )
    ways: Json = {
        way: {
            "page_ms": spread(each.pages),
            "tokens_per_s": round(statistics.median(each.decoded), 1),
            "failures": len(each.failures),
        }
        for way, each in waited.items()
    }
    lines = ["# How quick the workspace stays while an assistant is trained", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "| | pages | page loads p50, ms | p95 | p99 | failed | the model writes, tokens/s |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for way, each in ways.items():
        ms = each["page_ms"]
        lines.append(
            f"| {way} | {ms['pages']} | {ms['p50']} | {ms['p95']} | {ms['p99']} | {each['failures']} "
            f"| {each['tokens_per_s']} |"
        )
    lines += ["", f"{options.counsellors} browsers on a practice of 30 clients with 10 notes each, one web"]
    lines[-1] += f" process, SQLite; the trainer at nice {NICE}, as the app starts it. The model writes one"
    lines[-1] += f" reply of {REPLY_TOKENS} tokens at a time; the figure is the median of {options.rounds}."
    write_results("while-training", {**facts, "ways": ways}, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
