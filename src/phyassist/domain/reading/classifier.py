"""A linear classifier over sentences: which fields of a record a sentence belongs in.

Trained on sentences labelled by hand (`benchmarks/fit_reader.py`); a few milliseconds for a whole transcript.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from phyassist.domain.reading.lexicons import count_topics
from phyassist.domain.reading.markers import find_markers, find_subject
from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker

# Demographic, history, mental, physical, social, question, nothing for a record.
LABELS = ("D", "H", "M", "P", "S", "Q", "N")

_DIGIT = re.compile(r"\d+")
_ENGLISH_WORD = re.compile(r"[a-z']+|[?!]|#")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class LinearReader:
    """Weights by feature, in the order of `LABELS`; `bias` likewise."""

    bias: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]] = field(repr=False)

    def score(self, features: Iterable[str]) -> tuple[float, ...]:
        """The probability of each label; labels do not exclude each other."""
        sums = list(self.bias)
        for feature in features:
            weight = self.weights.get(feature)
            if weight is not None:
                for no, value in enumerate(weight):
                    sums[no] += value
        return tuple(1 / (1 + math.exp(-min(30.0, max(-30.0, value)))) for value in sums)

    def score_all(self, sentences: Sequence[Sentence]) -> tuple[tuple[float, ...], ...]:
        """The probabilities for each sentence, read with the sentence before it."""
        before = ""
        scores: list[tuple[float, ...]] = []
        for sentence in sentences:
            scores.append(self.score(make_features(sentence.text, before, sentence.speaker)))
            before = sentence.text
        return tuple(scores)


def make_features(text: str, before: str, speaker: Speaker) -> set[str]:
    """Features of a sentence, in the context of the sentence before it."""
    language = guess_language(text)
    features = {f"who:{'T' if speaker == Speaker.COUNSELLOR else 'c'}:{language}"}
    features.update(_grams(text, language))
    for topic, count in count_topics(text).items():
        features.add(f"t:{topic}")
        if count > 1:
            features.add(f"tt:{topic}")
    for topic in count_topics(before[-60:]):
        features.add(f"pt:{topic}")
    features.update(f"m:{name}" for name in find_markers(text))
    features.update(f"pm:{name}" for name in find_markers(before[-60:]))
    features.add(f"s:{find_subject(text)}")
    if text.rstrip("”\"'」』)） ").endswith(("?", "？")):
        features.add("asks")
    if before.rstrip().endswith(("?", "？")):
        features.add("answers")
    length = len(text) if language == "zh" else len(text) // 3
    features.add(f"len:{language}:{min(6, length // 8)}")
    return features


def _grams(text: str, language: str) -> set[str]:
    words = _DIGIT.sub("#", _SPACE.sub(" ", text.lower()))
    if language == "zh":
        words = f"^{words}$"
        return {words[at : at + size] for size in (1, 2, 3) for at in range(len(words) - size + 1)}
    tokens = ["^", *_ENGLISH_WORD.findall(words.replace("’", "'"))]
    singles = {f"w:{_stem(token)}" for token in tokens}
    pairs = {f"w:{first} {second}" for first, second in pairwise(tokens)}
    return singles | pairs


def _stem(word: str) -> str:
    """A word without its commonest endings, so that forms not seen in training still count."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
