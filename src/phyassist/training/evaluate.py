"""An evaluation on IMHI from beginning to end: answers, scores, and both written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist.domain.examples import Part
from phyassist.errors import ModelMissing
from phyassist.training.base import find_device, load_base, load_tokenizer
from phyassist.training.imhi import (
    LabelScorer,
    answer_set,
    get_set_table,
    load_rows,
    score_set,
    write_replies,
)
from phyassist.training.measures import SetScore
from phyassist.training.recipe import Recipe
from phyassist.training.run import describe_environment

# What stands in baselines of other people's making, weighted F1 on the test sets, and who measured it.
BASELINES: Mapping[str, tuple[Mapping[str, float], str]] = {
    "always the largest class": (
        {"DR": 65.37, "dreaddit": 34.41, "Irf": 50.77, "MultiWD": 49.53, "SAD": 4.46},
        "computed",
    ),
    "PhyAssist of 2023, Mixtral-8x7B": (
        {"DR": 76.88, "dreaddit": 77.37, "Irf": 61.23, "MultiWD": 66.61, "SAD": 55.58},
        "its document",
    ),
    "MentaLLaMA-chat-13B": (
        {"DR": 85.68, "dreaddit": 75.79, "Irf": 76.49, "MultiWD": 75.11, "SAD": 63.62},
        "its paper, second-hand",
    ),
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was asked: a base model with or without an adapter, on which sets and part of them."""

    base: str
    adapter: Path | None
    sets: tuple[str, ...]
    part: Part
    data: Path
    out: Path
    explain: bool = False
    limit: int = 0


def run_evaluation(asked: Evaluation, progress: Callable[[str, int, int], None]) -> tuple[SetScore, ...]:
    """Scores of every set; replies and scores stand in `out`.

    Raises UnknownName, UnreadableFile, ModelMissing.
    """
    rows = {name: load_rows(name, asked.data, asked.part) for name in asked.sets}
    scorer = open_scorer(asked.base, asked.adapter)
    asked.out.mkdir(parents=True, exist_ok=True)
    scores: list[SetScore] = []
    for name, every in rows.items():
        chosen = every[: asked.limit] if asked.limit else every

        def tell(done: int, of: int, name: str = name) -> None:
            progress(name, done, of)

        answered = tuple(
            answer_set(scorer, get_set_table(name), chosen, explain=asked.explain, progress=tell)
        )
        write_replies(asked.out / f"{name}.csv", answered)
        scores.append(score_set(name, answered))
        _save(asked, scores)
    return tuple(scores)


def open_scorer(base: str, adapter: Path | None) -> LabelScorer:
    """The model to score with, its adapter merged into it.  Raises ModelMissing."""
    from peft import PeftModel

    tokenizer = load_tokenizer(base)
    model: Any = load_base(base, Recipe(), find_device())
    if adapter is not None:
        if not (adapter / "adapter_config.json").is_file():
            raise ModelMissing(f"{adapter} holds no adapter", hint="name a run's folder `adapter`")
        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    model.config.use_cache = True
    return LabelScorer(model, tokenizer)


def render_table(scores: Sequence[SetScore], title: str) -> str:
    """A table with the baselines below it, and who measured each."""
    names = [score.name for score in scores]
    lines = [
        f"| weighted F1 | {' | '.join(names)} | mean | measured by |",
        "|---" * (len(names) + 3) + "|",
    ]
    mine = [
        f"{score.weighted_f1:.2f} ({score.weighted_f1_interval[0]:.1f}–{score.weighted_f1_interval[1]:.1f})"
        for score in scores
    ]
    mean = sum(score.weighted_f1 for score in scores) / len(scores)
    lines.append(f"| **{title}** | {' | '.join(mine)} | {mean:.2f} | this command |")
    for name, (figures, source) in BASELINES.items():
        theirs = [figures[each] for each in names]
        shown = " | ".join(f"{figure:.2f}" for figure in theirs)
        lines.append(f"| {name} | {shown} | {sum(theirs) / len(theirs):.2f} | {source} |")
    return "\n".join(lines)


def _save(asked: Evaluation, scores: Sequence[SetScore]) -> None:
    said = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": Path(asked.base).name,
        "adapter": None if asked.adapter is None else asked.adapter.name,
        "part": asked.part,
        "limit": asked.limit,
        "explain": asked.explain,
        "environment": describe_environment(),
        "sets": {score.name: asdict(score) for score in scores},
    }
    (asked.out / "scores.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
