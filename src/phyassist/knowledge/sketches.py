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


class Known:
    """The documents that are there: whether a new one is the same as one of them, or nearly so."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_digest: dict[str, list[Document]] = {}
        self._sketched: list[Document] = []
        # A row a document, with room to grow: thousands are compared at once.
        self._sketches = np.zeros((256, SIZE), dtype=np.int64)
        for document in documents:
            self.add(document)

    def add(self, document: Document) -> None:
        self._by_digest.setdefault(document.digest, []).append(document)
        if len(document.sketch) != SIZE:
            return
        count = len(self._sketched)
        if count == len(self._sketches):
            self._sketches = np.concatenate([self._sketches, np.zeros_like(self._sketches)])
        self._sketches[count] = document.sketch
        self._sketched.append(document)

    def find(self, digest: str, sketch: Sequence[int], scope: Scope) -> Document | None:
        """One that makes a new document of this scope needless."""
        scopes = {scope, Scope.PRACTICE}
        for document in self._by_digest.get(digest, ()):
            if document.scope in scopes:
                return document
        if len(sketch) != SIZE:
            return None
        same = (self._sketches[: len(self._sketched)] == np.asarray(sketch)).mean(axis=1)
        alike = (self._sketched[no] for no in np.flatnonzero(same >= NEARLY))
        return next((document for document in alike if document.scope in scopes), None)
