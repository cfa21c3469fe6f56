"""The page of explanations: an adapter's beside the base model's, on the same rows.

    phyassist train --base BASE --data DATA --out TRAINED …
    phyassist evaluate imhi --through engine --base BASE.gguf --adapter TRAINED/adapter.gguf --part test \
        --explain --limit 25 --out RUN
    phyassist evaluate imhi --through engine --base BASE.gguf --part test --explain --limit 25 --out OTHER
    phyassist evaluate explanations RUN --against OTHER
    python -m benchmarks.explanations RUN --trained TRAINED

Writes docs/results/explanations.md and explanations.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import list_facts, write_results

from phyassist.training.explaining import SAVED

Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--trained", type=Path, required=True)
    options = parser.parse_args()
    said = json.loads((options.run / SAVED).read_text("utf-8"))
    facts = list_facts(
        "phyassist evaluate explanations RUN --against OTHER",
        ("xllamacpp", "rouge-score", "sacrebleu"),
        adapter=describe_training(options.trained),
        rows=", ".join(dict.fromkeys(f"{each['set']} {each['rows']}" for each in said["scores"]))
        + ", the first of the test part",
    )
    found = {"facts": facts, **said}
    write_results("explanations", found, "\n".join(make_page(facts, said["scores"])) + "\n")


def describe_training(folder: Path) -> str:
    """What the adapter learnt, and on what: from the folder that `phyassist train` left."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    done = json.loads((folder / "done.json").read_text("utf-8"))
    recipe, on = config["recipe"], config["environment"]
    return (
        f"LoRA of rank {recipe['rank']} on {Path(config['base']).name}, "
        f"{config['examples']['train']} explained "
        f"labels, {done['step']} steps of {recipe['examples_per_step']}, {done['seconds']:.0f} s "
        f"(torch {on['torch']}); loss on held-out rows {done['best_val_loss']:.3f}"
    )


def make_page(facts: Mapping[str, str], scores: Sequence[Json]) -> Iterator[str]:
    yield from ("# Explanations, beside the base model's", "")
    yield from (f"- {name}: {value}" for name, value in facts.items())
    yield from ("", "| set | measure | base | adapter | 95 % | gained | p | without an explanation |")
    yield "|---" * 8 + "|"
    for each in scores:
        if each["value"] is None:
            continue
        measure = f"{each['measure']} ({Path(each['model']).name})" if each["model"] else each["measure"]
        low, high = each["interval"] or (None, None)
        cells = (
            each["set"],
            measure,
            f"{each['against']:.3f}",
            f"{each['value']:.3f}",
            "" if low is None else f"{low:.3f} to {high:.3f}",
            f"{each['gained']:+.3f}",
            "" if each["p_bootstrap"] is None else f"{each['p_bootstrap']:.3f}",
            str(each["empty"]),
        )
        yield f"| {' | '.join(cells)} |"
    yield from ("", *sorted({say_absent(each) for each in scores if each["value"] is None}), "")
    yield (
        "ROUGE and BLEU say how many words are shared with the reference, which GPT-3.5 wrote and experts "
        "checked; `lmscore` is the mathematics of BARTScore with the model named, a measure of our own. The "
        "posts may not ship, and the adapter is for research alone."
    )


def say_absent(score: Json) -> str:
    return f"{score['measure']} is absent: {score['why_absent']}."


if __name__ == "__main__":
    main()
