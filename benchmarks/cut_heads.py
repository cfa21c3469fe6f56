"""The heads of some sets, cut out of a run on more, and LoRA in eight bits.

    python -m benchmarks.cut_heads RUN OUT [--sets DR,dreaddit,SAD] [--eight-bits]

A run on several sets may be the best for some of them alone.  OUT has the rows of their labels; the layers
that the heads read through, and the list of words, stay as they are, so what is left answers as before.  In
eight bits LoRA has half the bytes and answers nearly so.  OUT is evaluated and published as RUN is: it still
says all sets that it learnt from.
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

from phyassist.training.bases import ADAPTER_WEIGHTS
from phyassist.training.heads.model import ADAPTER, CONFIG, WEIGHTS
from phyassist.training.heads.words import load_words

# Those with a row for each label, in the order of the asks.
BY_LABEL = ("query.weight", "weight", "bias")
# With it the matrices of LoRA stand where E4M3 has three bits after the first, and stay far below its 448.
SCALE = 64


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


def narrow_lora(folder: Path) -> None:
    """LoRA's matrices as E4M3 (Micikevicius et al., 2022), which peft reads as it reads any other.

    They are too small for it as they are, so both are SCALE times as large, and alpha is as much smaller.
    """
    import torch
    from safetensors.torch import load_file as load_tensors
    from safetensors.torch import save_file as save_tensors

    path = folder / ADAPTER / ADAPTER_WEIGHTS
    held = {
        name: (value.float() * SCALE).to(torch.float8_e4m3fn) for name, value in load_tensors(path).items()
    }
    save_tensors(held, path, metadata={"format": "pt"})
    lora = json.loads((folder / ADAPTER / "adapter_config.json").read_text("utf-8"))
    said = json.loads((folder / CONFIG).read_text("utf-8"))
    lora["lora_alpha"] = said["recipe"]["alpha"] = said["recipe"]["alpha"] / SCALE**2
    # The card shows the recipe that was trained by, and how its LoRA is kept.
    run = json.loads((folder / "config.json").read_text("utf-8"))
    run["recipe"]["LoRA kept as"] = f"E4M3, both matrices times {SCALE}, alpha divided by {SCALE**2}"
    for name, held_json in (
        (f"{ADAPTER}/adapter_config.json", lora),
        (CONFIG, said),
        ("config.json", run),
    ):
        (folder / name).write_text(json.dumps(held_json, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="A folder of phyassist train-heads.")
    parser.add_argument("out", type=Path, help="A new folder.")
    parser.add_argument("--sets", default="", help="Whose heads stay, with commas; else all.")
    parser.add_argument("--eight-bits", action="store_true")
    options = parser.parse_args()
    asks = json.loads((options.run / CONFIG).read_text("utf-8"))["asks"]
    cut_heads(
        options.run, options.out, options.sets.split(",") if options.sets else [ask["set"] for ask in asks]
    )
    if options.eight_bits:
        narrow_lora(options.out)


if __name__ == "__main__":
    main()
