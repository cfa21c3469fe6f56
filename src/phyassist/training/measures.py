"""How good labels are: F1 and accuracy with intervals by post, from the field's own library."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

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
    by_post: dict[str, list[int]] = defaultdict(list)
    for no, post in enumerate(posts):
        by_post[post].append(no)
    groups = list(by_post.values())
    chance = random.Random(seed)
    weighted, right = [], []
    for _ in range(RESAMPLES):
        drawn = [no for group in chance.choices(groups, k=len(groups)) for no in group]
        golds, saids = [gold[no] for no in drawn], [said[no] for no in drawn]
        weighted.append(find_f1(golds, saids, labels, "weighted"))
        right.append(find_accuracy(golds, saids))
    return SetScore(
        name=name,
        rows=len(gold),
        posts=len(groups),
        unread=sum(not each for each in said),
        weighted_f1=find_f1(gold, said, labels, "weighted"),
        weighted_f1_interval=_middle(weighted),
        macro_f1=find_f1(gold, said, labels, "macro"),
        accuracy=find_accuracy(gold, said),
        accuracy_interval=_middle(right),
    )


def find_f1(gold: Sequence[str], said: Sequence[str], labels: Sequence[str], average: str) -> float:
    """F1 in percent over the table's labels: weighted by how often each is true, or macro."""
    from sklearn.metrics import f1_score

    return 100 * float(f1_score(gold, said, labels=list(labels), average=average, zero_division=0))


def find_accuracy(gold: Sequence[str], said: Sequence[str]) -> float:
    return 100 * sum(true == each for true, each in zip(gold, said, strict=True)) / max(1, len(gold))


def _middle(values: Sequence[float]) -> Interval:
    ordered = sorted(values)
    return ordered[round(0.025 * (len(ordered) - 1))], ordered[round(0.975 * (len(ordered) - 1))]
