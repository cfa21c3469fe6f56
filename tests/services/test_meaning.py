"""The real embedding model: what is put in other words, or in the other language, is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phyassist.knowledge.cards import load_cards_with
from phyassist.knowledge.index import LibraryIndex
from phyassist.knowledge.meaning import LocalEmbedder, find_embedder


@pytest.fixture(scope="module")
def embedder() -> Iterator[LocalEmbedder]:
    found = find_embedder()
    if found is None:
        pytest.skip("no wheel of the embedding model for this computer")
    yield found
    found.close()


@pytest.fixture(scope="module")
def cards(embedder: LocalEmbedder) -> LibraryIndex:
    fresh = [(card.document, 1, card.pieces, card.vectors) for card in load_cards_with(embedder.name)]
    return LibraryIndex.empty(embedder.name).with_documents(fresh, set())


def search(cards: LibraryIndex, question: str, embedder: LocalEmbedder | None, limit: int = 3) -> list[str]:
    vector = embedder.embed_question(question)[0] if embedder else None
    return [passage.document.id for passage in cards.search(question, vector, limit=limit)]


def test_other_words_for_the_same_are_found(cards: LibraryIndex, embedder: LocalEmbedder) -> None:
    question = "walks round the room at night and cannot drift off"

    assert search(cards, question, embedder)[0] == "card-en-insomnia"
    assert search(cards, question, None)[0] != "card-en-insomnia"


@pytest.mark.parametrize(
    "question",
    ["¿Qué ayuda cuando alguien no puede dormir por la noche?", "Что помогает, когда не спится ночью?"],
)
def test_a_question_in_a_third_language_is_found_by_its_meaning(
    cards: LibraryIndex, embedder: LocalEmbedder, question: str
) -> None:
    found = search(cards, question, embedder)

    assert {"card-en-insomnia", "card-zh-insomnia"} & set(found)


def test_the_cards_vectors_are_those_that_this_model_makes(
    cards: LibraryIndex, embedder: LocalEmbedder
) -> None:
    card = next(each for each in load_cards_with(embedder.name) if each.document.id == "card-zh-insomnia")
    title = card.document.title
    texts = [f"{title} {piece.heading} {piece.text}" for piece in card.pieces]

    near = (embedder.embed_passages(texts) * card.vectors).sum(axis=1)

    assert near.min() > 0.9


def test_a_model_that_was_killed_gives_no_rows_and_is_not_started_again(embedder: LocalEmbedder) -> None:
    gone = LocalEmbedder(embedder.name)
    assert gone.embed_question("panic").shape == (1, 384)
    child = gone._questions._child
    assert child is not None
    child.kill()
    child.wait()

    assert gone.embed_question("panic").shape == (0, 384)
    assert gone.embed_question("panic").shape == (0, 384)
    assert gone._questions._child is None
    gone.close()
