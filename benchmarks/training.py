"""Our recipe beside trl's SFTTrainer and LLaMA-Factory: the same rows, the same machine, the same examples.

    python -m benchmarks.training --base FOLDER --work FOLDER [--rows 64] [--trl PYTHON] [--factory PYTHON]

trl and LLaMA-Factory come with their own environments: name their python.  Every arm is a process of its
own with one thread, so its greatest memory is its own; it learns from each row once, and its adapter is then
asked for the loss on the same held-out rows by one and the same code.  A machine that is shared slows an arm
by the neighbours' load, and not only by the clock: each arm runs twice, the others between, the quicker run
counts, and the ratio is that of useful tokens a second that the processor gave, with the clock's beside it.
Useful tokens are those of the replies.
Writes docs/results/training.md and training.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.machine import find_processor

RESULTS = Path(__file__).parents[1] / "docs" / "results"
TOKENS_MAX = 512
HELD = 8
STEP = 16
ROUNDS = 2
Json = dict[str, Any]


def main() -> None:
    options = read_options()
    if options.arm:
        print(json.dumps(ARMS[options.arm](options.base, options.work, options.rows)))
        return
    prepare_rows(options)
    asked = {
        "phyassist, cpu-small": ("ours", sys.executable),
        "phyassist, upper half of the blocks": ("upper", sys.executable),
        "phyassist, cpu-small in fp32": ("fp32", sys.executable),
        "phyassist, the study's values": ("study", sys.executable),
        "trl SFTTrainer, the study's values": ("trl", options.trl),
        "trl SFTTrainer, the same in bf16": ("trl_bf16", options.trl),
        "LLaMA-Factory, the study's values": ("factory", options.factory),
    }
    found: dict[str, Json] = {}
    for _ in range(ROUNDS):
        for title, (arm, python) in asked.items():
            once = run_arm(arm, python, options) if python else {"absent": "not installed for this run"}
            print(title, once, flush=True)
            found[title] = min(found.get(title, once), once, key=lambda each: each.get("cpu_seconds", 0))
    losses = run_arm("losses", sys.executable, options)
    for title, (arm, _) in asked.items():
        if "absent" not in found[title]:
            found[title]["held_out_loss"] = losses[arm]
    after = run_arm("after", sys.executable, options)
    save(options, found, losses["base"], after)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--trl", default="")
    parser.add_argument("--factory", default="")
    parser.add_argument("--arm", default="")
    return parser.parse_args()


def run_arm(arm: str, python: str, options: argparse.Namespace) -> Json:
    command = (python, "-m", "benchmarks.training", "--arm", arm, "--base", options.base)
    done = subprocess.run(
        [*command, "--work", str(options.work), "--rows", str(options.rows)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(["src", "."])},
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return {"absent": f"ended with {done.returncode}"}
    result: Json = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def prepare_rows(options: argparse.Namespace) -> None:
    """IMHI's depression rows of at most 512 tokens in the app's own prompts: some to learn, 8 held out."""
    from phyassist.training.base import load_tokenizer
    from phyassist.training.catalogue import get_source
    from phyassist.training.encode import encode
    from phyassist.training.prepare import Plan, prepare
    from phyassist.training.templates import get_template
    from phyassist.training.writing import read_part

    folder = options.work / "data"
    if not folder.exists():
        prepare(Plan((get_source("imhi-dr"),), (), options.data, get_template("qwen")), folder)
    tokenizer = load_tokenizer(options.base)
    kept: dict[str, list[Any]] = {"train": [], "val": []}
    for part, count in (("train", options.rows), ("val", HELD)):
        for row in read_part(folder, part):
            if len(encode(row["messages"], tokenizer).ids) <= TOKENS_MAX and len(kept[part]) < count:
                kept[part].append(row["messages"])
    (options.work / "rows.json").write_text(json.dumps(kept))


def load_rows(work: Path) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = json.loads((work / "rows.json").read_text())
    return rows


def measure(train: Callable[[], None], replies: int) -> Json:
    """Seconds of the clock and of the processor, useful tokens by each, and the greatest memory."""
    started, computed = time.perf_counter(), time.process_time()
    train()
    return sum_up(replies, time.perf_counter() - started, time.process_time() - computed)


def sum_up(replies: int, seconds: float, cpu_s: float) -> Json:
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_s, 1),
        "reply_tokens": replies,
        "reply_tokens_per_cpu_s": replies / cpu_s,
        "reply_tokens_per_s": replies / seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def say_versions(own: str) -> str:
    return ", ".join(f"{name} {version(name)}" for name in (own, "torch", "transformers", "peft"))


def encode_rows(base: str, rows: list[Any], recipe: Any) -> Any:
    from phyassist.training.base import load_tokenizer
    from phyassist.training.encode import encode_all

    return encode_all(({"messages": row} for row in rows), load_tokenizer(base), recipe).examples


def train_ours(name: str, dials: Mapping[str, Any]) -> Callable[[str, Path, int], Json]:
    def arm(base: str, work: Path, rows: int) -> Json:
        import torch

        from phyassist.training.base import load_base
        from phyassist.training.loop import Trainer
        from phyassist.training.lora import attach
        from phyassist.training.memory import read_adapter
        from phyassist.training.recipe import get_preset, set_dials
        from phyassist.training.run import save_adapter

        recipe = set_dials(
            get_preset("cpu-small"), {"examples_per_step": min(STEP, rows), "epochs": 1, **dials}
        )
        examples = encode_rows(base, load_rows(work)["train"][:rows], recipe)
        torch.manual_seed(0)
        model = attach(load_base(base, recipe, "cpu"), recipe)
        trainer = Trainer(model, recipe, examples, ())
        measured = measure(
            lambda: trainer.run(lambda _: None) and None, sum(one.reply_tokens for one in examples)
        )
        save_adapter(read_adapter(model), work / name)
        return measured

    return arm


def train_trl(base: str, work: Path, rows: int, name: str = "trl", dtype: str = "float32") -> Json:
    """Padded batches of 4, four to a step, rows of like length together, as the study had them."""
    return run_trl(
        base,
        load_rows(work)["train"][:rows],
        work / name,
        dtype=dtype,
        lora={"r": 16, "lora_alpha": 8, "lora_dropout": 0.05},
        per_device_train_batch_size=4,
        gradient_accumulation_steps=min(STEP, rows) // 4,
        num_train_epochs=1,
        learning_rate=2e-4,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=0.03,
        max_grad_norm=0.3,
        train_sampling_strategy="group_by_length",
        max_length=2048,
    )


def run_trl(
    base: str, rows: list[Any], out: Path, *, lora: Mapping[str, Any], dtype: str = "float32", **config: Any
) -> Json:
    """A plain SFTTrainer on these rows, LoRA on every linear layer; its adapter goes to `out`."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from phyassist.training.recipe import Recipe

    replies = sum(
        one.reply_tokens for one in encode_rows(base, rows, Recipe(row_tokens=config["max_length"]))
    )
    torch.manual_seed(0)
    trainer = SFTTrainer(
        model=base,
        args=SFTConfig(
            output_dir=str(out.with_name(f"{out.name}-out")),
            optim="adamw_torch",
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            model_init_kwargs={"dtype": dtype},
            **config,
        ),
        train_dataset=Dataset.from_list([{"prompt": row[:-1], "completion": row[-1:]} for row in rows]),
        peft_config=LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", **lora),
    )
    measured = measure(lambda: trainer.train() and None, round(replies * config["num_train_epochs"]))
    trainer.model.save_pretrained(out / "adapter")
    return measured | {"with": say_versions("trl")}


