"""What joining costs: every adapter alone, every way of joining, and joint training, on every task."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phyassist.domain.examples import Example, Part
from phyassist.errors import BadSetting
from phyassist.lm.folders import say_damaged
from phyassist.lm.hashing import count_sha256
from phyassist.training.answering import ByLikelihood, LabelScorer
from phyassist.training.base import load_tokenizer
from phyassist.training.bases import ADAPTER_WEIGHTS, check_fits, fetch_base
from phyassist.training.imhi import get_set_table, load_rows
from phyassist.training.measures import SetScore, score_labels
from phyassist.training.merge import METHODS, Joined, Way, check_way, join, open_all
from phyassist.training.run import describe_environment

BASE = "base alone"
KEPT = "merges.json"
_ANEW = "remove it, or name a new folder with --out"
Scores = Mapping[str, Mapping[str, SetScore]]
Hear = Callable[[str, str, int, int], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which adapters are joined in which ways, what was trained on all tasks at once, and what is asked."""

    joined: Joined
    base: str
    ways: tuple[Way, ...]
    sets: tuple[str, ...]
    data: Path
    out: Path
    joint: str = ""
    part: Part = "val"
    limit: int = 0


def compare_merges(asked: Comparison, hear: Hear) -> Scores:
    """Scores by variant and set; each variant is written down when it is done, and not computed again.

    `joint` names the one of the adapters that was trained on all tasks: it is compared, never joined.
    Raises BadInput, BadSetting, UnknownName, UnreadableFile, ModelMissing.
    """
    alone = [name for name in asked.joined.folders if name != asked.joint]
    if len(alone) < 2:
        raise BadSetting("there is nothing to join", hint="name two adapters or more")
    if not asked.sets:
        raise BadSetting("no task is named", hint="name IMHI sets with --sets, such as SAD,dreaddit")
    for way in asked.ways:
        check_way(way, {name: asked.joined.ranks[name] for name in alone})
    check_fits(asked.joined.base, fetch_base(asked.base))
    rows = {name: _take(load_rows(name, asked.data, asked.part), asked.limit) for name in asked.sets}
    asked.out.mkdir(parents=True, exist_ok=True)
    kept = _load_kept(asked)
    wanted = [BASE, *alone, *(way.method for way in asked.ways), *([asked.joint] if asked.joint else [])]
    if any(name not in kept for name in wanted):
        _score_missing(asked, wanted, rows, kept, hear)
    return {name: kept[name] for name in wanted}


def _score_missing(
    asked: Comparison,
    wanted: Sequence[str],
    rows: Mapping[str, Sequence[Example]],
    kept: dict[str, Mapping[str, SetScore]],
    hear: Hear,
) -> None:
    model, tokenizer = open_all(asked.joined, asked.base), load_tokenizer(asked.base)
    model.get_base_model().config.use_cache = True
    ways = {way.method: way for way in asked.ways}
    alone = [name for name in asked.joined.folders if name != asked.joint]
    for name in wanted:
        if name in kept:
            continue
        if name in ways:
            join(model, alone, name, ways[name])
        if name == BASE:
            with model.disable_adapter():
                kept[name] = dict(_score(name, model, tokenizer, rows, hear))
        else:
            model.set_adapter(name)
            kept[name] = dict(_score(name, model, tokenizer, rows, hear))
        if name in ways:
            model.delete_adapter(name)
        _save(asked, kept)


def _score(
    name: str, model: Any, tokenizer: Any, rows: Mapping[str, Sequence[Example]], hear: Hear
) -> Iterator[tuple[str, SetScore]]:
    """The likeliest label of every row, and what each set's labels score together."""
    answerer = ByLikelihood(LabelScorer(model, tokenizer))
    for set_name, examples in rows.items():
        table = get_set_table(set_name)
        said = []
        for each in answerer.answer(set_name, table, examples, explain=False):
            said.append(each.label)
            hear(name, set_name, len(said), len(examples))
        yield (
            set_name,
            score_labels(
                set_name,
                gold=[example.label for example in examples],
                said=said,
                posts=[example.key for example in examples],
                labels=table.labels,
            ),
        )


