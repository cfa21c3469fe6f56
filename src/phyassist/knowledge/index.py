"""The index of a library, in memory: words by BM25, meaning by the cosine of vectors, and both fused.

BM25 as in Robertson and Zaragoza (2009), with the logarithm that Lucene takes, which is never negative.
The ranks are fused by their reciprocals (Cormack, Clarke and Büttcher, 2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from phyassist.domain.library import Document, DocumentId, Passage, Piece
from phyassist.domain.people import Language
from phyassist.knowledge.glossary import translate
from phyassist.knowledge.terms import is_han, split_terms

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Way = Literal["words", "meaning", "fused"]

K1, B = 1.2, 0.75
RANK_OFFSET = 60
# Not above one: the passage that words alone find best, a name say, would stand behind a page of others.
MEANING_WEIGHT = 1.0
TRANSLATION_WEIGHT = 0.5
# Where fewer of its words are known, a question is in a language that nothing here is written in.
FOREIGN_SHARE = 0.25
# What the best passage of a document gives to the others of it that were found.
DOCUMENT_SHARE = 0.5
_CANDIDATES = 200
_SCALE_BYTES = 4


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document as the index holds it; `vectors` has a row for each piece, or is None."""

    document: Document
    version: int
    pieces: tuple[Piece, ...] = field(repr=False)
    terms: Ints = field(repr=False)
    lengths: Ints = field(repr=False)
    vectors: Floats | None = field(repr=False)


class LibraryIndex:
    """Made once for a set of documents; `with_documents` makes the next one and reads only what is new."""

    def __init__(
        self, documents: Sequence[IndexedDocument], numbers: dict[str, int], meaning: str = ""
    ) -> None:
        self.meaning = meaning
        self.documents = {each.document.id: each for each in documents}
        self._numbers = numbers
        self._of = np.repeat(
            np.arange(len(documents), dtype=np.int32), [len(each.pieces) for each in documents]
        )
        self._first = np.cumsum([0, *(len(each.pieces) for each in documents)])
        self._ordered = tuple(documents)
        self.passages = len(self._of)
        self._build_words()
        self._build_vectors()

    @classmethod
    def empty(cls, meaning: str = "") -> LibraryIndex:
        """`meaning` names the model whose vectors it will hold."""
        return cls((), {}, meaning)

    def with_documents(
        self, fresh: Iterable[tuple[Document, int, Sequence[Piece], Floats | None]], keep: set[DocumentId]
    ) -> LibraryIndex:
        """An index of the documents in `keep` and the fresh ones, each with its version."""
        numbers = self._numbers
        kept = [each for each in self._ordered if each.document.id in keep]
        for document, version, pieces, vectors in fresh:
            rows = [split_terms(f"{document.title}\n{each.heading}\n{each.text}") for each in pieces]
            terms = [numbers.setdefault(term, len(numbers)) for row in rows for term in row]
            kept.append(
                IndexedDocument(
                    document,
                    version,
                    tuple(pieces),
                    np.array(terms, dtype=np.int32),
                    np.array([len(row) for row in rows], dtype=np.int32),
                    vectors,
                )
            )
        return self.over(kept)

    def over(self, documents: Sequence[IndexedDocument]) -> LibraryIndex:
        """An index of other documents whose terms have the same numbers."""
        return LibraryIndex(documents, self._numbers, self.meaning)

    @property
    def versions(self) -> Mapping[DocumentId, int]:
        return {document_id: each.version for document_id, each in self.documents.items()}

    @property
    def has_meaning(self) -> bool:
        return self._has_vector is not None

    def search(
        self,
        words: str,
        vector: Floats | None = None,
        *,
        limit: int = 8,
        way: Way = "fused",
        language: Language | None = None,
        form: str = "",
    ) -> tuple[Passage, ...]:
        """The passages that fit best, best first; of one language or form of document where it is named.

        Without a vector, by words alone.
        """
        ranked: list[tuple[float, Ints, Floats]] = []
        may = self._list_allowed(language, form)
        by_meaning = way != "words" and vector is not None and self.has_meaning
        if way != "meaning" and not (by_meaning and self._is_foreign(words)):
            ranked.append((1.0, *self._rank_by_words(words, may)))
        if by_meaning and vector is not None:
            ranked.append((MEANING_WEIGHT, *self._rank_by_meaning(vector, may)))
        if len(ranked) == 1:
            _, numbers, found = ranked[0]
            scores = dict(zip(numbers.tolist(), found.tolist(), strict=True))
        else:
            scores = {}
            for weight, numbers, _ in ranked:
                for rank, no in enumerate(numbers.tolist()):
                    scores[no] = scores.get(no, 0.0) + weight / (RANK_OFFSET + rank + 1)
        best = sorted(self._share(scores).items(), key=lambda each: (-each[1], each[0]))[:limit]
        return tuple(self._passage(no, score) for no, score in best)

    def _share(self, scores: Mapping[int, float]) -> dict[int, float]:
        """A passage counts for more where another of its document fits well."""
        best: dict[int, float] = {}
        for no, score in scores.items():
            of = int(self._of[no])
            best[of] = max(best.get(of, 0.0), score)
        return {no: score + DOCUMENT_SHARE * best[int(self._of[no])] for no, score in scores.items()}

    def _list_allowed(self, language: Language | None, form: str) -> Flags:
        """Which passages stand in documents of this language and form; all where none is asked for."""
        fits = [
            language in {None, each.document.reference.language} and form in {"", each.document.form}
            for each in self._ordered
        ]
        return np.array(fits, dtype=np.bool_)[self._of]

    def find(self, document_id: DocumentId, no: int) -> Passage | None:
        """One passage by its place; None where there is none (any more)."""
        found = self.documents.get(document_id)
        if found is None or not 0 <= no < len(found.pieces):
            return None
        piece = found.pieces[no]
        return Passage(found.document, no, piece.page, piece.heading, piece.text)

    def _is_foreign(self, words: str) -> bool:
        """Whether hardly a word of a question stands anywhere here, as in a third language.

        Those that do mean something else, such as a Spanish "no" or a German "die".
        """
        terms = set(split_terms(words))
        # Chinese pairs run across words, so that many stand nowhere.
        if translate(words) or any(is_han(term[0]) for term in terms):
            return False
        return sum(self.share_of(term) > 0 for term in terms) < FOREIGN_SHARE * len(terms)

    def share_of(self, term: str) -> float:
        """The share of all passages that hold a term."""
        number = self._numbers.get(term, -1)
        if not 0 <= number < len(self._start) - 1:
            return 0.0
        return float(self._start[number + 1] - self._start[number]) / max(1, self.passages)

    def _passage(self, number: int, score: float) -> Passage:
        of = int(self._of[number])
        found, no = self._ordered[of], number - int(self._first[of])
        piece = found.pieces[no]
        return Passage(found.document, no, piece.page, piece.heading, piece.text, score)

    def _build_words(self) -> None:
        """Postings by term: which passages it stands in, and how much each counts."""
        terms = _join([each.terms for each in self._ordered], np.int32)
        lengths = _join([each.lengths for each in self._ordered], np.int32)
        count, vocabulary = max(1, len(lengths)), len(self._numbers)
        where = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
        pairs, often = np.unique(terms.astype(np.int64) * count + where, return_counts=True)
        of_term, self._posting = pairs // count, (pairs % count).astype(np.int32)
        in_how_many = np.bincount(of_term, minlength=vocabulary)
        self._start = np.concatenate([[0], np.cumsum(in_how_many)])
        rarity = np.log1p((count - in_how_many + 0.5) / (in_how_many + 0.5))
        long = lengths / max(1.0, float(lengths.mean()) if len(lengths) else 1.0)
        damped = often * (K1 + 1) / (often + K1 * (1 - B + B * long[self._posting]))
        self._weight = (rarity[of_term] * damped).astype(np.float32)

    def _build_vectors(self) -> None:
        having = [each for each in self._ordered if each.vectors is not None and len(each.pieces)]
        self._has_vector: Flags | None = None
        if not having:
            return
        width = next(each.vectors.shape[1] for each in having if each.vectors is not None)
        self._vectors = np.zeros((self.passages, width), dtype=np.float32)
        self._has_vector = np.zeros(self.passages, dtype=np.bool_)
        for at, each in zip(self._first, self._ordered, strict=False):
            if each.vectors is not None and each.vectors.shape == (len(each.pieces), width):
                self._vectors[at : at + len(each.pieces)] = each.vectors
                self._has_vector[at : at + len(each.pieces)] = True

    def _rank_by_words(self, words: str, may: Flags) -> tuple[Ints, Floats]:
        scores = np.zeros(self.passages, dtype=np.float32)
        # What a question says in one language is looked for in the other one too; it counts for less, since
        # one word becomes several.
        told = [(term, 1.0) for term in split_terms(words)]
        told += [(term, TRANSLATION_WEIGHT) for term in split_terms(translate(words))]
        for term, weight in told:
            number = self._numbers.get(term, -1)
            # A term that only a document which is gone has, or that came with a later index, has no postings.
            if 0 <= number < len(self._start) - 1:
                start, end = self._start[number], self._start[number + 1]
                scores[self._posting[start:end]] += weight * self._weight[start:end]
        return _best(scores, (scores > 0) & may)

    def _rank_by_meaning(self, vector: Floats, may: Flags) -> tuple[Ints, Floats]:
        if self._has_vector is None or vector.shape != (self._vectors.shape[1],):
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        return _best(self._vectors @ vector, self._has_vector & may)