def train_factory(base: str, work: Path, rows: int) -> Json:
    """The same through LLaMA-Factory, in the ChatML of the catalogue's models; training alone is timed."""
    from llamafactory.train.tuner import run_exp
    from transformers import TrainerCallback

    from phyassist.training.recipe import Recipe

    taken = load_rows(work)["train"][:rows]
    marks: list[tuple[float, float]] = []

    class Clock(TrainerCallback):  # type: ignore[misc]  # transformers is typed as anything here
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            marks.append((time.perf_counter(), time.process_time()))

        def on_train_end(self, *_: Any, **__: Any) -> None:
            marks.append((time.perf_counter(), time.process_time()))

    (work / "factory").mkdir(exist_ok=True)
    (work / "factory-rows.json").write_text(json.dumps([{"messages": row} for row in taken]))
    roles = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    described = {
        "file_name": "factory-rows.json",
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {**roles, "system_tag": "system"},
    }
    (work / "dataset_info.json").write_text(json.dumps({"rows": described}))
    run_exp(
        {
            "model_name_or_path": base,
            "template": "chatml",
            "stage": "sft",
            "do_train": True,
            "finetuning_type": "lora",
            "lora_target": "all",
            "lora_rank": 16,
            "lora_alpha": 8,
            "lora_dropout": 0.05,
            "dataset": "rows",
            "dataset_dir": str(work),
            "cutoff_len": 2048,
            "output_dir": str(work / "factory" / "adapter"),
            "overwrite_output_dir": True,
            "overwrite_cache": True,
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": min(STEP, rows) // 4,
            "num_train_epochs": 1,
            "learning_rate": 2e-4,
            "lr_scheduler_type": "constant_with_warmup",
            "warmup_ratio": 0.03,
            "max_grad_norm": 0.3,
            "train_sampling_strategy": "group_by_length",
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
        },
        callbacks=[Clock()],
    )
    (began, computed), (ended, computed_then) = marks
    replies = sum(one.reply_tokens for one in encode_rows(base, taken, Recipe(row_tokens=2048)))
    return sum_up(replies, ended - began, computed_then - computed) | {"with": say_versions("llamafactory")}


