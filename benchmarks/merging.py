"""What joining two adapters costs, measured on two IMHI sets with the smallest model.

    python -m benchmarks.merging --work FOLDER [--stage NAME]

Few rows with their labels alone, so that it ends in minutes: an adapter for SAD, one for dreaddit, one
trained on both, and every way of joining the first two, scored on validation rows.  What is done already is
not done again.  Writes docs/results/merging.md and merging.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import list_facts, write_results

from phyassist.cli.main import main as phyassist

BASE = "smollm2-135m-instruct"
ROWS = {"SAD": 96, "dreaddit": 64}
VAL_ROWS = 12
SCORED_ROWS = 40
WAYS = "linear,cat,svd,ties,dare_ties"
STAGES = ("data", "train-one", "train-two", "train-both", "compare", "page")
ONE, TWO = ROWS


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--stage", choices=STAGES)
    options = parser.parse_args()
    for stage in [options.stage] if options.stage else STAGES:
        started = time.perf_counter()
        run_stage(stage, options.work, options.data)
        if stage not in {"data", "page"}:
            note_cost(options.work, stage, time.perf_counter() - started)


def run_stage(stage: str, work: Path, data: Path) -> None:
    runs = {"train-one": ONE, "train-two": TWO, "train-both": "both"}
    if stage == "data":
        prepare_small(work, data)
    elif stage in runs:
        name = runs[stage]
        out = work / "runs" / name
        if not (out / "done.json").is_file():
            resume = ["--resume"] if out.exists() else []
            run(
                "train",
                "--base",
                BASE,
                "--data",
                work / "data" / name,
                "--set",
                "layers=0.5",
                "--out",
                out,
                *resume,
            )
    elif stage == "compare":
        names = (work / "runs" / ONE, work / "runs" / TWO)
        words = ["--joint", work / "runs/both", "--sets", f"{ONE},{TWO}", "--how", WAYS]
        words += ["--data", data, "--limit", SCORED_ROWS, "--out", work / "merges", "--base", BASE]
        run("adapters", "compare", *names, *words)
    else:
        write_page(work)


def run(*words: object) -> None:
    code = phyassist([str(word) for word in words])
    if code:
        sys.exit(code)


def prepare_small(work: Path, data: Path) -> None:
    """The first rows of each prepared set, with the label sentence as the whole reply."""
    from phyassist.training.templates import get_template
    from phyassist.training.writing import CARD, PartFiles, load_card, read_part

    for name, rows in ROWS.items():
        whole, small = work / "whole" / name, work / "data" / name
        if (small / CARD).is_file():
            continue
        run("data", "prepare", "--source", f"imhi-{name.lower()}", "--data", data, "--out", whole)
        small.mkdir(parents=True)
        card = dict(load_card(whole))
        for part, count in (("train", rows), ("val", VAL_ROWS), ("test", 0)):
            with PartFiles(small, part, get_template("qwen")) as files:
                for _, row in zip(range(count), read_part(whole, part), strict=False):
                    *asked, reply = row["messages"]
                    label = {**reply, "content": reply["content"].partition(" Reasoning:")[0]}
                    files.write_row({**row, "messages": [*asked, label]})
            card["parts"][part] = {"rows": dict(files.rows), "sha256": files.sha256}
        (small / CARD).write_text(json.dumps(card) + "\n", encoding="utf-8")
    if not (work / "data/both").exists():
        run("data", "mix", work / "data" / ONE, work / "data" / TWO, "--out", work / "data/both")


def note_cost(work: Path, stage: str, seconds: float) -> None:
    """Processor seconds of this stage, kept beside those of the others."""
    path = work / "costs.json"
    costs = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"cpu_s": round(used.ru_utime + used.ru_stime), "seconds": round(seconds)}
    costs.setdefault(stage, cost)
    path.write_text(json.dumps(costs) + "\n", encoding="utf-8")


def write_page(work: Path) -> None:
    from phyassist.training.bases import load_base_mark
    from phyassist.training.interference import BASE as ALONE
    from phyassist.training.interference import load_scores, render_interference

    scores = load_scores(work / "merges")
    runs = {
        name: json.loads((work / "runs" / name / "done.json").read_text("utf-8"))
        for name in (ONE, TWO, "both")
    }
    costs = json.loads((work / "costs.json").read_text("utf-8"))
    mark = load_base_mark(work / "runs" / ONE / "adapter")
    facts = list_facts(
        "python -m benchmarks.merging --work FOLDER",
        ("torch", "transformers", "peft"),
        base=f"{mark.name}, SHA-256 {mark.sha256}",
        **{"processor time": f"{sum(cost['cpu_s'] for cost in costs.values()) / 60:.0f} minutes"},
    )
    trained = [
        f"- {name}: {' and '.join(str(ROWS[each]) for each in (ROWS if name == 'both' else [name]))} rows, "
        f"{done['step']} steps, validation loss {done['best_val_loss']:.3f}"
        for name, done in runs.items()
    ]
    page = [
        "# Joining adapters: what it costs",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        f"Weighted F1 on the first {SCORED_ROWS} validation rows of each set, with 95 % intervals by post.",
        "",
        render_interference(scores, [ONE, TWO], "both"),
        "",
        "Trained with the preset cpu-small in the upper half of the blocks, on label sentences alone:",
        "",
        *trained,
        "",
        "A small table: so few training rows teach little, and intervals of so few scored rows are wide, so "
        "differences below some fifteen points say nothing. How `phyassist adapters compare` is read: "
        f"`{ALONE}` is what was there before, each adapter is at home on its own set, a joined one is worth "
        "taking where it holds both rows, and joint training is what to hold it against. Weights 1 for each, "
        "half of the numbers kept by ties and dare.",
        "",
    ]
    merges = json.loads((work / "merges/merges.json").read_text("utf-8"))
    found: dict[str, Any] = {"facts": facts, "trained": runs, "costs": costs, **merges}
    write_results("merging", found, "\n".join(page))


if __name__ == "__main__":
    main()
