"""Facts of an answer that stand nowhere in what the model was given.

A small model that is asked for what nobody said makes up a name rather than say that none is known.  Names,
places, ages, years, doses and medicines can be looked for; what else is made up, these rules do not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from phyassist.domain.privacy.finding import find_private, name_parts
from phyassist.domain.privacy.words import PrivateKind
from phyassist.domain.reading.lexicons import MEDICINES_EN, MEDICINES_ZH

_NAMED = {PrivateKind.NAME, PrivateKind.PLACE}
# Whom or what a name is given to: a cat as well as a person, which the finder of private names is not for.
_CALLED = re.compile(
    r"(?:名叫|叫做?|名字是|\b(?:called|named))\s*"
    r"(?:[“\"「‘']([^”\"」’']{1,20})[”\"」’']|([一-鿿]{2,3})(?=[。，；]|$)|([A-Z]\w+))"
)
_MEDICINE = re.compile(rf"抗抑郁药|安眠药|{MEDICINES_ZH}|\b(?:{MEDICINES_EN})\b", re.IGNORECASE)
_COUNT = r"(?:\d+|[一二三四五六七八九十]+)"
_AGE = re.compile(rf"({_COUNT})\s*(?:周?岁|个月大)|(\d+)[\s-]*(?:years?|months?|weeks?)[\s-]*old\b")
_DOSE = re.compile(rf"({_COUNT})\s*(?:毫克|mg\b)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_SENTENCE_NO = re.compile(r"\[\d{1,4}\]")
_DIGITS = "零一二三四五六七八九"


def find_absent(answer: str, given: str) -> tuple[str, ...]:
    """The words of such facts as the answer has them, each once, in its order; empty where all were given."""
    # The numbers of the text's sentences are nobody's age.
    known = _SENTENCE_NO.sub("", given.casefold())
    found = sorted(
        (start, words)
        for start, words, sought in _find(answer)
        if not any(_stands(each, known) for each in sought)
    )
    return tuple(dict.fromkeys(words for _, words in found))


def _find(answer: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Where a fact stands, its words, and by which of them it is known."""
    for each in find_private(answer):
        if each.kind in _NAMED:
            words = answer[each.span.start : each.span.end]
            parts = name_parts(words) if each.kind == PrivateKind.NAME else ()
            yield each.span.start, words, (words, *parts)
    for found in _CALLED.finditer(answer):
        group = next(no for no in (1, 2, 3) if found[no])
        yield found.start(group), found[group], (found[group],)
    for found in _MEDICINE.finditer(answer):
        yield found.start(), found[0], (found[0],)
    for pattern in (_AGE, _DOSE, _YEAR):
        for found in pattern.finditer(answer):
            number = next(filter(None, found.groups()))
            yield found.start(), found[0], (number, _write_in_characters(number))


def _stands(words: str, known: str) -> bool:
    """Whether they stand there as words of their own: 2 is no part of 29, nor Ann of Joanna."""
    return re.search(rf"(?<![^\W一-鿿]){re.escape(words.casefold())}(?![^\W一-鿿])", known) is not None


def _write_in_characters(number: str) -> str:
    """29 as 二十九, as a text may have it; above ninety-nine, and characters, as they are."""
    if not number.isdecimal() or not 0 < int(number) < 100:
        return number
    tens, ones = divmod(int(number), 10)
    lead = {0: "", 1: "十"}.get(tens, f"{_DIGITS[tens]}十")
    return lead + (_DIGITS[ones] if ones else "")
