"""Learning from notes beside the plain trl run on the same examples: seconds, memory, held-out loss.

    python -m benchmarks.learning_speed MODEL.gguf --base FOLDER --work FOLDER --trl PYTHON [--notes 10]

The notes are one patient's: those of the first counsellor of `learning.py`, whose FOLDER is used again, one
after the other, each with the earlier ones in its prompt as far as they fit.  Both arms learn the same rows
as often, with the same rank, learning rate and examples a step, in the precision that the app chooses on this
processor, each in a process of its own, one after the other; trl puts LoRA on every block, pads its batches
and learns whole replies, as it does by itself; ours learns what was changed in them.  Its environment is its
own: name its python.
Writes docs/results/learning-speed.md and learning-speed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.training import ask_losses, measure, run_trl

Json = dict[str, Any]
ARMS = ("phyassist", "trl")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--base", required=True, help="the same model as a folder to train on")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--trl", required=True, help="the python of an environment with trl")
    parser.add_argument("--notes", type=int, default=10)
    parser.add_argument("--arm", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(RUNS[options.arm](options.base, options.work)))
        return
    count = write_rows(options)
    arms = {arm: run_arm(arm, options.trl if arm == "trl" else sys.executable, options) for arm in ARMS}
    losses = run_arm("losses", sys.executable, options)
    save(
        options,
        count,
        {arm: each | {"held_out_loss": losses[arm]} for arm, each in arms.items()},
        losses["base"],
    )


def write_rows(options: argparse.Namespace) -> Mapping[str, int]:
    """The examples of so many notes, as the app makes them, those of the newest notes held out."""
    from benchmarks.learning import CONTEXT_TOKENS, Bench
    from benchmarks.signing import Kept
    from benchmarks.tastes import COUNSELLORS

    from phyassist.lm.engine import Engine, EngineOptions

    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
        # The texts are parted as `learning.py` parts them by itself.
        parting = argparse.Namespace(data=options.data, notes=20, texts=6)
        bench = Bench(engine, Path(options.base), Kept(options.work), parting)
        tolds = bench.sign_first(COUNSELLORS[0], options.notes)
        earlier = [tuple(told.note for told in tolds[:no]) for no in range(len(tolds))]
        tolds = [replace(told, earlier=notes) for told, notes in zip(tolds, earlier, strict=True)]
        examples = bench.make_examples(tolds, "none")
    rows: dict[str, list[Any]] = {"train": [], "val": []}
    for each in examples:
        said = [{"role": message.role, "content": message.content} for message in each.messages]
        rows["val" if each.held_out else "train"].append(
            {
                "messages": [*said, {"role": "assistant", "content": each.chosen}],
                "drafted": each.drafted,
                "forced": each.forced,
            }
        )
    (options.work / "speed-rows.json").write_text(json.dumps(rows), "utf-8")
    return {part: len(each) for part, each in rows.items()}


def run_arm(arm: str, python: str, options: argparse.Namespace) -> Json:
    command = [python, "-m", "benchmarks.learning_speed", str(options.model), "--arm", arm]
    done = subprocess.run(
        [*command, "--base", options.base, "--work", str(options.work), "--trl", options.trl],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])},
    )
    if done.returncode:
        raise SystemExit(f"{arm} ended with {done.returncode}: {done.stderr[-2000:]}")
    result: Json = json.loads(done.stdout.strip().splitlines()[-1])
    print(arm, result, flush=True)
    return result


def load_rows(work: Path) -> Mapping[str, list[Any]]:
    rows: Mapping[str, list[Any]] = json.loads((work / "speed-rows.json").read_text("utf-8"))
    return rows


def load_recipe(examples: int) -> Any:
    """The app's own recipe for notes, with the step that it chooses for so many examples."""
    from phyassist.domain.learning import choose_step
    from phyassist.training.base import choose_precision
    from phyassist.training.recipe import get_preset, set_dials

    recipe = get_preset("notes")
    step = choose_step(examples, recipe.examples_per_step)
    return set_dials(recipe, {"examples_per_step": step, "precision": choose_precision(recipe, "cpu")})


