"""The words that a search compares: English ones by their stems, Chinese by pairs of characters.

Words of any other language are compared as they stand, so that a question finds documents in its own.
A pair needs no dictionary, so that a term of the field which none holds is found as well.
"""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

from phyassist.domain.folding import fold

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LETTERS = rf"[^\W_{_HAN}]+"
_RUN = re.compile(rf"[{_HAN}]+|{_LETTERS}(?:'{_LETTERS})?")
_STOP = frozenset(
    re.findall(
        r"\S+",
        "a an and are as at be been but by can could did do does for from had has have he her hers "
        "him his how i if in into is it its just me my of on or our she should so than that the "
        "their them then there these they this those to us was we were what when where which who "
        "why will with would you your am i'm it's don't i've about",
    )
)
_STOP_PAIRS = frozenset(re.findall(r"..", "什么怎么如何哪些可以应该是否怎样我们他们这个那个一个没有因为所以"))
_stemmer = snowballstemmer.stemmer("english")


def split_terms(text: str) -> list[str]:
    """The terms of a text, in their order, each as often as it stands there."""
    terms: list[str] = []
    for run in _RUN.findall(fold(text).replace("’", "'")):
        if is_han(run[0]):
            pairs = [run[at : at + 2] for at in range(len(run) - 1)] or [run]
            terms += [pair for pair in pairs if pair not in _STOP_PAIRS]
        elif run not in _STOP:
            terms.append(_stem(run))
    return terms


def is_han(character: str) -> bool:
    """Whether it is a Chinese character, which is compared in pairs."""
    return "\u3400" <= character <= "\u4dbf" or "\u4e00" <= character <= "\u9fff"


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word.removesuffix("'s")))
