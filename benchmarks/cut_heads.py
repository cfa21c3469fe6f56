"""The heads of some sets, cut out of a run on more.

    python -m benchmarks.cut_heads RUN OUT --sets DR,dreaddit,SAD

A run on several sets may be the best for some of them alone.  OUT has the rows of their labels; the layers
that the heads read through, and the list of words, stay as they are, so what is left answers as before.  OUT
is evaluated and published as RUN is: it still says all sets that it learnt from.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from phyassist.training.heads.model import CONFIG, WEIGHTS
from phyassist.training.heads.words import load_words

# Those with a row for each label, in the order of the asks.
BY_LABEL = ("query.weight", "weight", "bias")


def cut_heads(run: Path, out: Path, sets: Sequence[str]) -> None:
    """Copy a run, and leave the heads of these sets in it."""
    said = json.loads((run / CONFIG).read_text("utf-8"))
    unknown = set(sets) - {ask["set"] for ask in said["asks"]}
    if unknown:
        raise SystemExit(f"{run} has no heads of {', '.join(sorted(unknown))}")
    rows = np.flatnonzero([ask["set"] in sets for ask in said["asks"] for _ in ask["labels"]])
    shutil.copytree(run, out, ignore=shutil.ignore_patterns("checkpoints"))
    held = load_file(run / WEIGHTS)
    save_file({**held, **{name: held[name][rows] for name in BY_LABEL}}, out / WEIGHTS)
    words = load_words(run)
    if words is not None:
        replace(words, weights=words.weights[rows], bias=words.bias[rows]).save(out)
        made = said["calibration"]
        kept = [each for each, ask in zip(made["readings"], said["asks"], strict=True) if ask["set"] in sets]
        by_set = {name: how for name, how in made["by_set"].items() if name in sets}
        said["calibration"] = {"by_set": by_set, "readings": kept}
    said["asks"] = [ask for ask in said["asks"] if ask["set"] in sets]
    (out / CONFIG).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="A folder of phyassist train-heads.")
    parser.add_argument("out", type=Path, help="A new folder.")
    parser.add_argument("--sets", required=True, help="Whose heads stay, with commas.")
    options = parser.parse_args()
    cut_heads(options.run, options.out, options.sets.split(","))


if __name__ == "__main__":
    main()
