"""How good labels are: F1 and accuracy from the field's own library, with intervals by post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Interval = tuple[float, float]
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class SetScore:
    """Scores of one set in percent, each interval of 95 % by resampling posts, not rows."""

    name: str
    rows: int
    posts: int
    unread: int
    weighted_f1: float
    weighted_f1_interval: Interval
    macro_f1: float
    accuracy: float
    accuracy_interval: Interval


def score_labels(
    name: str,
    *,
    gold: Sequence[str],
    said: Sequence[str],
    posts: Sequence[str],
    labels: Sequence[str],
    seed: int = 0,
) -> SetScore:
    """Scores of `said` against `gold`; an empty `said` is unread, and wrong whatever the gold.

    Rows of one post are not independent: an interval is taken over posts drawn anew.
    """
    import numpy as np

    tables = tabulate(gold, said, posts, labels)
    drawn = draw_posts(len(tables), seed) @ tables.reshape(len(tables), -1)
    drawn = drawn.reshape(RESAMPLES, *tables.shape[1:])
    right = 100 * np.trace(drawn[:, :, :-1], axis1=1, axis2=2) / np.maximum(1, drawn.sum((1, 2)))
    return SetScore(
        name=name,
        rows=len(gold),
        posts=len(tables),
        unread=sum(not each for each in said),
        weighted_f1=find_f1(gold, said, labels, "weighted"),
        weighted_f1_interval=find_middle(find_weighted_f1s(drawn)),
        macro_f1=find_f1(gold, said, labels, "macro"),
        accuracy=find_accuracy(gold, said),
        accuracy_interval=find_middle(right),
    )


def find_f1(gold: Sequence[str], said: Sequence[str], labels: Sequence[str], average: str) -> float:
    """F1 in percent over the table's labels: weighted by how often each is true, or macro."""
    from sklearn.metrics import f1_score

    return 100 * float(f1_score(gold, said, labels=list(labels), average=average, zero_division=0))


def find_accuracy(gold: Sequence[str], said: Sequence[str]) -> float:
    return 100 * sum(true == each for true, each in zip(gold, said, strict=True)) / max(1, len(gold))


def tabulate(gold: Sequence[str], said: Sequence[str], posts: Sequence[str], labels: Sequence[str]) -> Any:
    """For each post how often which label was given for which: (posts, labels, labels + 1).

    The last column is for what is none of the labels.
    """
    import numpy as np

    at = {label: no for no, label in enumerate(labels)}
    order = {post: no for no, post in enumerate(dict.fromkeys(posts))}
    tables = np.zeros((len(order), len(labels), len(labels) + 1), dtype=np.int64)
    for post, true, each in zip(posts, gold, said, strict=True):
        tables[order[post], at[true], at.get(each, len(labels))] += 1
    return tables


def draw_posts(posts: int, seed: int) -> Any:
    """How often each post is drawn when as many as there are are drawn with replacement: (draws, posts)."""
    import numpy as np

    return np.random.default_rng(seed).multinomial(posts, [1 / posts] * posts, size=RESAMPLES)


def find_weighted_f1s(tables: Any) -> Any:
    """Weighted F1 in percent of each table, (n, labels, labels + 1) to (n,): scikit-learn's, all at once."""
    import numpy as np

    square = tables[:, :, :-1]
    right = np.diagonal(square, axis1=1, axis2=2)
    true, given = tables.sum(2), square.sum(1)
    f1 = 2 * right / np.maximum(1, true + given)
    return 100 * (f1 * true).sum(1) / np.maximum(1, true.sum(1))


def find_middle(values: Sequence[float]) -> Interval:
    """The interval that holds the middle 95 % of these."""
    ordered = sorted(float(value) for value in values)
    return ordered[round(0.025 * (len(ordered) - 1))], ordered[round(0.975 * (len(ordered) - 1))]
