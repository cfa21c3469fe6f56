"""All that is private in a text, without overlaps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from phyassist.domain.privacy.names_en import find_names_en, split_name_en
from phyassist.domain.privacy.names_zh import find_names_zh, split_name_zh
from phyassist.domain.privacy.numbers import find_numbers
from phyassist.domain.privacy.places import find_places
from phyassist.domain.privacy.words import PrivateKind, PrivateWords, load_words
from phyassist.domain.records import Span

_HAN = re.compile(r"[一-鿿]")
_LETTER = r"[^\W\u3400-\u9fff]"
Found = tuple[Span, PrivateKind]


def find_private(text: str, known: Sequence[str] = ()) -> tuple[PrivateWords, ...]:
    """Names, places, contacts, identity numbers and dates of birth, in the order of the text.

    `known` are names of people that stand in the text for certain: the patient's, colleagues'.
    What is found once is found wherever it stands again, whole or by a part of a name.
    """
    found = _without_overlaps(_find_all(text, known))
    again = _without_overlaps(
        (*((each.span, each.kind) for each in _words(text, found)), *_find_again(text, found))
    )
    return tuple(sorted(_words(text, again), key=lambda each: each.span.start))


def find_known(text: str, known: Iterable[str]) -> Iterator[Span]:
    """Where names that are known stand, whole or in part, however they are written."""
    everyday = load_words("everyday_en")
    for name in {part for whole in known for part in (whole.strip(), *name_parts(whole.strip()))}:
        if not name or (len(name) == 1 and not _HAN.match(name)):
            continue
        if _HAN.search(name):
            for match in re.finditer(re.escape(name), text):
                yield Span(*match.span())
            continue
        is_word = name.capitalize() in everyday
        flags = re.NOFLAG if is_word else re.IGNORECASE
        # Chinese is written without spaces, so a name of other letters may stand right beside its characters.
        for match in re.finditer(rf"(?<!{_LETTER}){re.escape(name)}(?!{_LETTER})", text, flags):
            yield Span(*match.span())


def name_parts(name: str) -> tuple[str, ...]:
    """What a person of this name may be called, beside the whole of it."""
    return split_name_zh(name) if _HAN.search(name) else split_name_en(name)


def _find_all(text: str, known: Sequence[str]) -> Iterator[Found]:
    """The surest first."""
    yield from find_numbers(text)
    yield from ((span, PrivateKind.NAME) for span in find_known(text, known))
    yield from ((span, PrivateKind.PLACE) for span in find_places(text))
    if _HAN.search(text):
        yield from ((span, PrivateKind.NAME) for span in find_names_zh(text))
    yield from ((span, PrivateKind.NAME) for span in find_names_en(text))


def _find_again(text: str, found: Sequence[Found]) -> Iterator[Found]:
    names = {text[span.start : span.end] for span, kind in found if kind == PrivateKind.NAME}
    long_enough = {name for name in names if len(name) > 1}
    yield from ((span, PrivateKind.NAME) for span in find_known(text, long_enough))
    for words in {(text[span.start : span.end], kind) for span, kind in found if kind != PrivateKind.NAME}:
        for match in re.finditer(re.escape(words[0]), text):
            yield Span(*match.span()), words[1]


def _without_overlaps(found: Iterable[Found]) -> list[Found]:
    """An earlier find keeps its ground, unless a later one of its kind holds all of it and more."""
    kept: list[Found] = []
    for span, kind in found:
        if span.end <= span.start:
            continue
        over = [each for each in kept if each[0].start < span.end and span.start < each[0].end]
        if all(_gives_way(other, other_kind, span, kind) for other, other_kind in over):
            kept = [each for each in kept if each not in over]
            kept.append((span, kind))
    return kept


def _gives_way(inner: Span, inner_kind: PrivateKind, outer: Span, kind: PrivateKind) -> bool:
    """A shorter name or place is part of a longer one: 邱玉林 is nobody from 玉林."""
    is_longer = outer.end - outer.start > inner.end - inner.start
    both = {PrivateKind.NAME, PrivateKind.PLACE} >= {inner_kind, kind}
    return both and is_longer and outer.start <= inner.start and inner.end <= outer.end


def _words(text: str, found: Iterable[Found]) -> list[PrivateWords]:
    return [PrivateWords(span, kind, text[span.start : span.end]) for span, kind in found]
