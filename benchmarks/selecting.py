"""`phyassist evaluate select` on the catalogue's models, with two tasks made of real questions and answers.

    python -m benchmarks.selecting BASE… --work FOLDER [--rows 100]

BASE is a folder that training made of a catalogue's file, or any other base.  The harness's own sets are not
fetched: of counsel-chat (English) and of SmileChat's first turns (Chinese) a model is asked which of four
replies answers what a client wrote; the other three were written to others, and are about as long.
Writes docs/results/select.md and select.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import list_facts, write_results

from phyassist.training.selecting import measure_candidate, render_candidates

TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {path}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{text}}}}\\n\\n"
target_delimiter: ""
doc_to_choice: "{{{{replies}}}}"
doc_to_target: "{{{{right}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""
SAID_CHARS = {"answers_en": (80, 900, 300), "answers_zh": (20, 300, 100)}
CHOICES = 4
SEED = 0

Pair = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bases", nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rows", type=int, default=100)
    options = parser.parse_args()
    sources = {
        "answers_en": read_questions(options.data / "counsel-chat/counsel_chat.csv"),
        "answers_zh": read_dialogues(options.data / "smilechat/dialogues.jsonl"),
    }
    folder = options.work / "tasks"
    folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in sources.items():
        write_task(folder, name, tuple(pairs), options.rows)
    candidates = [
        measure_candidate(
            base, tuple(sources), include=folder, limit=0, tell=lambda said: print(said, flush=True)
        )
        for base in options.bases
    ]
    names = " ".join(each.name for each in candidates)
    facts = list_facts(
        f"python -m benchmarks.selecting {names} --work FOLDER --rows {options.rows}",
        ("torch", "transformers", "lm_eval"),
    )
    lines = [
        "# Choosing a base model, measured",
        "",
        *(f"- {name}: {said}" for name, said in facts.items()),
        "",
        "By hand: `phyassist evaluate select MODEL… --tasks answers_en,answers_zh --include FOLDER/tasks`",
        "",
        render_candidates(candidates),
        "",
        f"answers_en, answers_zh: which of {CHOICES} replies answers what a client wrote (counsel-chat; "
        "SmileChat's first turns), in percent, with the harness's standard error and the rows; by chance 25. "
        "The other replies were written to other clients and are about as long. Likelihood through "
        "transformers, nothing shown before, no chat template. ARC, HellaSwag and MMLU were not at hand. A "
        "difference of less than two standard errors tells nothing.",
    ]
    write_results(
        "select", facts | {"candidates": [asdict(each) for each in candidates]}, "\n".join(lines) + "\n"
    )


def read_questions(path: Path) -> Iterator[Pair]:
    """What was asked and the first answer to it."""
    seen = set[str]()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            asked = " ".join((row["questionText"] or "").split())
            if asked not in seen:
                seen.add(asked)
                yield asked, " ".join((row["answerText"] or "").split())


def read_dialogues(path: Path) -> Iterator[Pair]:
    """What a client said first and what the counsellor replied."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            turns = json.loads(line)["turns"][:2]
            if [turn["role"] for turn in turns] == ["client", "counselor"]:
                first, reply = (turn["content"].strip() for turn in turns)
                yield first, reply


def write_task(folder: Path, name: str, pairs: Sequence[Pair], count: int) -> None:
    """So many rows, the same at each run, and the config by which the harness reads them."""
    least, most, reply_chars = SAID_CHARS[name]
    fit = [
        (said, cut_sentences(reply, reply_chars))
        for said, reply in pairs
        if least <= len(said) <= most and len(reply) >= reply_chars // 2
    ]
    chance = random.Random(SEED)
    chance.shuffle(fit)
    rows = []
    for said, reply in fit[:count]:
        others = [other for _, other in fit if other != reply]
        nearest = sorted(chance.sample(others, 60), key=lambda other: abs(len(other) - len(reply)))
        right = chance.randrange(CHOICES)
        replies = nearest[: CHOICES - 1]
        replies.insert(right, reply)
        rows.append({"text": said, "replies": replies, "right": right})
    path = (folder / f"{name}.jsonl").resolve()
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    (folder / f"{name}.yaml").write_text(TASK.format(name=name, path=path), encoding="utf-8")


def cut_sentences(text: str, chars: int) -> str:
    """Its first sentences, not many more than so many characters."""
    ends = [place + 1 for place, mark in enumerate(text) if mark in ".!?。！？" and place + 1 <= chars]
    return text[: ends[-1]] if ends else text[:chars]


if __name__ == "__main__":
    main()
