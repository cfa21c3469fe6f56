"""Which of the patient's words a reason rests on, and whether it says anything new.

A model names the sentence before it writes the reason.  Small models often name the wrong one, so the words
decide: the sentence that shares most with the reason is taken, the named one with a small bonus, and where
none shares enough the reason is inferred.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker


@dataclass(frozen=True, slots=True)
class Limits:
    """When a sentence is a reason's ground: set on four texts, scored on four others.

    Measured in docs/results/grounding.md.

    `share_min`: how much of the lighter of the two must be shared; `named_bonus`: what the model's own choice
    adds; `marks_min`: a sentence of a few words shares them with anything, so it counts as if it had more;
    `single_weight`: of a Chinese character alone, beside a pair of them.
    """

    share_min: float = 0.18
    named_bonus: float = 0.15
    marks_min: float = 12.0
    single_weight: float = 0.5


LIMITS = Limits()
# Two items say the same where so much of the shorter stands in the longer: chosen by reading, not measured.
SAME_SHARE_MIN = 0.75
MARKS_MIN = 5
SHARED_MIN = 2

_HAN_RUN = re.compile(r"[㐀-䶿一-鿿]+")
_WORD = re.compile(r"[a-zA-Z]+(?:['’][a-z]+)?")
_NUMBER = re.compile(r"\d+")
# Characters and words that any two sentences of a consultation share.
_EMPTY_ZH = frozenset(
    "的了是在我你他她它们和与或就都也还很太会能要不没有这那着过到被把让使给对从因为所以但而且如果可以"
    "来访者咨询师自己一个什么怎么觉得感到认为"
)
_EMPTY_EN = frozenset(
    """
    a an the and or but so if of to in on at by for with from as is are was were be been being am do does did
    have has had will would can could should may might must not no nor it its this that these those there
    i me my mine you your he him his she her hers they them their theirs we us our who which what when how
    client counsellor feel feels feeling felt think thinks about because than then also just very more most
    im ive dont cant like get gets got make makes making leading lead leaving one some any all
    """.split()  # noqa: SIM905  a list of quoted words would hide them
)


def find_ground(
    text: str, sentence_no: int, sentences: Sequence[Sentence], limits: Limits = LIMITS
) -> Sentence | None:
    """The sentence that a reason rests on, never the counsellor's; None for an inferred one.

    What few sentences of the text say weighs more than what many do.  Where reason and text are of different
    languages no words can be compared, and the model's number stands.
    """
    usable = [sentence for sentence in sentences if sentence.speaker != Speaker.COUNSELLOR]
    named = next((sentence for sentence in usable if sentence.no == sentence_no), None)
    if named is not None and guess_language(named.text) != guess_language(text):
        return named
    weights = _Weights([_marks_and_signs(sentence.text) for sentence in usable], limits)
    said = _marks_and_signs(text)
    scores = [
        (share + limits.named_bonus if sentence is named else share, sentence)
        for sentence, marks in zip(usable, weights.marks, strict=True)
        if (share := weights.share(said, marks))
    ]
    share, best = max(scores, key=lambda score: score[0], default=(0.0, None))
    return best if share >= limits.share_min else None


class _Weights:
    """How much each mark of a text counts: less, the more of its sentences bear it (Spärck Jones 1972)."""

    def __init__(self, marks: Sequence[frozenset[str]], limits: Limits) -> None:
        self.marks = marks
        self._borne = Counter(mark for each in marks for mark in each)
        self._limits = limits
        self._least = limits.marks_min * math.log(1 + len(marks) / 2)

    def share(self, one: frozenset[str], other: frozenset[str]) -> float:
        """The weight of what both bear, by the weight of the lighter."""
        shared = self._weigh(one & other)
        return shared / max(self._least, min(self._weigh(one), self._weigh(other))) if shared else 0.0

    def _weigh(self, marks: frozenset[str]) -> float:
        return math.fsum(
            math.log(1 + len(self.marks) / (1 + self._borne[mark]))
            * (self._limits.single_weight if _HAN_RUN.fullmatch(mark) and len(mark) == 1 else 1.0)
            for mark in marks
        )


def is_repetition(text: str, earlier: Iterable[str]) -> bool:
    """Whether an item says nearly what one of the earlier ones says."""
    marks = _marks(text)
    return any(text == other or _shared(marks, _marks(other)) >= SAME_SHARE_MIN for other in earlier)


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """How much of the one with fewer marks stands in the other."""
    if len(one & other) < SHARED_MIN:
        return 0.0
    return len(one & other) / max(MARKS_MIN, min(len(one), len(other)))


def _marks(text: str) -> frozenset[str]:
    """Pairs of Chinese characters, stems of English words, numbers; not those that all texts share."""
    marks = set(_NUMBER.findall(text))
    for run in _HAN_RUN.findall(text):
        chars = list(run)
        marks |= {a + b for a, b in pairwise(chars) if not {a, b} <= _EMPTY_ZH}
        if len(chars) == 1 and run not in _EMPTY_ZH:
            marks.add(run)
    for word in _WORD.findall(text.lower()):
        plain = word.replace("'", "").replace("’", "")
        if plain not in _EMPTY_EN:
            marks.add(stem(plain))
    return frozenset(marks)


def _marks_and_signs(text: str) -> frozenset[str]:
    """The marks, and each Chinese character that is not empty: a paraphrase keeps more of these."""
    signs = {sign for run in _HAN_RUN.findall(text) for sign in run if sign not in _EMPTY_ZH}
    return _marks(text) | signs


def stem(word: str) -> str:
    """An English word without the ending that its forms differ in."""
    for ending in ("ing", "edly", "ed", "ies", "es", "ly", "s", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
