"""What others reached on IMHI: a data file read into values, and one table with a run's own figures above."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from phyassist.training.measures import SetScore


@dataclass(frozen=True, slots=True)
class Baseline:
    """Published figures by set; `mean` is published too where not all five are, else None."""

    name: str
    size: str
    measured_by: str
    weighted_f1: Mapping[str, float]
    mean: float | None


@cache
def load_baselines() -> tuple[Baseline, ...]:
    source = tomllib.loads(files("phyassist.training").joinpath("baselines.toml").read_text("utf-8"))
    return tuple(
        Baseline(row["name"], row["size"], row["measured_by"], row["weighted_f1"], row.get("mean"))
        for row in source["rows"]
    )


def say_rows(part: str, limit: int) -> str:
    """Which rows were scored: figures of validation rows, or of the first few, are no published ones."""
    return f"{part}, first {limit} rows of each set" if limit else part


def render_table(
    runs: Mapping[str, Sequence[SetScore]],
    scored: Mapping[str, str],
    sizes: Mapping[str, str] | None = None,
) -> str:
    """Weighted F1 of each run by name, with its interval, and below it everybody else's.

    `scored` says of each run on which rows, `sizes` has those of the runs whose size is known.
    A set that a run did not answer stays empty, and a mean stands only where every set shown has a figure.
    """
    names = list(dict.fromkeys(score.name for scores in runs.values() for score in scores))
    lines = [
        f"| weighted F1 | size | {' | '.join(names)} | mean | unread | measured by |",
        "|---" * (len(names) + 5) + "|",
    ]
    for name, scores in runs.items():
        by_set = {score.name: score for score in scores}
        cells = [_spell(by_set[each]) if each in by_set else "" for each in names]
        figures = [score.weighted_f1 for score in scores]
        mean = f"{sum(figures) / len(figures):.2f}" if len(figures) == len(names) else ""
        size = (sizes or {}).get(name, "")
        measured_by = f"this command: {scored[name]}"
        unread = f"{sum(score.unread for score in scores)} of {sum(score.rows for score in scores)}"
        lines.append(f"| **{name}** | {size} | {' | '.join(cells)} | {mean} | {unread} | {measured_by} |")
    for row in load_baselines():
        cells = [f"{row.weighted_f1[each]:.2f}" if each in row.weighted_f1 else "" for each in names]
        lines.append(
            f"| {row.name} | {row.size} | {' | '.join(cells)} | {_mean(row, names)} | | {row.measured_by} |"
        )
    return "\n".join(lines)


def _spell(score: SetScore) -> str:
    low, high = score.weighted_f1_interval
    return f"{score.weighted_f1:.2f} ({low:.1f}–{high:.1f})"


def _mean(row: Baseline, names: Sequence[str]) -> str:
    figures = [row.weighted_f1[each] for each in names if each in row.weighted_f1]
    if len(figures) == len(names):
        return f"{sum(figures) / len(figures):.2f}"
    return f"{row.mean:.1f}" if row.mean is not None and len(names) == 5 else ""