def pack_rows(rows: Sequence[Floats]) -> bytes:
    """What `pack_vectors` makes of vectors that came one by one."""
    return pack_vectors(np.stack(list(rows)))


def pack_vectors(vectors: Floats) -> bytes:
    """A byte for each number and a scale for each row: a quarter of the size, and the same ranks."""
    scales = (np.abs(vectors).max(axis=1, keepdims=True) / 127).astype("<f4")
    scales[scales == 0] = 1
    small = np.rint(vectors / scales).astype(np.int8)
    return len(vectors).to_bytes(4, "little") + bytes(scales.tobytes()) + bytes(small.tobytes())


def unpack_vectors(packed: bytes) -> Floats:
    count = int.from_bytes(packed[:4], "little")
    end = 4 + count * _SCALE_BYTES
    scales = np.frombuffer(packed[4:end], dtype="<f4").reshape(-1, 1)
    small = np.frombuffer(packed[end:], dtype=np.int8).reshape(count, -1)
    whole: Floats = (small * scales).astype(np.float32)
    return whole


def _best(scores: Floats, may: Flags) -> tuple[Ints, Floats]:
    """The numbers and scores of the best candidates, best first."""
    found = np.flatnonzero(may)
    if len(found) > _CANDIDATES:
        found = found[np.argpartition(-scores[found], _CANDIDATES)[:_CANDIDATES]]
    order = np.lexsort((found, -scores[found]))
    found = found[order]
    return found.astype(np.int32), scores[found]


def _join(arrays: list[Ints], of: type[np.int32]) -> Ints:
    return np.concatenate(arrays) if arrays else np.zeros(0, of)
