"""The page of every run on IMHI.

    python -m benchmarks.imhi [--runs RUN…] --test SCORES… --ships FOLDER… --chosen WHY [--before SCORES…]
    python -m benchmarks.imhi --page

RUN is a folder of `phyassist train-heads`, SCORES those of `phyassist evaluate imhi --part test`, which are
made once for what ships, or shipped before.  Runs and tests that docs/results/imhi.json has already stay.
Writes docs/results/imhi.md and imhi.json; with --page the former alone, of what stands in the latter.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import find_processor

from phyassist.lm.bundle import SUMS, read_sums
from phyassist.training.baselines import render_table
from phyassist.training.comparing import RunScores, load_run
from phyassist.training.heads.model import identify_heads
from phyassist.training.heads.recipe import HeadRecipe
from phyassist.training.measures import SetScore

RESULTS = Path(__file__).parents[1] / "docs/results"
SETS = ("DR", "dreaddit", "Irf", "MultiWD", "SAD")
SIZES = {"qwen2.5-coder-0.5b-instruct": "0.5B", "smollm2-135m-instruct": "0.13B"}
# What the same base had when its heads were read another way, or were others.
EARLIER = "earlier"
# What answers; the rest of a folder is its card and its marks.
ANSWERING = (
    "heads.json",
    "heads.safetensors",
    "heads/adapter_model.safetensors",
    "words.json",
    "words.safetensors",
)
LEFT_OUT = (
    "Training posts that stand in any test or validation set, of whichever task, are left out: 1 of DR, 3 "
    "rows of dreaddit, 4 of SAD, 754 rows of Irf, 6,936 of MultiWD."
)


def describe_run(folder: Path, gpu: str) -> dict[str, Any]:
    """A run of heads: what it was, the validation score of each epoch, and the one that was kept."""
    config, done = (json.loads((folder / name).read_text("utf-8")) for name in ("config.json", "done.json"))
    lines = (folder / "progress.jsonl").read_text("utf-8").splitlines()
    epochs = {said["epoch"]: said for said in map(json.loads, lines) if said["kind"] == "eval"}
    recipe = config["recipe"]
    sets = ",".join(config["sets"])
    return {
        "name": f"heads of {sets.replace(',', ', ')} on {config['base']}, LoRA in layers "
        f"{recipe['first_layer']} to {recipe['last_layer']}, best of {recipe['epochs']} epochs, "
        "words beside them",
        "part": "val",
        "weighted_f1": done["weighted_f1"],
        "epoch": done["epoch"],
        **{key: done[key] for key in ("heads_alone", "calibration")},
        "epochs": [{"epoch": no, "weighted_f1": said["weighted_f1"]} for no, said in sorted(epochs.items())],
        "posts": config["posts"],
        "minutes": round(done["seconds"] / 60),
        "on": config["environment"] | ({"gpu": gpu} if gpu else {}),
        "command": f"phyassist train-heads --base {config['base']} --sets {sets}{list_dials(recipe)} "
        "--out RUN",
    }


def list_dials(recipe: Mapping[str, Any]) -> str:
    """The fields that are not the recipe's own, as the command takes them."""
    own = asdict(HeadRecipe())
    return "".join(f" --set {name}={value}" for name, value in recipe.items() if value != own[name])


def make_page(found: Mapping[str, Any]) -> Iterator[str]:
    yield "# IMHI: every run"
    yield ""
    yield from (f"- {name}: {found[name]}" for name in ("date", "machine", "versions"))
    yield ""
    yield "## Validation, by which was chosen"
    yield ""
    yield f"| | run | {' | '.join(SETS)} |"
    yield "|---" * (len(SETS) + 2) + "|"
    runs = [run for run in found["runs"] if run["part"] == "val"]
    for no, run in enumerate(runs, 1):
        cells = [f"{run['weighted_f1'][each]:.2f}" if each in run["weighted_f1"] else "" for each in SETS]
        yield f"| {no} | {run['name']} | {' | '.join(cells)} |"
    yield ""
    yield "Weighted F1 in percent. " + found["chosen"]
    yield ""
    yield from (f"{no}. {tell_making(run)}" for no, run in enumerate(runs, 1))
    yield ""
    yield from make_tests(found)


def tell_making(run: Mapping[str, Any]) -> str:
    """By which command, where, how long, and whether it came to its end."""
    said = [f"`{run['command']}`" if "command" in run else run["no_command"]]
    gpu = run.get("on", {}).get("gpu")
    said.append(f"one {gpu}" if gpu else run.get("cores", "one core"))
    if "minutes" in run:
        said.append(f"{run['minutes']} minutes")
    if "broken_off" in run:
        said.append(f"broken off: {run['broken_off']}")
    return "; ".join(said)


