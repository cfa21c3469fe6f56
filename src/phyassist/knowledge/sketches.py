"""Whether two texts are nearly the same: a sketch of each, compared in a moment (Broder, 1997)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from phyassist.domain.library import Document, Scope
from phyassist.knowledge.terms import split_terms

SIZE = 64
_CHARS_READ = 200_000
_RUN = 4
_PRIME = np.uint64((1 << 31) - 1)
_generator = np.random.default_rng(1997)
_FACTORS = _generator.integers(1, int(_PRIME), SIZE, dtype=np.uint64)
_OFFSETS = _generator.integers(0, int(_PRIME), SIZE, dtype=np.uint64)
NEARLY = 0.8


def make_sketch(text: str) -> tuple[int, ...]:
    """The least hashes of all runs of four terms, `SIZE` of them; empty for a text of fewer terms."""
    terms = split_terms(text[:_CHARS_READ])
    runs = {" ".join(terms[at : at + _RUN]) for at in range(len(terms) - _RUN + 1)}
    if not runs:
        return ()
    hashes = np.fromiter((zlib.crc32(run.encode()) for run in runs), dtype=np.uint64) % _PRIME
    return tuple(
        int(((factor * hashes + offset) % _PRIME).min())
        for factor, offset in zip(_FACTORS, _OFFSETS, strict=True)
    )


def likeness(one: Sequence[int], other: Sequence[int]) -> float:
    """Which share of their runs two texts have in common, as their sketches tell."""
    if len(one) != SIZE or len(other) != SIZE:
        return 0.0
    return sum(a == b for a, b in zip(one, other, strict=True)) / SIZE


class Known:
    """The documents that are there: whether a new one is the same as one of them, or nearly so."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_digest: dict[str, list[Document]] = {}
        self._sketched: list[Document] = []
        for document in documents:
            self.add(document)

    def add(self, document: Document) -> None:
        self._by_digest.setdefault(document.digest, []).append(document)
        if document.sketch:
            self._sketched.append(document)

    def find(self, digest: str, sketch: Sequence[int], scope: Scope) -> Document | None:
        """One that makes a new document of this scope needless."""
        scopes = {scope, Scope.PRACTICE}
        for document in self._by_digest.get(digest, ()):
            if document.scope in scopes:
                return document
        alike = (
            document
            for document in self._sketched
            if document.scope in scopes and likeness(document.sketch, sketch) >= NEARLY
        )
        return next(alike, None)
