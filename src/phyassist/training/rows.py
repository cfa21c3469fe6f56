"""Rows to compute at once: several examples as one forest of tokens, what they begin alike with only once.

Replies to one prompt, examples of one patient, and all that open with the same instruction share their first
tokens.  A token sees those on its own way to the root and nothing else, so a forest's numbers are those of
its examples one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from phyassist.training.encode import Encoded


@dataclass(frozen=True, slots=True)
class Pair:
    """Where the targets of a reply that was kept and of the one that was not stand in a row's targets.

    `reference` is how much likelier the first is to the model without the adapter, in nats.
    """

    chosen: slice
    rejected: slice
    reference: float


@dataclass(frozen=True, slots=True)
class Origin:
    """A dialogue with the reply that was drafted, by the model itself or with the adapter `author`, and the
    places of that reply that were kept.
    """

    ids: tuple[int, ...] = field(repr=False)
    reply_at: int
    author: str
    places: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A forest: `parents` say which place a token goes on from (-1: none), `positions` how deep it stands.

    `keep` are the places whose next token is a reply's, `targets` those tokens: both of the same length.
    Targets of kept replies come first, `kept` of them; those of rejected replies follow.  `held` are those of
    the kept that are not to be learnt, since the model had written them itself, in the order of `origins`.
    """

    ids: tuple[int, ...] = field(repr=False)
    parents: tuple[int, ...] = field(repr=False)
    positions: tuple[int, ...] = field(repr=False)
    keep: tuple[int, ...] = field(repr=False)
    targets: tuple[int, ...] = field(repr=False)
    kept: int
    held: tuple[int, ...] = field(repr=False)
    origins: tuple[Origin, ...] = field(repr=False)
    pairs: tuple[Pair, ...]


class Forest:
    """Token sequences laid over each other as far as they begin alike."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.parents: list[int] = []
        self.positions: list[int] = []
        self._next: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def count_shared(self, path: Iterable[int]) -> int:
        """How many of a sequence's first tokens stand here already."""
        place, shared = -1, 0
        for token in path:
            found = self._next.get((place, token))
            if found is None:
                break
            place, shared = found, shared + 1
        return shared

    def add(self, path: Iterable[int]) -> list[int]:
        """The places of a sequence's tokens, those that were missing put in."""
        place, places = -1, []
        for depth, token in enumerate(path):
            found = self._next.get((place, token))
            if found is None:
                found = len(self.ids)
                self._next[place, token] = found
                self.ids.append(token)
                self.parents.append(place)
                self.positions.append(depth)
            place = found
            places.append(place)
        return places


def pack(examples: Sequence[Encoded], row_tokens: int) -> tuple[Row, ...]:
    """Rows of at most `row_tokens`: the longest example first, each to the row it has most in common with."""
    forests: list[Forest] = []
    members: list[list[Encoded]] = []
    for example in sorted(examples, key=lambda one: one.tokens, reverse=True):
        shared = [forest.count_shared(example.ids) for forest in forests]
        fits = [
            no
            for no, forest in enumerate(forests)
            if len(forest) + example.tokens - shared[no] <= row_tokens or shared[no] == example.tokens
        ]
        if fits:
            no = max(fits, key=lambda each: shared[each])
        else:
            no = len(forests)
            forests.append(Forest())
            members.append([])
        for path in example.paths:
            forests[no].add(path)
        members[no].append(example)
    return tuple(_lay(forest, row) for forest, row in zip(forests, members, strict=True))


def _lay(forest: Forest, examples: Sequence[Encoded]) -> Row:
    keep: list[int] = []
    targets: list[int] = []

    def put(path: Sequence[int], reply_at: int, left_out: frozenset[int] = frozenset()) -> slice:
        places = forest.add(path)
        start = len(keep)
        asked = [no for no in range(len(path) - reply_at) if no not in left_out]
        keep.extend(places[reply_at - 1 + no] for no in asked)
        targets.extend(path[reply_at + no] for no in asked)
        return slice(start, len(keep))

    chosen = [put(example.ids, example.reply_at, example.forced) for example in examples]
    kept = len(keep)
    held = [
        where.start + no
        for example, where in zip(examples, chosen, strict=True)
        for no, stem in enumerate(_list_stems(example))
        if stem >= 0
    ]
    pairs = tuple(
        Pair(where, put(example.paths[1], example.reply_at), example.reference)
        for example, where in zip(examples, chosen, strict=True)
        if example.rejected
    )
    return Row(
        tuple(forest.ids),
        tuple(forest.parents),
        tuple(forest.positions),
        tuple(keep),
        tuple(targets),
        kept,
        tuple(held),
        tuple(origin for example in examples for origin in find_origins(example)),
        pairs,
    )


def _list_stems(example: Encoded) -> list[int]:
    return [stem for no, stem in enumerate(example.stems) if no not in example.forced]


def find_origins(example: Encoded) -> tuple[Origin, ...]:
    """The one of an example that has something to hold, else none."""
    places = tuple(stem for stem in _list_stems(example) if stem >= 0)
    ids = example.ids[: example.reply_at] + example.drafted
    return (Origin(ids, example.reply_at, example.author, places),) if places else ()
