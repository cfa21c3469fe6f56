"""Several evaluations side by side, and beside what others reached: one table, paired tests, a picture."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput
from phyassist.training.baselines import load_baselines, render_table, say_rows
from phyassist.training.evaluate import LABELS, SCORES, read_score
from phyassist.training.imhi import Judged, get_set_table, load_judged
from phyassist.training.measures import (
    Interval,
    SetScore,
    draw_posts,
    find_f1,
    find_middle,
    find_weighted_f1s,
    tabulate,
)


@dataclass(frozen=True, slots=True)
class RunScores:
    """A folder that evaluate imhi has made: what was asked of whom, and the scores by set."""

    name: str
    folder: Path
    part: str
    limit: int
    said: Mapping[str, Any]
    scores: tuple[SetScore, ...]

    @property
    def scored(self) -> str:
        """On which rows, in words."""
        return say_rows(self.part, self.limit)


@dataclass(frozen=True, slots=True)
class Paired:
    """One set answered by two runs: how much more the second has, and how likely chance made that.

    The interval and `p_bootstrap` are over posts drawn anew; `p_mcnemar` is exact and takes rows for
    independent, which those of one post are not.
    """

    set: str
    first: str
    second: str
    rows: int
    posts: int
    f1_gained: float
    f1_gained_interval: Interval
    p_bootstrap: float
    only_first_right: int
    only_second_right: int
    p_mcnemar: float


def load_run(folder: Path) -> RunScores:
    """Raises BadInput where the folder holds no scores, or none of a set."""
    path = folder / SCORES
    if not path.is_file():
        raise BadInput(f"{folder} holds no scores", hint="name a folder that evaluate imhi has made")
    try:
        said = json.loads(path.read_text("utf-8"))
        scores = tuple(read_score(score) for score in said["sets"].values())
        part, limit = said["part"], said["limit"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} cannot be read", hint="run the evaluation again") from error
    if not scores:
        raise BadInput(f"{folder} holds scores of no set", hint="run the evaluation again")
    return RunScores(folder.name, folder, part, limit, said, scores)


def load_runs(folders: Sequence[Path]) -> tuple[RunScores, ...]:
    """Raises BadInput where there is none, two bear one name, or they answered different parts."""
    runs = tuple(load_run(folder) for folder in folders)
    if not runs:
        raise BadInput("no run is named", hint="name folders that evaluate imhi has made")
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise BadInput(f"two runs are called {max(names, key=names.count)}", hint="rename a folder")
    parts = {run.part for run in runs}
    if len(parts) > 1:
        raise BadInput(f"the runs answered {' and '.join(sorted(parts))}", hint="compare runs of one part")
    return runs


def compare_runs(runs: Sequence[RunScores]) -> tuple[Paired, ...]:
    """The first run against each other one, on every set that both answered.

    Raises BadInput where two runs answered other rows of a set.
    """
    first, *others = runs
    return tuple(
        compare_pair(score.name, first, other)
        for other in others
        for score in first.scores
        if any(each.name == score.name for each in other.scores)
    )


def compare_pair(name: str, first: RunScores, second: RunScores, *, seed: int = 0) -> Paired:
    """Raises BadInput where the rows are not the same."""
    ours, theirs = (load_judged(run.folder / LABELS / f"{name}.jsonl") for run in (first, second))
    if [_identify(row) for row in ours] != [_identify(row) for row in theirs]:
        raise BadInput(
            f"{first.name} and {second.name} answered other rows of {name}",
            hint="evaluate both with the same --part and --limit",
        )
    labels = get_set_table(name).labels
    gold, posts = [row.gold for row in ours], [row.post for row in ours]
    figures, drawn = [], []
    for rows in (ours, theirs):
        said = [row.said for row in rows]
        tables = tabulate(gold, said, posts, labels)
        figures.append(find_f1(gold, said, labels, "weighted"))
        # The same draws for both: what is compared is two runs on one and the same posts.
        draws = draw_posts(len(tables), seed) @ tables.reshape(len(tables), -1)
        drawn.append(find_weighted_f1s(draws.reshape(len(draws), *tables.shape[1:])))
    gains = drawn[1] - drawn[0]
    only_ours = sum(a.said == a.gold != b.said for a, b in zip(ours, theirs, strict=True))
    only_theirs = sum(b.said == b.gold != a.said for a, b in zip(ours, theirs, strict=True))
    return Paired(
        set=name,
        first=first.name,
        second=second.name,
        rows=len(ours),
        posts=len(set(posts)),
        f1_gained=figures[1] - figures[0],
        f1_gained_interval=find_middle(gains),
        p_bootstrap=find_p(gains),
        only_first_right=only_ours,
        only_second_right=only_theirs,
        p_mcnemar=find_mcnemar_p(only_ours, only_theirs),
    )


def find_mcnemar_p(only_first: int, only_second: int) -> float:
    """The exact two-sided test of McNemar (1947): a fair coin for each row that one run alone has right."""
    both, fewer = only_first + only_second, min(only_first, only_second)
    ways: int = sum(math.comb(both, k) for k in range(fewer + 1))
    return float(min(Fraction(1), Fraction(2 * ways, 2**both)))


def render_comparison(runs: Sequence[RunScores], pairs: Sequence[Paired]) -> str:
    """The table of scores, and below it the paired tests."""
    lines = [render_table({run.name: run.scores for run in runs}, {run.name: run.scored for run in runs})]
    if pairs:
        lines += [
            "",
            "| set | run | F1 gained | 95 % | p, bootstrap by post | only it right | p, McNemar by row |",
            "|---|---|---|---|---|---|---|",
        ]
    for pair in pairs:
        low, high = pair.f1_gained_interval
        lines.append(
            f"| {pair.set} | {pair.second} over {pair.first} | {pair.f1_gained:+.2f} | "
            f"{low:+.1f} to {high:+.1f} | {_spell_p(pair.p_bootstrap)} | "
            f"{pair.only_second_right} to {pair.only_first_right} | {_spell_p(pair.p_mcnemar)} |"
        )
    return "\n".join(lines)


def save_comparison(out: Path, runs: Sequence[RunScores], pairs: Sequence[Paired]) -> None:
    """`compare.md`, `compare.json` and `compare.png` in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    said = {
        "runs": {run.name: run.said for run in runs},
        "pairs": [asdict(pair) for pair in pairs],
        "baselines": [asdict(row) for row in load_baselines()],
    }
    (out / "compare.md").write_text(render_comparison(runs, pairs) + "\n", encoding="utf-8")
    (out / "compare.json").write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "compare.png").write_bytes(draw_comparison(runs))