def train_ours(base: str, work: Path) -> Json:
    import torch

    from phyassist.training.base import load_base
    from phyassist.training.loop import Trainer
    from phyassist.training.lora import attach
    from phyassist.training.memory import read_adapter
    from phyassist.training.run import save_adapter

    rows = load_rows(work)["train"]
    recipe = load_recipe(len(rows))
    examples = encode(base, rows, recipe)
    torch.manual_seed(0)
    model = attach(load_base(base, recipe, "cpu"), recipe)
    trainer = Trainer(model, recipe, examples, ())
    replies = round(recipe.epochs * sum(one.reply_tokens for one in examples))
    measured = measure(lambda: trainer.run(lambda _: None) and None, replies)
    save_adapter(read_adapter(model), work / "speed-phyassist")
    return measured


def train_trl(base: str, work: Path) -> Json:
    rows = load_rows(work)["train"]
    recipe = load_recipe(len(rows))
    return run_trl(
        base,
        [row["messages"] for row in rows],
        work / "speed-trl",
        lora={"r": recipe.rank, "lora_alpha": recipe.alpha},
        dtype={"bf16": "bfloat16", "fp32": "float32"}[recipe.precision],
        per_device_train_batch_size=recipe.examples_per_step,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        max_length=recipe.row_tokens,
    )


def find_losses(base: str, work: Path) -> Json:
    """Mean loss a changed token of the held-out rows, of the base and of both adapters."""
    rows = load_rows(work)["val"]
    folders = {arm: work / f"speed-{arm}" / "adapter" for arm in ARMS}
    recipe = load_recipe(len(rows))
    return ask_losses(base, encode(base, rows, recipe), folders, row_tokens=recipe.row_tokens)


def encode(base: str, rows: list[Any], recipe: Any) -> Any:
    from phyassist.training.base import load_tokenizer
    from phyassist.training.encode import encode_all

    return encode_all(rows, load_tokenizer(base), recipe).examples


RUNS: Mapping[str, Callable[[str, Path], Json]] = {
    "phyassist": train_ours,
    "trl": train_trl,
    "losses": find_losses,
}


def save(
    options: argparse.Namespace, count: Mapping[str, int], arms: Mapping[str, Json], base_loss: float
) -> None:
    from benchmarks.machine import list_facts, write_results

    ours, trl = (arms[arm] for arm in ARMS)
    ratio = {key: round(trl[key] / ours[key], 2) for key in ("seconds", "cpu_seconds", "peak_mib")}
    facts = list_facts(
        f"python -m benchmarks.learning_speed {options.model.name} --base FOLDER --work FOLDER --trl PYTHON "
        f"--notes {options.notes}",
        ("torch", "transformers", "peft"),
        model=options.model.stem,
        examples=f"{count['train']} learnt and {count['val']} held out, of {options.notes} notes; the base "
        f"alone has a loss of {base_loss:.3f} on these",
        precision=load_recipe(count["train"]).precision,
    )
    page = ["# Learning from notes, beside trl", "", *(f"- {name}: {value}" for name, value in facts.items())]
    page += [
        "",
        "| | seconds | of the processor | peak memory, MiB | held-out loss of what was changed |",
        "|---|---|---|---|---|",
    ]
    for arm, each in arms.items():
        cells = [each["seconds"], each["cpu_seconds"], each["peak_mib"], f"{each['held_out_loss']:.3f}"]
        page.append(f"| {arm} | " + " | ".join(map(str, cells)) + " |")
    page += ["", f"trl takes {ratio['seconds']} times as long and {ratio['peak_mib']} times the memory.", ""]
    found = {"facts": facts, "arms": dict(arms), "base_loss": base_loss, "trl_to_ours": ratio}
    write_results("learning-speed", found, "\n".join(page))


if __name__ == "__main__":
    main()