def make_tests(found: Mapping[str, Any]) -> Iterator[str]:
    yield "## Test, looked at once for each"
    yield ""
    yield f"`{found['best']['command']}`"
    yield ""
    tests = {f"ours, {base}": read_scores(test) for base, test in found["tests"].items()}
    yield render_table(
        tests,
        dict.fromkeys(tests, "test"),
        {f"ours, {base}": SIZES[base.partition(",")[0]] for base in found["tests"]},
    )
    yield ""
    yield (
        "Each figure with its interval of 95 %, by resampling posts. The published figures were read from "
        "other papers or documents, whose readers and splits may differ."
    )
    yield ""
    yield found["beside"]
    yield ""
    yield "Other looks at the test sets:"
    yield ""
    for run in found["runs"]:
        if run["part"] == "test":
            yield f"- {run['name']}: `{run['command']}`. {run['what']}"
    yield ""
    yield "| file | sha256 |"
    yield "|---|---|"
    for adapter, files in found["best"]["files_sha256"].items():
        yield from (f"| {adapter}/{name} | {sha256} |" for name, sha256 in files.items())
    yield from (f"| {name}, test part | {sha256} |" for name, sha256 in found["data_sha256"].items())
    yield ""
    yield found["left_out"]


def list_scores(tests: Sequence[RunScores]) -> list[dict[str, Any]]:
    """As the JSON keeps them, in the order of the table."""
    scores = sorted(
        (score for test in tests for score in test.scores), key=lambda each: SETS.index(each.name)
    )
    return [asdict(score) for score in scores]


def read_scores(kept: Sequence[Mapping[str, Any]]) -> list[SetScore]:
    return [SetScore(**each) for each in kept]


def list_answering(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of an adapter that make its answers."""
    sums = read_sums(folder / SUMS)
    return {name: sums[name] for name in ANSWERING}


def gather(options: argparse.Namespace) -> dict[str, Any]:
    """What imhi.json holds, with these runs and tests beside those that it has."""
    before = json.loads((RESULTS / "imhi.json").read_text("utf-8"))
    runs = [describe_run(folder, options.gpu) for folder in options.runs]
    names = {run["name"] for run in runs}
    tests = [load_run(folder) for folder in options.test]
    earlier = [load_run(folder) for folder in options.before]
    kept = before.get("tests", {}) | ({earlier[0].said["base"]: list_scores(earlier)} if earlier else {})
    base, said = tests[0].said["base"], list_scores(tests)
    if kept.get(base, said) != said:
        kept[f"{base}, {EARLIER}"] = kept.pop(base)
    # What ships stands first.
    kept = {base: said} | kept
    scores = read_scores(said)
    heads = " ".join(f"--heads {folder}" for folder in options.ships)
    machine = f"{find_processor()}, {os.cpu_count()} cores"
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{machine}: every test, and the runs for which no GPU is named",
        "versions": ", ".join(f"{name} {said}" for name, said in tests[0].said["environment"].items()),
        "runs": [run for run in before["runs"] if run["name"] not in names] + runs,
        "chosen": options.chosen,
        "beside": options.beside or before["beside"],
        "tests": kept,
        "data_sha256": {name: sha256 for test in tests for name, sha256 in test.said["data_sha256"].items()},
        "left_out": LEFT_OUT,
        "best": {
            "adapters": [folder.as_posix() for folder in options.ships],
            "command": f"phyassist evaluate imhi --base {tests[0].said['base']} {heads} --part test "
            "--out SCORES",
            "part": tests[0].part,
            "weighted_f1": {score.name: score.weighted_f1 for score in scores},
            "interval": {score.name: score.weighted_f1_interval for score in scores},
            "mean": sum(score.weighted_f1 for score in scores) / len(scores),
            "heads_sha256": {folder.name: identify_heads(folder) for folder in options.ships},
            "files_sha256": {folder.name: list_answering(folder) for folder in options.ships},
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", action="store_true", help="Write the page alone, of what imhi.json holds.")
    parser.add_argument("--runs", type=Path, nargs="+", default=[])
    parser.add_argument("--gpu", default="", help="On which these runs were made, if on one.")
    parser.add_argument("--test", type=Path, nargs="+", default=[], help="of all sets together")
    parser.add_argument("--ships", type=Path, nargs="+", default=[])
    parser.add_argument("--before", type=Path, nargs="*", default=[], help="those of what shipped before")
    parser.add_argument("--chosen", default="", help="What ships of these, and why, in a sentence.")
    parser.add_argument(
        "--beside", default="", help="How it stands beside others, and what would get further."
    )
    options = parser.parse_args()
    if options.page:
        found = json.loads((RESULTS / "imhi.json").read_text("utf-8"))
    elif options.test and options.ships and options.chosen:
        found = gather(options)
        (RESULTS / "imhi.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    else:
        parser.error("name --test, --ships and --chosen, or --page alone")
    (RESULTS / "imhi.md").write_text("\n".join(make_page(found)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
