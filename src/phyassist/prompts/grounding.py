"""Which of the patient's words a reason rests on, and whether it says anything new.

A model names the sentence before it writes the reason.  Small models often name the wrong one, so the words
decide: the sentence that shares most with the reason is taken, the named one with a small bonus, and where
none shares enough the reason is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from phyassist.domain.reading.sentences import Sentence, guess_language
from phyassist.domain.reading.speakers import Speaker

# Chosen by reading drafts of the two small models; no measurement stands behind them.
SHARE_MIN = 0.25
NAMED_BONUS = 0.1
SAME_SHARE_MIN = 0.75
# A sentence of two or three words ("all right") shares them with anything: it counts as if it had more.
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


def find_ground(text: str, sentence_no: int, sentences: Sequence[Sentence]) -> Sentence | None:
    """The sentence that a reason rests on, never the counsellor's; None for an inferred one.

    Where reason and text are of different languages no words can be compared, and the model's number stands.
    """
    usable = [sentence for sentence in sentences if sentence.speaker != Speaker.COUNSELLOR]
    named = next((sentence for sentence in usable if sentence.no == sentence_no), None)
    if named is not None and guess_language(named.text) != guess_language(text):
        return named
    marks = _marks(text)
    scores = [
        (share + NAMED_BONUS if sentence is named else share, sentence)
        for sentence in usable
        if (share := _shared(marks, _marks(sentence.text)))
    ]
    share, best = max(scores, key=lambda score: score[0], default=(0.0, None))
    return best if share >= SHARE_MIN else None


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
            marks.add(_stem(plain))
    return frozenset(marks)


def _stem(word: str) -> str:
    for ending in ("ing", "edly", "ed", "ies", "es", "ly", "s", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