def find_losses(base: str, work: Path, _: int) -> Json:
    """Mean loss a reply token on the held-out rows, of the base and of every adapter there is."""
    from phyassist.training.recipe import Recipe

    folders = {name: work / name / "adapter" for name in ARMS}
    examples = encode_rows(base, load_rows(work)["val"], Recipe(row_tokens=1024))
    return ask_losses(base, examples, folders, row_tokens=1024)


def ask_losses(base: str, examples: Any, adapters: Mapping[str, Path], *, row_tokens: int) -> Json:
    """Mean loss of the reply tokens that are to be learnt, of the base and of each adapter."""
    import torch
    from peft import PeftModel

    from phyassist.training.base import load_base
    from phyassist.training.forward import Forward
    from phyassist.training.recipe import Recipe
    from phyassist.training.rows import pack

    packed = pack(examples, row_tokens)

    def ask(model: Any) -> float:
        forward, total = Forward(model.eval()), 0.0
        with torch.no_grad():
            for row in packed:
                said = forward.log_probs(row)
                total += float(said.sum() - said[list(row.held)].sum())
        return -total / sum(len(row.targets) - len(row.held) for row in packed)

    found = {"base": ask(load_base(base, Recipe(), "cpu"))}
    for name, folder in adapters.items():
        if folder.is_dir():
            found[name] = ask(PeftModel.from_pretrained(load_base(base, Recipe(), "cpu"), folder))
    return found


def time_after(base: str, work: Path, _: int) -> Json:
    """Seconds to load an adapter into the base, to merge it, and to write it as GGUF; sizes in MiB."""
    from peft import PeftModel

    from phyassist.training.base import load_base, load_config
    from phyassist.training.gguf_lora import export_gguf
    from phyassist.training.recipe import Recipe

    folder = work / "ours" / "adapter"
    model = load_base(base, Recipe(), "cpu")
    marks = [time.perf_counter()]
    model = PeftModel.from_pretrained(model, folder)
    marks.append(time.perf_counter())
    model.merge_and_unload()
    marks.append(time.perf_counter())
    written = export_gguf(folder, load_config(base), work / "ours.gguf")
    marks.append(time.perf_counter())
    load, merge, export = (later - before for before, later in pairwise(marks))
    return {
        "load_s": round(load, 2),
        "merge_s": round(merge, 2),
        "export_s": round(export, 2),
        "gguf_mib": round(written.stat().st_size / 2**20, 1),
    }


