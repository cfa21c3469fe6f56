"""Does a draft gain by passages of the library in its prompt?

    python -m benchmarks.passages MODEL.gguf [--cases 3]

The app's own cases, so many of each language, are analysed with the three passages that the shipped cards
say on them, and without.  Both drafts are scored by the measures of `phyassist evaluate quality`; how many
pieces of advice carry a citation, and how long it took, stands beside.  Whether advice is wiser is not
counted.  Writes docs/results/passages.md and passages.json, where a table of another model stays.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS, list_facts, write_results

from phyassist.domain.drafts import Section
from phyassist.domain.library import Passage
from phyassist.domain.people import Language
from phyassist.domain.quality import MEASURES, DraftReply, QualityCase, score_draft
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.scores import add_shares
from phyassist.knowledge.cards import load_cards_with
from phyassist.knowledge.index import LibraryIndex
from phyassist.knowledge.meaning import LocalEmbedder, find_embedder
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.prompts.citing import PASSAGES_MAX, Shelf, choose_passages
from phyassist.prompts.draft import NO_SHELF
from phyassist.services.draft_events import AnalysisDone
from phyassist.services.draft_writing import write_items
from phyassist.services.drafting import prepare_question
from phyassist.services.library import FOUND_MAX
from phyassist.services.prompting import Case, fit_case
from phyassist.services.quality import load_cases

CONTEXT_TOKENS = 8192
WAYS = ("without", "with passages")


def open_cards(embedder: LocalEmbedder | None) -> LibraryIndex:
    """The shipped cards, by words and, where a model is there, by meaning."""
    name = embedder.name if embedder else ""
    fresh = [(card.document, 1, card.pieces, card.vectors) for card in load_cards_with(name)]
    return LibraryIndex.empty(name).with_documents(fresh, set())


def find_passages(
    index: LibraryIndex, embedder: LocalEmbedder | None, asked: str, language: Language
) -> tuple[Passage, ...]:
    """What the cards say on a question and its text, best first."""
    rows = embedder.embed_question(asked) if embedder else ()
    vector = rows[0] if len(rows) else None
    return index.search(asked, vector, limit=FOUND_MAX, language=language)


def find_shelf(index: LibraryIndex, embedder: LocalEmbedder | None, case: QualityCase) -> Shelf:
    found = find_passages(index, embedder, f"{case.question} {case.text}", case.language)
    return choose_passages(found, told=f"{case.question} {case.text}", language=case.language)


def analyse(lm: LanguageModel, case: QualityCase, shelf: Shelf) -> dict[str, Any]:
    """One draft as the app asks for it: its shares, cited advice and seconds."""
    started = time.perf_counter()
    whole = Case(case.language, "other", split_sentences(case.text))
    ask, assignment = prepare_question(whole, fit_case(whole, lm), case.question, shelf=shelf)
    ids = iter(range(100))
    *_, done = write_items(lm, ask, assignment, Never(), lambda: f"item{next(ids)}")
    if not isinstance(done, AnalysisDone):
        raise RuntimeError("a draft ended without AnalysisDone")
    advice = [item for item in done.items if item.section == Section.ADVICE]
    return {
        "shares": score_draft(case, DraftReply(done.items, done.repeated, not done.unread)),
        "advice": len(advice),
        "cited": sum(item.citation is not None for item in advice),
        "seconds": round(time.perf_counter() - started, 1),
    }


def sum_up(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shares = {name: add_shares(row["shares"][name] for row in rows) for name in MEASURES["analyse"]}
    return {
        **{name: [share.hits, share.of] for name, share in shares.items()},
        "advice cited": [sum(row["cited"] for row in rows), sum(row["advice"] for row in rows)],
        "seconds a draft": round(sum(row["seconds"] for row in rows) / len(rows), 1),
    }


def make_page(models: Mapping[str, Any]) -> str:
    lines = ["# Passages of the library in a draft", ""]
    for model, found in models.items():
        lines += [f"## {model}", "", *(f"- {name}: {value}" for name, value in found["facts"].items()), ""]
        lines += make_table(found["by_language"])
    lines += ["Unless a practice chose, passages are given to models of the catalogue that gain by them."]
    return "\n".join(lines) + "\n"


def make_table(by_language: Mapping[str, Any]) -> list[str]:
    languages = list(by_language)
    heads = [f"{language}, {way}" for language in languages for way in WAYS]
    lines = [f"| measure | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name in by_language[languages[0]][WAYS[0]]:
        values = [by_language[language][way][name] for language in languages for way in WAYS]
        cells = [f"{each[0]}/{each[1]}" if isinstance(each, list) else str(each) for each in values]
        better = MEASURES["analyse"].get(name)
        mark = {True: " (more is better)", False: " (less is better)", None: ""}[better]
        lines.append(f"| {name.replace('_', ' ')}{mark} | {' | '.join(cells)} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--cases", type=int, default=3)
    options = parser.parse_args()
    embedder, cases = find_embedder(), load_cases(options.cases)
    index = open_cards(embedder)
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
        for case in cases:
            for way, shelf in zip(WAYS, (NO_SHELF, find_shelf(index, embedder, case)), strict=True):
                row = analyse(engine.model, case, shelf)
                rows.setdefault(case.language, {}).setdefault(way, []).append(row)
                print(case.label.id, way, row["cited"], row["seconds"], flush=True)
    if embedder is not None:
        embedder.close()
    found = {
        "facts": list_facts(
            f"python -m benchmarks.passages {options.model.name} --cases {options.cases}",
            ("xllamacpp",),
            meaning=embedder.name if embedder else "no embedding model",
            model=options.model.stem,
            cases=f"{options.cases} of each language, the shortest; {PASSAGES_MAX} passages of the cards",
        ),
        "by_language": {
            language: {way: sum_up(each) for way, each in ways.items()} for language, ways in rows.items()
        },
    }
    # What was measured of another model stays.
    models = json.loads((RESULTS / "passages.json").read_text("utf-8"))["models"]
    models[options.model.stem] = found
    write_results("passages", {"models": models}, make_page(models))


if __name__ == "__main__":
    main()
