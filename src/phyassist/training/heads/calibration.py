"""What the labels are in the end: heads and words together, as was best on the validation posts.

A set's own labels may be rarer in what it trains on than where it is tried, and its questions may answer one
another.  So a label is read from the log-probabilities of heads and words by a linear map: heads and a share
of the words, or a logistic regression over the question's or over the whole set's, fitted to the validation
posts (stacking, Wolpert 1992; over a question's own it is vector scaling, Guo et al. 2017).  Which of them a
set takes is decided by posts that it was not fitted to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from phyassist.training.heads.posts import Ask, Post
from phyassist.training.measures import find_f1

Floats = npt.NDArray[np.float32]
# How much the words may count beside the heads.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
# How freely a regression is fitted: the inverse of its penalty.
FREEDOMS = (0.1, 1.0)
FOLDS, ROUNDS, SEED = 5, 3, 0
# The words say less than this of a label that no training post had.
LEAST = -30.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How one question's labels are read: `weights` (labels, features) and `bias` (labels,).

    Features are the log-probabilities of the heads for all labels of the set, then those of the words.
    """

    weights: Floats = field(repr=False)
    bias: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A reading for each ask; `by_set` says in words how those of a set were made."""

    readings: tuple[Reading, ...] = field(repr=False)
    by_set: Mapping[str, str]

    def read(self, heads: Floats, words: Floats, asks: Sequence[Ask]) -> Floats:
        """Log-probabilities (posts, labels of all asks) from the heads' logits and what the words say."""
        read = np.empty_like(heads, dtype=np.float32)
        for name in dict.fromkeys(ask.set for ask in asks):
            features = find_features(heads, words, asks, name)
            for reading, (ask, place) in zip(self.readings, _find_places(asks), strict=True):
                if ask.set == name:
                    read[:, place] = _normalise(features @ reading.weights.T + reading.bias)
        return read

    def to_json(self) -> dict[str, Any]:
        return {
            "by_set": dict(self.by_set),
            "readings": [
                {"weights": each.weights.round(6).tolist(), "bias": each.bias.round(6).tolist()}
                for each in self.readings
            ],
        }


def load_calibration(said: Mapping[str, Any], asks: Sequence[Ask]) -> Calibration:
    """Raises KeyError, TypeError or ValueError on what `to_json` did not write for these asks."""
    readings = tuple(
        Reading(np.array(each["weights"], np.float32), np.array(each["bias"], np.float32))
        for each in said["readings"]
    )
    for reading, ask in zip(readings, asks, strict=True):
        features = 2 * sum(len(other.labels) for other in asks if other.set == ask.set)
        if reading.weights.shape != (len(ask.labels), features) or reading.bias.shape != (len(ask.labels),):
            raise ValueError(ask.set)
    return Calibration(readings, dict(said["by_set"]))


@dataclass(frozen=True, slots=True)
class Heard:
    """What one run's heads and words say of some posts: (posts, labels of all its asks) each."""

    heads: Floats = field(repr=False)
    words: Floats = field(repr=False)
    asks: Sequence[Ask]


def choose_calibration(
    heard: Sequence[Heard], posts: Sequence[Post], asks: Sequence[Ask]
) -> tuple[tuple[Calibration, ...], dict[str, float]]:
    """A calibration for each of the runs, and the weighted F1 in percent that the mean of those which know a
    set has for it on posts that nothing was fitted to.  Of those that are as good the simplest.

    The posts' answers have the numbers of `asks`, which are those of all runs.
    """
    by_set: dict[str, str] = {}
    scores: dict[str, float] = {}
    readings: list[dict[Ask, Reading]] = [{} for _ in heard]
    for name in dict.fromkeys(ask.set for ask in asks):
        knowing = [no for no, each in enumerate(heard) if any(ask.set == name for ask in each.asks)]
        features = [find_features(heard[no].heads, heard[no].words, heard[no].asks, name) for no in knowing]
        best = -1.0
        for said, fit in _list_ways(asks, name):
            score = _cross_validate(features, posts, asks, name, fit)
            if score > best + 1e-9:
                best, by_set[name] = score, said
                for no, each in zip(knowing, features, strict=True):
                    readings[no] |= fit(each, posts)
        scores[name] = best
    calibrations = (
        Calibration(
            tuple(of_run[ask] for ask in each.asks),
            {name: said for name, said in by_set.items() if any(ask.set == name for ask in each.asks)},
        )
        for each, of_run in zip(heard, readings, strict=True)
    )
    return tuple(calibrations), scores


def find_features(heads: Floats, words: Floats, asks: Sequence[Ask], name: str) -> Floats:
    """Log-probabilities (posts, features) of a set's labels: by the heads, then by the words."""
    places = [place for ask, place in _find_places(asks) if ask.set == name]
    return np.concatenate(
        [_normalise(heads[:, place]) for place in places]
        + [np.maximum(words[:, place], LEAST) for place in places],
        axis=1,
        dtype=np.float32,
    )