STUDY = {
    "precision": "fp32",
    "alpha": 8,
    "dropout": 0.05,
    "learning_rate": 2e-4,
    "schedule": "constant_with_warmup",
    "clip": 0.3,
}
ARMS: Mapping[str, Callable[[str, Path, int], Json]] = {
    "ours": train_ours("ours", {}),
    "upper": train_ours("upper", {"layers": 0.5}),
    "fp32": train_ours("fp32", {"precision": "fp32"}),
    "study": train_ours("study", STUDY),
    "trl": train_trl,
    "trl_bf16": partial(train_trl, name="trl_bf16", dtype="bfloat16"),
    "factory": train_factory,
    "losses": find_losses,
    "after": time_after,
}


def save(options: argparse.Namespace, found: dict[str, Json], base_loss: float, after: Json) -> None:
    from phyassist.training.base import choose_precision
    from phyassist.training.recipe import get_preset

    names, precision = ("torch", "transformers", "peft"), choose_precision(get_preset("cpu-small"), "cpu")
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m benchmarks.training --base {Path(options.base).name} --rows {options.rows}",
        "machine": f"{find_processor()}, {os.cpu_count()} cores, one thread an arm, "
        f"load {os.getloadavg()[0]:.1f} at the end",
        "versions": ", ".join(f"{name} {version(name)}" for name in names),
        "rows": f"{options.rows} of IMHI's depression set of at most {TOKENS_MAX} tokens, once; "
        f"{HELD} held out, on which the base alone has a loss of {base_loss:.3f}; each arm the quicker of "
        f"{ROUNDS} runs",
    }
    others = {"trl": "trl SFTTrainer, the study's values", "factory": "LLaMA-Factory, the study's values"}
    lines = []
    for title, one in found.items():
        if "absent" in one:
            lines.append(f"| {title} | {one['absent']} | | | | | |")
            continue
        ratios = {
            name: one["reply_tokens_per_cpu_s"] / found[other]["reply_tokens_per_cpu_s"]
            for name, other in others.items()
            if "absent" not in found[other]
        }
        one |= {f"ratio_to_{name}": ratio for name, ratio in ratios.items()}
        told = " | ".join(f"{ratios[name]:.2f}×" if name in ratios else "" for name in others)
        lines.append(
            f"| {title} | {one['reply_tokens_per_cpu_s']:.1f} | {told} | {one['reply_tokens_per_s']:.1f} "
            f"| {one['held_out_loss']:.3f} | {one['peak_mib']} |"
        )
    page = [
        "# Training: speed beside what one would pick instead",
        "",
        *(f"- {key}: {value}" for key, value in facts.items()),
        "",
        "| | reply tokens / s of the processor | to trl | to LLaMA-Factory | reply tokens / s of the clock "
        "| held-out loss | peak memory, MiB |",
        "|---|---|---|---|---|---|---|",
        *lines,
        "",
        *(f"{title}: {one['with']}." for title, one in found.items() if "with" in one),
        "",
        f"An adapter is loaded in {after['load_s']} s, merged into the weights in {after['merge_s']} s, and "
        f"written as GGUF ({after['gguf_mib']} MiB) in {after['export_s']} s.",
        "",
        "Of the study's settings, batch 4 × 4, rank 16, alpha 8, dropout 0.05, learning rate 2e-4, norm 0.3 "
        "and grouping by length are kept; LoRA sits on every linear layer in all arms.  Frozen weights are "
        f"{precision} with cpu-small, which is what it chooses on this processor, and fp32 where bf16 is not "
        "named; a processor without bf16 products has the figures of fp32.",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "training.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    said = {**facts, "arms": found, "base_loss": base_loss, "adapter": after}
    (RESULTS / "training.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
