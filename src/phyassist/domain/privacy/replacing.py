"""Private words exchanged for placeholders before a text leaves, and put back in what is answered.

A placeholder looks like [NAME2]; [NAME2B] is the same person by another of their names.  Numbers follow the
order of the texts, so that a text which grows at its end keeps those that it had.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from phyassist.domain.privacy.finding import find_private, name_parts
from phyassist.domain.privacy.words import PrivateKind, PrivateWords

_LABELS = tuple(kind.value.upper() for kind in PrivateKind)
_OPEN, _CLOSE = r"[\[［【〔]", r"[\]］】〕]"
# A model may change the brackets of a placeholder or leave them out; nobody writes such words otherwise.
_PLACEHOLDER = re.compile(
    rf"(?:{_OPEN}\s?)?(?<![A-Za-z])(?P<label>{'|'.join(_LABELS)})[ "
    rf"_]?(?P<no>\d{{1,4}})(?P<letter>[B-Z]?)(?![\dA-Za-z])"
    rf"(?:\s?{_CLOSE})?"
)


def _begun(label: str) -> str:
    """A pattern of every beginning of a label, and of what may follow the whole of it."""
    pattern = r"(?:[ _]?\d{0,4}[B-Z]?\s?)"
    for letter in reversed(label[1:]):
        pattern = f"(?:{letter}{pattern})?"
    return label[0] + pattern


_BEGUN = re.compile(rf"(?:{_OPEN}\s?$|(?:{_OPEN}\s?)?(?<![A-Za-z])(?:{'|'.join(map(_begun, _LABELS))})$)")
_BEGUN_CHARACTERS_MAX = 20


@dataclass(frozen=True, slots=True)
class Replacement:
    """Which words stand behind which placeholder."""

    originals: Mapping[str, str] = field(repr=False)
    kinds: Mapping[str, PrivateKind] = field(repr=False)

    def count(self) -> dict[PrivateKind, int]:
        """How many different words of each kind were replaced."""
        return dict(Counter(self.kinds.values()))

    def restore(self, text: str, *, in_json: bool = False) -> str:
        """The text with the words back in their places; escaped as a JSON string wants them where asked.

        A placeholder that stands for nothing stays as it is.
        """

        def put_back(match: re.Match[str]) -> str:
            words = self.originals.get(f"[{match['label']}{match['no']}{match['letter']}]")
            if words is None:
                return match.group()
            return json.dumps(words, ensure_ascii=False)[1:-1] if in_json else words

        return _PLACEHOLDER.sub(put_back, text)


class Restorer:
    """Puts the words back in an answer that comes in pieces, which may cut a placeholder anywhere."""

    def __init__(self, replacement: Replacement, *, in_json: bool = False) -> None:
        self._replacement, self._in_json = replacement, in_json
        self._held = ""

    def feed(self, piece: str) -> str:
        """What is certain by now; the beginning of a placeholder waits for its end."""
        text = self._held + piece
        tail = max(0, len(text) - _BEGUN_CHARACTERS_MAX)
        begun = _BEGUN.search(text, tail)
        cut = begun.start() if begun else len(text)
        self._held = text[cut:]
        return self._replacement.restore(text[:cut], in_json=self._in_json)

    def close(self) -> str:
        """What was still waiting."""
        held, self._held = self._held, ""
        return self._replacement.restore(held, in_json=self._in_json)


def replace_private(texts: Sequence[str], known: Sequence[str] = ()) -> tuple[tuple[str, ...], Replacement]:
    """The texts with a placeholder for all that is private in them, and what stands behind each.

    A name that one text shows is replaced in the others too.
    """
    names = {
        found.text
        for text in texts
        for found in find_private(text, known)
        if found.kind == PrivateKind.NAME and len(found.text) > 1
    }
    found = [find_private(text, (*known, *sorted(names))) for text in texts]
    placeholders = _number(_in_order(found), texts)
    hidden = tuple(_exchange(text, of_text, placeholders) for text, of_text in zip(texts, found, strict=True))
    originals = {placeholder: words for (_, words), placeholder in placeholders.items()}
    kinds = {placeholder: kind for (kind, _), placeholder in placeholders.items()}
    return hidden, Replacement(originals, kinds)


def _in_order(found: Iterable[Iterable[PrivateWords]]) -> Iterator[tuple[PrivateKind, str]]:
    yield from dict.fromkeys((each.kind, each.text) for of_text in found for each in of_text)


def _number(
    words: Iterable[tuple[PrivateKind, str]], texts: Sequence[str]
) -> dict[tuple[PrivateKind, str], str]:
    """A placeholder for each; those that a text bears already are left alone."""
    taken = [int(match["no"]) for text in texts for match in _PLACEHOLDER.finditer(text)]
    first = max(taken, default=0) + 1
    counts: Counter[PrivateKind] = Counter()
    people: dict[str, int] = {}
    letters: Counter[int] = Counter()
    placeholders: dict[tuple[PrivateKind, str], str] = {}
    for kind, text in words:
        same = _find_person(text, people) if kind == PrivateKind.NAME else None
        if same is not None and letters[same] < len(ascii_uppercase) - 1:
            letters[same] += 1
            name = f"{same}{ascii_uppercase[letters[same]]}"
            people[text] = same
        else:
            number = first + counts[kind]
            counts[kind] += 1
            name = str(number)
            if kind == PrivateKind.NAME:
                people[text] = number
        placeholders[kind, text] = f"[{kind.value.upper()}{name}]"
    return placeholders


def _find_person(name: str, people: Mapping[str, int]) -> int | None:
    """The number of whoever is called by a part of this name, or by a name that this is a part of."""
    parts = set(name_parts(name))
    for other, number in people.items():
        if other in parts or name in name_parts(other) or other.casefold() == name.casefold():
            return number
    return None


def _exchange(
    text: str, found: Iterable[PrivateWords], placeholders: Mapping[tuple[PrivateKind, str], str]
) -> str:
    pieces: list[str] = []
    at = 0
    for each in found:
        pieces += [text[at : each.span.start], placeholders[each.kind, each.text]]
        at = each.span.end
    return "".join((*pieces, text[at:]))
