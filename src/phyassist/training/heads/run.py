"""A run of heads: from the public sets to a folder with LoRA, heads and what was measured, its mark last."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from phyassist.errors import BadInput, BadSetting
from phyassist.lm.folders import say_damaged
from phyassist.training.bases import HEADS, identify_base, save_base_mark
from phyassist.training.checkpoints import FolderCheckpoints
from phyassist.training.heads.model import Headed
from phyassist.training.heads.posts import list_asks, load_posts
from phyassist.training.heads.recipe import HeadRecipe
from phyassist.training.heads.train import (
    BelowPost,
    HeadScore,
    HeadStep,
    HeadTrainer,
    read_below,
)
from phyassist.training.heads.words import fit_words
from phyassist.training.run import DONE, describe_environment

_ABOVE_ZERO = (
    "rank",
    "alpha",
    "learning_rate",
    "head_learning_rate",
    "epochs",
    "text_tokens",
    "times_read",
    "step_tokens",
    "step_posts",
)
_SHARES = ("dropout", "warmup")


@dataclass(frozen=True, slots=True)
class HeadJob:
    """Which sets' heads are trained on which base, and where they go."""

    base: str
    sets: tuple[str, ...]
    data: Path
    out: Path
    recipe: HeadRecipe


@dataclass(frozen=True, slots=True)
class Read:
    """How many posts have been through the frozen layers, and of how many."""

    done: int
    of: int


def run_head_job(
    job: HeadJob, hear: Callable[[Read | HeadStep | HeadScore], None], *, resume: bool = False
) -> HeadScore:
    """The validation score of the epoch that was kept.

    A run that was broken off ends as one that was not.
    Raises BadInput where the folder holds something else or no post is left, UnknownName, ModelMissing,
    TrainingFailed, StoreFull.
    """
    train, val = (load_posts(job.sets, job.data, part) for part in ("train", "val"))
    if not train or not val:
        raise BadInput("no post is left to train on or to choose by", hint="look at the data folder")
    headed = Headed(job.base, list_asks(job.sets), job.recipe)
    said: dict[str, Any] = {
        "base": Path(job.base).name,
        "sets": job.sets,
        "recipe": asdict(job.recipe),
        "posts": {"train": len(train), "val": len(val)},
        "environment": describe_environment(),
    }
    _open_folder(job.out, json.loads(json.dumps(said)), resume=resume)
    started = time.perf_counter()
    below: dict[str, list[BelowPost]] = {}
    for part, posts in (("val", val), ("train", train)):
        below[part] = []
        for each in read_below(headed, posts):
            below[part].append(each)
            hear(Read(len(below["val"]) + len(below.get("train", ())), len(train) + len(val)))
    with (job.out / "progress.jsonl").open("a", encoding="utf-8") as file:

        def write_and_hear(report: HeadStep | HeadScore) -> None:
            kind = "step" if isinstance(report, HeadStep) else "eval"
            file.write(json.dumps({"kind": kind, **asdict(report)}) + "\n")
            file.flush()
            hear(report)

        checkpoints = FolderCheckpoints(job.out / "checkpoints")
        words = fit_words(train, headed.asks)
        best = HeadTrainer(headed, below["train"], below["val"], words, checkpoints).run(write_and_hear)
    headed.save(job.out)
    # The base's folder need not be there where the heads are published.
    save_base_mark(job.out / HEADS, identify_base(job.base))
    done = {
        **asdict(best),
        "calibration": {} if headed.calibration is None else headed.calibration.by_set,
        "seconds": round(time.perf_counter() - started, 1),
    }
    (job.out / DONE).write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
    return best


def _open_folder(out: Path, said: Mapping[str, Any], *, resume: bool) -> None:
    config = out / "config.json"
    if not resume:
        if out.exists() and any(out.iterdir()):
            raise BadInput(f"{out} holds something already", hint="name a new folder, or --resume the run")
        out.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    elif not config.is_file():
        raise BadInput(f"{out} holds no run to go on with", hint="start it without --resume")
    else:
        with say_damaged(config, "start anew in another folder"):
            before = json.loads(config.read_text("utf-8"))
            changed = [name for name in ("base", "sets", "recipe", "posts") if before[name] != said[name]]
        if changed:
            raise BadInput(
                f"the run in {out} was begun with another {' and '.join(changed)}",
                hint="go on as it was begun, or start anew in another folder",
            )


def set_head_dials(recipe: HeadRecipe, values: Mapping[str, str]) -> HeadRecipe:
    """The recipe with some fields set from text.  Raises BadSetting for what cannot be."""
    kinds = get_type_hints(HeadRecipe)
    unknown = sorted(set(values) - {each.name for each in fields(HeadRecipe)})
    if unknown:
        raise BadSetting(f"heads have no {', '.join(unknown)}", hint=f"there are {', '.join(sorted(kinds))}")
    try:
        changed = replace(recipe, **{name: kinds[name](value) for name, value in values.items()})
    except ValueError:
        raise BadSetting("a field of the heads is no number", hint="write it as --set rank=8") from None
    _check_dials(changed)
    return changed


def _check_dials(recipe: HeadRecipe) -> None:
    numbers = asdict(recipe)
    for name in _ABOVE_ZERO:
        if not (math.isfinite(numbers[name]) and numbers[name] > 0):
            raise BadSetting(f"{name} is above zero", hint=f"write it as --set {name}=8")
    for name in _SHARES:
        if not 0 <= numbers[name] < 1:
            raise BadSetting(f"{name} is a share of one", hint="give a number from 0 to below 1")
    weights = (recipe.weight_decay, recipe.evidence_weight)
    if not 0 <= recipe.first_layer <= recipe.last_layer or not all(0 <= each < math.inf for each in weights):
        raise BadSetting(
            "first_layer is 0 to last_layer, weight_decay and evidence_weight are 0 or above",
            hint="give such numbers",
        )
