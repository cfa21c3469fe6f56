"""How often does a draft begin with suicide or self-harm that nobody spoke of?

    python -m benchmarks.unspoken MODEL.gguf [--data ../shared/data] [--texts 10]

Real texts in which nobody speaks of it are analysed with the passages of the shipped cards that fit best, and
with those that the app chooses among them.  Such a draft is held back; what is counted is the first reply, up
to its reasons.  Texts for which no card speaks of harm are passed over: nothing changes for them.  Writes
docs/results/unspoken.md and unspoken.json, where a table of another model stays.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

from benchmarks.learning import load_texts
from benchmarks.machine import RESULTS, list_facts, write_results
from benchmarks.passages import CONTEXT_TOKENS, find_passages, open_cards

from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.knowledge.index import LibraryIndex
from phyassist.knowledge.meaning import LocalEmbedder, find_embedder
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.prompts.citing import PASSAGES_MAX, Shelf, choose_passages, fill_shelf
from phyassist.services.draft_asking import prepare_question
from phyassist.services.draft_events import AnalysisDone, ItemWritten, UnreadWritten
from phyassist.services.draft_writing import write_items
from phyassist.services.prompting import Case, fit_case

LANGUAGES: Sequence[Language] = ("zh", "en")
# The symptom type and the first reasons.
REPLY_TOKENS = 140
OUTCOMES = ("nothing", "a part", "all")
WAYS = {"best": "the best three", "chosen": "the best three that may stand there, as the app asks"}


def try_all(
    lm: LanguageModel,
    index: LibraryIndex,
    embedder: LocalEmbedder | None,
    language: Language,
    texts: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """Each text for which both ways differ: how many were looked at till then, and what came of both."""
    for seen, text in enumerate(texts, 1):
        found = find_passages(index, embedder, text, language)
        best = fill_shelf(found[:PASSAGES_MAX], language)
        chosen = choose_passages(found, told=text, language=language)
        if best.passages != chosen.passages:
            yield {
                "language": language,
                "seen": seen,
                "best": say_outcome(lm, text, language, best),
                "chosen": say_outcome(lm, text, language, chosen),
                "titles": [each.document.title for each in best.passages],
            }


def say_outcome(lm: LanguageModel, text: str, language: Language, shelf: Shelf) -> str:
    """What stood when the first reply spoke of harm: "nothing", "a part", or "all" where it never did."""
    case = Case(language, "other", split_sentences(text))
    ask, assignment = prepare_question(case, fit_case(case, lm), "", shelf=shelf)
    ids = iter(range(100))
    items = 0
    for event in write_items(
        lm, replace(ask, reply_tokens=REPLY_TOKENS), assignment, Never(), lambda: f"item{next(ids)}"
    ):
        items += isinstance(event, ItemWritten)
        if isinstance(event, UnreadWritten) and event.unread.why == "unspoken":
            return "a part" if items else "nothing"
        if isinstance(event, AnalysisDone):
            return "all"
    raise RuntimeError("a draft ended without AnalysisDone")


def sum_up(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of one language: texts looked at, texts tried, and outcomes by way."""
    return {
        "seen": max((row["seen"] for row in rows), default=0),
        "tried": len(rows),
        **{way: {what: sum(row[way] == what for row in rows) for what in OUTCOMES} for way in WAYS},
    }


def make_page(models: Mapping[str, Any]) -> str:
    lines = ["# Harm that nobody spoke of", ""]
    for model, found in models.items():
        lines += [f"## {model}", "", *(f"- {name}: {value}" for name, value in found["facts"].items()), ""]
        lines += [
            "| language | texts looked at | of these a best passage speaks of harm | passages "
            "| nothing of the draft stands | a part stands | no harm in it |",
            "|---|---|---|---|---|---|---|",
        ]
        for language, way in product(found["by_language"], WAYS):
            of = found["by_language"][language]
            counts = " | ".join(str(of[way][what]) for what in OUTCOMES)
            lines.append(f"| {language} | {of['seen']} | {of['tried']} | {WAYS[way]} | {counts} |")
        lines.append("")
    lines += [
        "A draft that speaks of suicide or self-harm where nobody did is held back from there on, and asked "
        "for once more where nothing stands.  Counted is the first reply, up to its reasons."
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--texts", type=int, default=10, help="To be tried in each language.")
    options = parser.parse_args()
    embedder = find_embedder()
    index = open_cards(embedder)
    by_language: dict[str, dict[str, Any]] = {}
    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
        for language in LANGUAGES:
            tries = try_all(engine.model, index, embedder, language, load_texts(options.data, language))
            rows = []
            for row in islice(tries, options.texts):
                rows.append(row)
                print(row, flush=True)
            by_language[language] = sum_up(rows)
    if embedder is not None:
        embedder.close()
    facts = list_facts(
        f"python -m benchmarks.unspoken {options.model.name} --texts {options.texts}",
        ("xllamacpp",),
        meaning=embedder.name if embedder else "no embedding model",
        texts="counsel-chat and SMILE, in which nobody speaks of harm",
    )
    # What was measured of another model stays.
    file = RESULTS / "unspoken.json"
    models = json.loads(file.read_text("utf-8"))["models"] if file.is_file() else {}
    models[options.model.stem] = {"facts": facts, "by_language": by_language}
    write_results("unspoken", {"models": models}, make_page(models))


if __name__ == "__main__":
    main()