def draw_comparison(runs: Sequence[RunScores]) -> bytes:
    """Weighted F1 by set as PNG: each run with its interval, everybody else as a grey mark."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(score.name for run in runs for score in run.scores))
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120)
    marks = "v^<>spPXD"
    for row, mark in zip(load_baselines(), marks, strict=False):
        shown = [(at, row.weighted_f1[name]) for at, name in enumerate(names) if name in row.weighted_f1]
        at, figures = [place for place, _ in shown], [f1 for _, f1 in shown]
        axes.plot(at, figures, mark, color="#9aa1aa", ms=5, label=row.name)
    width = 0.5 / max(1, len(runs))
    for no, run in enumerate(runs):
        by_set = {score.name: score for score in run.scores}
        answered = [place for place, name in enumerate(names) if name in by_set]
        scores = [by_set[names[place]] for place in answered]
        reached = [score.weighted_f1 for score in scores]
        low = [max(0.0, score.weighted_f1 - score.weighted_f1_interval[0]) for score in scores]
        high = [max(0.0, score.weighted_f1_interval[1] - score.weighted_f1) for score in scores]
        places = [place + 0.15 + no * width for place in answered]
        axes.errorbar(places, reached, yerr=[low, high], fmt="o", ms=6, capsize=3, label=run.name)
    axes.set_xticks(range(len(names)), names)
    scored = "; ".join(dict.fromkeys(run.scored for run in runs))
    axes.set_ylabel(f"weighted F1, 95 % interval by post\n(runs: {scored}; grey: test, as published)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    held = io.BytesIO()
    figure.savefig(held, format="png", bbox_inches="tight")
    pyplot.close(figure)
    return held.getvalue()


def _identify(row: Judged) -> tuple[str, str, str]:
    return row.post, row.question, row.gold


def find_p(gains: Sequence[float]) -> float:
    """Two-sided: how often drawing anew turns the sign; never below what so many draws can show."""
    least = min(sum(gain <= 0 for gain in gains), sum(gain >= 0 for gain in gains))
    return min(1.0, 2 * (least + 1) / (len(gains) + 1))


def _spell_p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