def render_interference(scores: Scores, alone: Sequence[str], joint: str = "") -> str:
    """Weighted F1 of every variant on every set, and how far each stands below the best adapter alone."""
    sets = list(next(iter(scores.values())))
    best = {each: max(scores[name][each].weighted_f1 for name in alone) for each in sets}
    lines = [
        f"| weighted F1 | {' | '.join(sets)} | mean | mean against the best alone |",
        "|---" * (len(sets) + 3) + "|",
    ]
    for name, by_set in scores.items():
        figures = [by_set[each].weighted_f1 for each in sets]
        cells = [
            f"{by_set[each].weighted_f1:.1f} ({by_set[each].weighted_f1_interval[0]:.0f}–"
            f"{by_set[each].weighted_f1_interval[1]:.0f})"
            for each in sets
        ]
        mean = sum(figures) / len(figures)
        lost = mean - sum(best.values()) / len(sets)
        kind = "alone" if name in alone else "trained on all" if name == joint else ""
        title = f"{name} ({kind})" if kind else name if name == BASE else f"joined: {name}"
        lines.append(f"| {title} | {' | '.join(cells)} | {mean:.1f} | {lost:+.1f} |")
    return "\n".join(lines)


def parse_ways(methods: str, weights: tuple[float, ...], density: float) -> tuple[Way, ...]:
    """The ways that are named with commas.  Raises BadSetting for one that there is not."""
    named = tuple(name.strip() for name in methods.split(",") if name.strip())
    unknown = [name for name in named if name not in METHODS]
    if unknown or not named:
        raise BadSetting(
            f"there is no way {', '.join(unknown)} of joining", hint=f"there are {', '.join(METHODS)}"
        )
    return tuple(Way(name, weights, density) for name in named)


def _take(rows: Sequence[Example], limit: int) -> Sequence[Example]:
    return rows[:limit] if limit else rows


def _load_kept(asked: Comparison) -> dict[str, Mapping[str, SetScore]]:
    path = asked.out / KEPT
    if not path.is_file():
        return {}
    with say_damaged(path, _ANEW):
        is_same = json.loads(path.read_text("utf-8"))["asked"] == _spell(asked)
    if not is_same:
        raise BadSetting(f"{path} holds another comparison", hint="name a new folder with --out")
    return dict(load_scores(asked.out))


def load_scores(out: Path) -> Scores:
    """What a comparison has written down, in the order in which it was scored.  Raises UnreadableFile."""
    with say_damaged(out / KEPT, _ANEW):
        said = json.loads((out / KEPT).read_text("utf-8"))
        return {
            name: {each: _read_score(score) for each, score in by_set.items()}
            for name, by_set in said["scores"].items()
        }


def _read_score(score: Mapping[str, Any]) -> SetScore:
    values: dict[str, Any] = dict(score)
    for name in ("weighted_f1_interval", "accuracy_interval"):
        values[name] = tuple(values[name])
    return SetScore(**values)


def _spell(asked: Comparison) -> Mapping[str, Any]:
    return {
        "base": asdict(asked.joined.base),
        "ranks": dict(asked.joined.ranks),
        # A run that was trained anew under the same name is another adapter.
        "adapters": {
            name: count_sha256(folder / ADAPTER_WEIGHTS) for name, folder in asked.joined.folders.items()
        },
        "joint": asked.joint,
        "ways": [json.loads(json.dumps(asdict(way))) for way in asked.ways],
        "sets": list(asked.sets),
        "part": asked.part,
        "limit": asked.limit,
    }


def _save(asked: Comparison, kept: Mapping[str, Mapping[str, SetScore]]) -> None:
    said = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked": _spell(asked),
        "environment": describe_environment(),
        "scores": {
            name: {each: asdict(score) for each, score in by_set.items()} for name, by_set in kept.items()
        },
    }
    part = asked.out / f"{KEPT}.part"
    part.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    part.replace(asked.out / KEPT)
