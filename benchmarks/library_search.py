"""Search in the library: words, meaning, and both fused, on questions with known answers; and how fast.

    python -m benchmarks.library_search --data ../shared/data --vectors FILE     writes docs/results

The reference cards in both languages and answers of counsel-chat are one index.  A title of counsel-chat,
which is not in the index, looks for the answers that were given under it; a question to the cards looks for
the section that answers it (2) and the other sections of its card (1), in both languages, or, across, in the
other one alone; so does a topic of examinations.  Questions with an even number choose how much meaning
weighs, the others are reported.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import pickle
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

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
EXAM_QUESTIONS = Path(__file__).with_name("library_exam_questions.txt")
THREADS = 60
TIMED_PASSAGES = 100_000
WIDTH = 384
WAYS: tuple[Way, ...] = ("words", "meaning", "fused")
# Beyond one, what words alone find best would not stand on the first page.
WEIGHTS = (0.25, 0.5, 0.75, 1.0)


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


def read_card_questions(path: Path) -> list[Question]:
    """Each line in Chinese, in English, and across into the cards of the other language."""
    prefix = "exam topics" if path == EXAM_QUESTIONS else "cards"
    counts = {card.document.id: len(card.pieces) for card in load_cards()}
    questions: list[Question] = []
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    for no, line in enumerate(lines):
        card, section, zh, en = (part.strip() for part in line.split(" | "))

        def worth(languages: Iterable[str], card: str = card, section: int = int(section)) -> dict[str, int]:
            return {
                f"card-{language}-{card}-{at}": 2 if at == section - 1 else 1
                for language in languages
                for at in range(counts[DocumentId(f"card-{language}-{card}")])
            }

        questions += [
            Question(f"{prefix}, asked in Chinese", no, zh, "", worth(("zh", "en"))),
            Question(f"{prefix}, asked in English", no, en, "", worth(("zh", "en"))),
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
            (document, 1, pieces, stack(document, pieces, vectors))
            for document, pieces in texts
            if language in ("", document.reference.language) and pieces
        ]
        made[language] = LibraryIndex.empty(meaning).with_documents(fresh, set())
    return made


def stack(document: Document, pieces: Sequence[Piece], vectors: Mapping[str, Floats]) -> Floats | None:
    return np.stack([vectors[show_to_model(document, piece)] for piece in pieces]) if vectors else None


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
    vector = vectors.get(question.text)
    found = indices[question.look_in].search(question.text, vector, limit=10, way=way)
    return score([each.id for each in found], question.worth)


def mean(rows: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    names = ("ndcg10", "recall10", "mrr")
    return {name: round(float(np.mean([row[at] for row in rows])), 4) for at, name in enumerate(names)}


def time_search(width: int) -> dict[str, object]:
    """Passages of the cards over and over, with random vectors: how long a search takes, and the making."""
    cards = [(card.document, 1, card.pieces, None) for card in load_cards()]
    begun = time.process_time()
    once = LibraryIndex.empty("random").with_documents(cards, set())
    read_s = time.process_time() - begun
    random = np.random.default_rng(1)
    many = []
    for round_ in range(-(-TIMED_PASSAGES // once.passages)):
        for each in once.documents.values():
            rows = random.standard_normal((len(each.pieces), width), dtype=np.float32)
            document = replace(each.document, id=DocumentId(f"{each.document.id}-{round_}"))
            many.append(replace(each, document=document, vectors=rows))
    begun = time.process_time()
    index = once.over(many)
    made_s = time.process_time() - begun
    vector = random.standard_normal(width, dtype=np.float32)
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for line in QUESTIONS.read_text("utf-8").splitlines()[1:31]:
        for text in line.split(" | ")[2:]:
            for way in WAYS:
                own, wall = time.process_time(), time.perf_counter()
                index.search(text, vector, limit=8, way=way)
                took[way].append((time.process_time() - own, time.perf_counter() - wall))
    figures = {}
    for way, each in took.items():
        own, wall = (1000 * np.array(times) for times in zip(*each, strict=True))
        figures[way] = {
            "p50_ms": round(float(np.median(own)), 1),
            "p95_ms": round(float(np.percentile(own, 95)), 1),
            "wall_p50_ms": round(float(np.median(wall)), 1),
        }
    return {
        "passages": index.passages,
        "made_s": round(made_s, 1),
        "read_ms_a_passage": round(1000 * read_s / once.passages, 2),
        "search": figures,
    }


def time_question(embedder: Embedder) -> dict[str, float]:
    """How long the model takes for a question, which is to be added to a search by meaning."""
    texts = [line.split(" | ")[2] for line in QUESTIONS.read_text("utf-8").splitlines()[1:21]]
    took = []
    for text in texts:
        begun = time.perf_counter()
        embedder.embed_question(text)
        took.append(1000 * (time.perf_counter() - begun))
    return {"p50_ms": round(float(np.median(took)), 1), "p95_ms": round(float(np.percentile(took, 95)), 1)}


def run(data: Path, vectors_at: Path | None) -> dict[str, Any]:
    """Everything; by words alone where no file for vectors is named."""
    embedder = None if vectors_at is None else find_embedder()
    texts, questions = read_counsel_chat(data)
    texts += [(card.document, card.pieces) for card in load_cards()]
    questions += [*read_card_questions(QUESTIONS), *read_card_questions(EXAM_QUESTIONS)]
    of_pieces: dict[str, Floats] = {}
    of_questions: dict[str, Floats] = {}
    timing: dict[str, object] = {"index": time_search(WIDTH)}
    if embedder is not None and vectors_at is not None:
        pieces = [show_to_model(document, piece) for document, pieces in texts for piece in pieces]
        of_pieces, of_questions = load_vectors(
            vectors_at, embedder, pieces, [each.text for each in questions]
        )
        timing["question"] = time_question(embedder)
        embedder.close()
    ways = WAYS if of_pieces else WAYS[:1]
    indices = make_indices(texts, of_pieces, embedder.name if embedder else "")
    others = [each for each in questions if each.no % 2 == 0]
    tested = [each for each in questions if each.no % 2]
    weight, tried = choose_weight(indices, of_questions, others) if of_pieces else (0.0, {})
    indexing.MEANING_WEIGHT = weight
    sets = list(dict.fromkeys(each.set for each in tested))
    table = {
        way: {name: mean_of(indices, of_questions, tested, way, name) for name in (*sets, "")} for way in ways
    }
    best = max(ways, key=lambda way: table[way][""]["ndcg10"])
    model = f"{embedder.name} (multilingual-e5-small, 4 bits)" if embedder else "no embedding model"
    return {
        "facts": {
            "command": "python -m benchmarks.library_search" + (" --vectors FILE" if embedder else ""),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": f"{find_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "versions": f"numpy {version('numpy')}, snowballstemmer {version('snowballstemmer')}, {model}",
            "index": f"{indices[''].passages} passages: all cards in both languages, and the answers to "
            f"{THREADS} questions of counsel-chat without the questions",
            "questions": len(questions),
            "questions reported": len(tested),
            "weight of meaning": f"{weight} (chosen on the other {len(others)})" if tried else "not measured",
        },
        "sets": {name: sum(each.set == name for each in tested) for name in sets},
        "weights tried": tried,
        "table": table,
        "default": {"way": best, **table[best][""]},
        "timing": timing,
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
    chosen = [each for each in questions if name in ("", each.set)]
    return mean([ask(indices, vectors, each, way) for each in chosen])


def make_page(found: dict[str, Any]) -> str:
    facts, table, sets, default = found["facts"], found["table"], found["sets"], found["default"]
    ways = list(table)
    lines = ["# Search in the library", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += ["nDCG@10 · recall@10 · MRR", "", f"| questions | n | {' | '.join(ways)} |"]
    lines.append("|---|---|" + "---|" * len(ways))
    for name in (*sets, ""):
        cells = []
        for way in ways:
            row = table[way][name]
            cells.append(f"{row['ndcg10']:.3f} · {row['recall10']:.3f} · {row['mrr']:.3f}")
        count = sets.get(name, sum(sets.values()))
        lines.append(f"| {name or '**all**'} | {count} | {' | '.join(cells)} |")
    best = f"The best of these is `{default['way']}`: nDCG@10 {default['ndcg10']:.3f}."
    missing = " Meaning and fused were not measured." if len(ways) == 1 else ""
    return "\n".join([*lines, "", best + missing, "", *explain_timing(found["timing"])]) + "\n"


def explain_timing(timing: Mapping[str, Any]) -> Iterable[str]:
    index, question = timing["index"], timing.get("question")
    yield f"## {index['passages']:,} passages"
    yield ""
    yield (
        "The passages of the cards over and over, with random vectors: for the time alone. Processor time, "
        "and beside it wall clock: other work ran on the machine."
        + (f" The model takes {question['p50_ms']} ms of wall clock for a question." if question else "")
    )
    yield ""
    yield (
        f"Made in {index['made_s']} s once the texts are read, which takes {index['read_ms_a_passage']} ms a "
        "passage."
    )
    yield ""
    yield "| search | p50, ms | p95, ms | wall clock p50, ms |"
    yield "|---|---|---|---|"
    for way, each in index["search"].items():
        yield f"| {way} | {each['p50_ms']} | {each['p95_ms']} | {each['wall_p50_ms']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--vectors", type=Path, help="keeps vectors between runs; without it, words alone")
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