class _Shared:
    """Heads and a share of the words, nothing fitted."""

    def __init__(self, asks: Sequence[Ask], name: str, share: float) -> None:
        self._asks, self._share = [ask for ask in asks if ask.set == name], share

    def __call__(self, features: Floats, posts: Sequence[Post]) -> dict[Ask, Reading]:  # noqa: ARG002
        half = features.shape[1] // 2
        readings = {}
        for ask, place in _find_places(self._asks):
            labels = np.arange(place.start, place.stop)
            weights = np.zeros((len(labels), 2 * half), np.float32)
            weights[np.arange(len(labels)), labels] = 1.0
            weights[np.arange(len(labels)), half + labels] = self._share
            readings[ask] = Reading(weights, np.zeros(len(labels), np.float32))
        return readings


class _Fitted:
    """A logistic regression for each question, over its own features or over all of its set."""

    def __init__(self, asks: Sequence[Ask], name: str, freedom: float, *, whole: bool) -> None:
        self._every, self._name, self._freedom, self._whole = asks, name, freedom, whole

    def __call__(self, features: Floats, posts: Sequence[Post]) -> dict[Ask, Reading]:
        asks = [ask for ask in self._every if ask.set == self._name]
        plain = _Shared(asks, self._name, 0.0)(features, posts)
        half = features.shape[1] // 2
        readings = {}
        for ask, place in _find_places(asks):
            columns = np.arange(2 * half)
            if not self._whole:
                columns = np.r_[place, half + place.start : half + place.stop]
            no = self._every.index(ask)
            rows = [row for row, post in enumerate(posts) if no in post.answers]
            gold = [posts[row].answers[no] for row in rows]
            if len(set(gold)) < len(ask.labels):
                # A label that no validation post has cannot be fitted: the question is left as it is.
                readings[ask] = plain[ask]
                continue
            readings[ask] = self._fit(features[rows][:, columns], gold, columns, 2 * half)
        return readings

    def _fit(self, features: Floats, gold: Sequence[int], columns: Any, width: int) -> Reading:
        from sklearn.linear_model import LogisticRegression

        mean, spread = features.mean(0), np.maximum(features.std(0), 1e-6)
        fitted = LogisticRegression(C=self._freedom, max_iter=500).fit((features - mean) / spread, gold)
        slopes, bias = fitted.coef_, fitted.intercept_
        if len(slopes) == 1:
            # One row speaks for the second of two labels.
            slopes, bias = np.concatenate([0 * slopes, slopes]), np.array([0.0, bias[0]])
        weights = np.zeros((len(slopes), width), np.float32)
        weights[:, columns] = slopes / spread
        return Reading(weights, (bias - (slopes / spread) @ mean).astype(np.float32))


def _list_ways(asks: Sequence[Ask], name: str) -> Iterator[tuple[str, Any]]:
    """Every way to read a set, the simplest first."""
    for share in SHARES:
        yield f"heads and {share:g} of the words", _Shared(asks, name, share)
    several = sum(ask.set == name for ask in asks) > 1
    for whole in (False, True) if several else (False,):
        for freedom in FREEDOMS:
            over = "set" if whole else "question"
            yield (
                f"regression over the {over}, C {freedom:g}",
                _Fitted(asks, name, freedom, whole=whole),
            )


def _cross_validate(
    features: Sequence[Floats], posts: Sequence[Post], asks: Sequence[Ask], name: str, fit: Any
) -> float:
    """Weighted F1 in percent, of the mean of all runs, on posts that no reading was fitted to: the mean of
    some rounds.
    """
    rows = [row for row, post in enumerate(posts) if any(asks[no].set == name for no in post.answers)]
    rounds = 1 if isinstance(fit, _Shared) else ROUNDS
    scores = []
    for turn in range(rounds):
        order = random.Random(SEED + turn).sample(rows, len(rows))
        gold: list[str] = []
        said: list[str] = []
        for fold in range(FOLDS):
            held = order[fold::FOLDS]
            rest = sorted(set(order) - set(held))
            readings = [fit(each[rest], [posts[row] for row in rest]) for each in features]
            for no, ask in enumerate(asks):
                if ask.set != name:
                    continue
                asked = [row for row in held if no in posts[row].answers]
                read = np.mean(
                    [
                        _normalise(each[asked] @ of_run[ask].weights.T + of_run[ask].bias)
                        for each, of_run in zip(features, readings, strict=True)
                    ],
                    axis=0,
                )
                gold += [ask.labels[posts[row].answers[no]] for row in asked]
                said += [ask.labels[int(each)] for each in read.argmax(1)]
        labels = next(ask.labels for ask in asks if ask.set == name)
        scores.append(find_f1(gold, said, labels, "weighted"))
    return float(np.mean(scores))


def _find_places(asks: Sequence[Ask]) -> list[tuple[Ask, slice]]:
    """Where each ask's labels stand among those of all."""
    places, at = [], 0
    for ask in asks:
        places.append((ask, slice(at, at + len(ask.labels))))
        at += len(ask.labels)
    return places


def _normalise(logits: Floats) -> Floats:
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
