"""What the words alone say, beside the heads: logistic regression over TF-IDF of one and two words.

A small model reads words that are rare in its own corpus poorly.  How much the words count is for the
calibration to say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from phyassist.lm.folders import say_damaged
from phyassist.training.adapters import check_weights
from phyassist.training.heads.posts import Ask, Post

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

Floats = npt.NDArray[np.float32]
TERMS, WEIGHTS = "words.json", "words.safetensors"
TERMS_MAX = 40_000
POSTS_MIN = 3
_WORD = r"\b\w+\b"
# What a label weighs that no training post had.
_NEVER = -30.0


@dataclass(frozen=True, slots=True)
class WordModel:
    """`weights` (labels of all asks, terms), `bias` (labels,)."""

    terms: tuple[str, ...] = field(repr=False)
    rarity: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    bias: Floats = field(repr=False)

    def score(self, texts: Sequence[str], asks: Sequence[Ask]) -> Floats:
        """Log-probabilities of all labels of all asks, (texts, labels), each ask's apart."""
        vectoriser = _make_vectoriser(vocabulary=self.terms)
        vectoriser.idf_ = self.rarity
        said = np.asarray(vectoriser.transform(texts) @ self.weights.T, dtype=np.float32) + self.bias
        at = 0
        for ask in asks:
            of_ask = said[:, at : at + len(ask.labels)]
            of_ask -= np.logaddexp.reduce(of_ask, axis=1, keepdims=True)
            at += len(ask.labels)
        return said

    def save(self, folder: Path) -> None:
        """Terms as JSON, numbers beside them."""
        from safetensors.numpy import save_file

        held = {"rarity": self.rarity, "weights": self.weights.astype(np.float16), "bias": self.bias}
        save_file(held, folder / WEIGHTS)
        said = {"terms": self.terms}
        (folder / TERMS).write_text(json.dumps(said, ensure_ascii=False) + "\n", encoding="utf-8")


def fit_words(posts: Sequence[Post], asks: Sequence[Ask]) -> WordModel:
    """A model of each ask's labels, made of the posts that answer it."""
    vectoriser = _make_vectoriser(max_features=TERMS_MAX)
    rows = vectoriser.fit_transform([post.text for post in posts])
    terms = vectoriser.get_feature_names_out()
    parts = [_fit_ask(rows, posts, no, ask) for no, ask in enumerate(asks)]
    return WordModel(
        terms=tuple(str(term) for term in terms),
        rarity=np.asarray(vectoriser.idf_, dtype=np.float32),
        # As it will stand on the disk, so that it says the same before and after.
        weights=np.concatenate([weights for weights, _ in parts]).astype(np.float16).astype(np.float32),
        bias=np.concatenate([bias for _, bias in parts]).astype(np.float32),
    )


def load_words(folder: Path) -> WordModel | None:
    """None where the folder has none.  Raises UnreadableFile, ModelDamaged."""
    if not (folder / TERMS).is_file():
        return None
    from safetensors.numpy import load_file

    check_weights(folder / WEIGHTS)
    with say_damaged(folder / TERMS, "train or pull the heads anew"):
        said, held = json.loads((folder / TERMS).read_text("utf-8")), load_file(folder / WEIGHTS)
        terms, weights = tuple(said["terms"]), held["weights"].astype(np.float32)
        if weights.shape[1] != len(terms):
            raise ValueError
        return WordModel(terms, held["rarity"], weights, held["bias"])


def _make_vectoriser(**how: Any) -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if "vocabulary" not in how:
        # What stands in so few posts may name somebody, and tells little.
        how["min_df"] = POSTS_MIN
    return TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD, dtype=np.float32, **how
    )


def _fit_ask(rows: Any, posts: Sequence[Post], no: int, ask: Ask) -> tuple[Floats, Floats]:
    """Weights (labels, terms) and biases (labels,) of one ask."""
    from sklearn.linear_model import LogisticRegression

    places = [place for place, post in enumerate(posts) if no in post.answers]
    gold = [posts[place].answers[no] for place in places]
    weights = np.zeros((len(ask.labels), rows.shape[1]), np.float32)
    bias = np.full(len(ask.labels), _NEVER, np.float32)
    if len(set(gold)) < 2:
        bias[gold[:1]] = 0.0
        return weights, bias
    fitted = LogisticRegression(C=10, class_weight="balanced", max_iter=300).fit(rows[places], gold)
    if len(fitted.classes_) == 2:
        # One row speaks for the second of two labels, and the first is what it is measured from.
        bias[fitted.classes_] = [0.0, fitted.intercept_[0]]
        weights[fitted.classes_[1]] = fitted.coef_[0]
    else:
        bias[fitted.classes_], weights[fitted.classes_] = fitted.intercept_, fitted.coef_
    return weights, bias
