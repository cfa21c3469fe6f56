"""The reference cards that ship with PhyAssist: our own words, each naming the public source of what it says.

A file a card, in Markdown: the title, a line of sources, then sections.  They are read from the package and
never stored.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.library import Document, DocumentId, Piece, Reference, Scope
from phyassist.domain.people import Language
from phyassist.knowledge.index import Floats, unpack_vectors

CARD_HEAD = "card-"
_LICENCE = "Apache-2.0"
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Card:
    """A card as a document; `vectors` are there where the package holds those of the model in use."""

    document: Document
    pieces: tuple[Piece, ...] = field(repr=False)
    vectors: Floats | None = field(default=None, repr=False)


@lru_cache(maxsize=1)
def load_cards() -> tuple[Card, ...]:
    """Every card in both languages, by name."""
    folder = files("phyassist").joinpath("data/cards")
    cards = []
    for language in _LANGUAGES:
        texts = sorted(folder.joinpath(language).iterdir(), key=lambda each: each.name)
        cards += [
            _read_card(language, text.name.removesuffix(".md"), text.read_text("utf-8"))
            for text in texts
            if text.name.endswith(".md")
        ]
    return tuple(cards)


def load_cards_with(meaning: str) -> tuple[Card, ...]:
    """The cards, with the vectors that ship with them where these are of this model."""
    made_by, vectors = _load_vectors()
    if not meaning or made_by != meaning:
        return load_cards()
    return tuple(
        replace(card, document=replace(card.document, meaning=meaning), vectors=vectors[card.document.id])
        if card.document.id in vectors and len(vectors[card.document.id]) == len(card.pieces)
        else card
        for card in load_cards()
    )


def pack_card_vectors(meaning: str, packed: dict[str, bytes]) -> bytes:
    """The file of all cards' vectors."""
    told = {"meaning": meaning, "vectors": {name: each.hex() for name, each in sorted(packed.items())}}
    return gzip.compress(json.dumps(told).encode(), mtime=0)


@lru_cache(maxsize=1)
def _load_vectors() -> tuple[str, dict[str, Floats]]:
    file = files("phyassist").joinpath("data/cards/vectors.json.gz")
    if not file.is_file():
        return "", {}
    told = json.loads(gzip.decompress(file.read_bytes()))
    return str(told["meaning"]), {
        name: unpack_vectors(bytes.fromhex(each)) for name, each in told["vectors"].items()
    }


def _read_card(language: Language, name: str, text: str) -> Card:
    lines = text.strip().split("\n")
    title, source = lines[0].removeprefix("# ").strip(), lines[2].strip()
    pieces: list[Piece] = []
    heading, kept = "", list[str]()
    for line in [*lines[4:], "## "]:
        if line.startswith("## "):
            if kept:
                pieces.append(Piece(0, heading, "\n".join(kept)))
            heading, kept = line.removeprefix("## ").strip(), []
        elif line.strip():
            kept.append(line.strip())
    document = Document(
        id=DocumentId(f"{CARD_HEAD}{language}-{name}"),
        scope=Scope.SHIPPED,
        reference=Reference(title, ("PhyAssist",), None, language, _LICENCE, source),
        form="md",
        pages=0,
        passages=len(pieces),
    )
    return Card(document, tuple(pieces))


def find_card(document_id: DocumentId) -> Card | None:
    return next((card for card in load_cards() if card.document.id == document_id), None)


def list_card_documents() -> Sequence[Document]:
    return [card.document for card in load_cards()]
