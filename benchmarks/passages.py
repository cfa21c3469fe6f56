"""Does a draft gain by passages of the library in its prompt?

    python -m benchmarks.passages MODEL.gguf --work FOLDER [--cases 5] [--real 7] [--data ../shared/data]

The app's own cases, so many of each language, and real texts with the question that the app finds in them,
are analysed without passages, with the best three that the shipped cards say on them in sight of the whole
draft, and in sight of the advice alone.  Cases are scored by the measures of `phyassist evaluate quality`.
Of all drafts it is counted how many pieces of advice carry a citation, and how many items hold a run of words
(five characters, three content words) that stands in a passage and neither in the text nor in the question:
`carried over` in symptom type and reasons, which speak of this client alone, `carried over uncited` in
advice.  Whether advice is wiser is not counted.  What is done stands in FOLDER, so that a run that was broken
off goes on.
Writes docs/results/passages.md and passages.json, where a table of another model stays.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.learning import load_texts
from benchmarks.machine import RESULTS, list_facts, write_results

from phyassist.domain.adapters import AdapterChoice
from phyassist.domain.drafts import Basis, Draft, DraftId, DraftItem, Section
from phyassist.domain.library import Passage
from phyassist.domain.people import Language, PatientId
from phyassist.domain.quality import MEASURES, DraftReply, QualityCase, score_draft
from phyassist.domain.reading.sentences import split_sentences
from phyassist.domain.records import ConsultationId, Record
from phyassist.knowledge.cards import load_cards_with
from phyassist.knowledge.index import LibraryIndex
from phyassist.knowledge.meaning import LocalEmbedder, find_embedder
from phyassist.knowledge.terms import split_terms
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.prompts.citing import PASSAGES_MAX, choose_passages
from phyassist.services.draft_asking import Loaded, prepare_round, split_parts
from phyassist.services.draft_events import AnalysisDone
from phyassist.services.draft_writing import write_items
from phyassist.services.intake import QuestionFound, read_text
from phyassist.services.library import FOUND_MAX
from phyassist.services.prompting import Case
from phyassist.services.quality import load_cases

CONTEXT_TOKENS = 8192
WAYS = ("without", "whole draft", "advice alone")
# So many characters of Chinese, or content words of English, in a row.
RUN: Mapping[Language, int] = {"zh": 5, "en": 3}


@dataclass(frozen=True, slots=True)
class Told:
    """A text with its question; `case` where it is one of the app's own, with its facts."""

    id: str
    language: Language
    text: str = field(repr=False)
    question: str = field(repr=False)
    case: QualityCase | None = None


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


def list_told(cases: int, real: int, data: Path) -> Iterator[Told]:
    for case in load_cases(cases):
        yield Told(case.label.id, case.language, case.text, case.question, case)
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        found = ((text, find_question(text, language)) for text in load_texts(data, language))
        asking = [(text, question) for text, question in found if question]
        for no, (text, question) in enumerate(asking[:real]):
            yield Told(f"real-{language}-{no}", language, text, question)


def find_question(text: str, language: Language) -> str:
    """What the person asks, as the app finds it in a text that is poured in; empty where they ask nothing."""
    events = read_text(text, None, language=language, known=Record(), stop=Never())
    return next((event.text for event in events if isinstance(event, QuestionFound)), "")


def analyse(lm: LanguageModel, told: Told, passages: tuple[Passage, ...], way: str) -> dict[str, Any]:
    """One draft as the app asks for it."""
    started = time.perf_counter()
    draft = Draft(DraftId(""), PatientId(""), ConsultationId(""), told.question)
    case = Case(told.language, "other", split_sentences(told.text))
    loaded = Loaded(draft, case, AdapterChoice(None, ""), () if way == "without" else passages)
    sections = tuple(Section)
    parts = ((sections, ()),) if way == "whole draft" else split_parts(loaded, sections)
    ids = iter(range(100))
    done: AnalysisDone | None = None
    for part in parts:
        round_ = prepare_round(loaded, lm, *part)
        *_, written = write_items(lm, round_.ask, round_.assignment, Never(), lambda: f"item{next(ids)}")
        if not isinstance(written, AnalysisDone):
            raise RuntimeError("a draft ended without AnalysisDone")
        done = written if done is None else done.followed_by(written)
        loaded = replace(loaded, draft=replace(loaded.draft, items=done.items))
    if done is None:
        raise RuntimeError("there was nothing to ask")
    row = count(told, passages, done.items)
    if told.case is not None:
        scored = score_draft(told.case, DraftReply(done.items, done.repeated, not done.unread))
        row["shares"] = {name: [share.hits, share.of] for name, share in scored.items()}
    return row | {"repeated": done.repeated, "seconds": round(time.perf_counter() - started, 1)}


def count(told: Told, passages: Sequence[Passage], items: Sequence[DraftItem]) -> dict[str, Any]:
    """What is counted of every draft; how many of how many."""
    own = list_runs(f"{told.question}\n{told.text}", told.language)
    # Those that were in sight: at most so many, and none that speaks of what nobody spoke of.
    shelf = choose_passages(passages, told=f"{told.question}\n{told.text}", language=told.language)
    theirs = {run for each in shelf.passages for run in list_runs(each.text, told.language)} - own
    reasons = [item for item in items if item.section == Section.REASON]
    advice = [item for item in items if item.section == Section.ADVICE]
    own_items = [item for item in items if item.section != Section.ADVICE]

    def carries(item: DraftItem) -> bool:
        return bool(theirs & list_runs(item.text, told.language))

    uncited = [item for item in advice if item.citation is None]
    return {
        "reasons quoted": [sum(item.basis == Basis.QUOTED for item in reasons), len(reasons)],
        "carried over": [sum(map(carries, own_items)), len(own_items)],
        "advice cited": [len(advice) - len(uncited), len(advice)],
        "advice carried over uncited": [sum(map(carries, uncited)), len(advice)],
        "items": [[item.section.value, item.text] for item in items],
    }


def list_runs(text: str, language: Language) -> set[tuple[str, ...]]:
    """All runs of so many characters or words, punctuation aside."""
    if language == "zh":
        parts: list[str] = [each for each in text if each.isalnum()]
    else:
        parts = split_terms(text)
    size = RUN[language]
    return {tuple(parts[at : at + size]) for at in range(len(parts) - size + 1)}


def sum_up(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    scored = [row["shares"] for row in rows if "shares" in row]
    if scored:
        for name in MEASURES["analyse"]:
            found[name] = [sum(each[name][at] for each in scored) for at in (0, 1)]
    # Of a case it stands among the measures of quality.
    counted = () if scored else ("reasons quoted",)
    for name in (*counted, "carried over", "advice cited", "advice carried over uncited"):
        found[name] = [sum(row[name][at] for row in rows) for at in (0, 1)]
    found["items said again"] = sum(row["repeated"] for row in rows)
    found["seconds a draft"] = round(sum(row["seconds"] for row in rows) / len(rows), 1)
    return found


def make_page(models: Mapping[str, Any]) -> str:
    lines = ["# Passages of the library in a draft", ""]
    for model, found in models.items():
        lines += [f"## {model}", "", *(f"- {name}: {value}" for name, value in found["facts"].items()), ""]
        for kind, by_language in found["found"].items():
            lines += [f"### {kind}", "", *make_table(by_language)]
    lines += [
        "Words that an item shares with a passage by chance stand in the column `without`: the passages are "
        "those that would have been given.",
    ]
    return "\n".join(lines) + "\n"


def make_table(by_language: Mapping[str, Any]) -> list[str]:
    languages = list(by_language)
    heads = [f"{language}, {way}" for language in languages for way in WAYS]
    lines = [f"| measure | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name in by_language[languages[0]][WAYS[0]]:
        values = [by_language[language][way][name] for language in languages for way in WAYS]
        cells = [f"{each[0]}/{each[1]}" if isinstance(each, list) else str(each) for each in values]
        better = MEASURES["analyse"].get(name, False if "carried" in name else None)
        mark = {True: " (more is better)", False: " (less is better)", None: ""}[better]
        lines.append(f"| {name.replace('_', ' ')}{mark} | {' | '.join(cells)} |")
    return [*lines, ""]


def measure(options: argparse.Namespace, told: Sequence[Told], name: str) -> list[dict[str, Any]]:
    """A row for each draft; those that stand in the folder are not written again."""
    path = options.work / f"{options.model.stem}.jsonl"
    kept = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    rows = {(row["text"], row["way"]): row for row in kept}
    embedder = find_embedder()
    index = open_cards(embedder)
    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine, path.open("a") as file:
        for each in told:
            passages = find_passages(index, embedder, f"{each.question} {each.text}", each.language)
            for way in WAYS:
                if (each.id, way) in rows:
                    continue
                row = {"text": each.id, "language": each.language, "way": way, "meaning": name}
                row |= analyse(engine.model, each, passages, way)
                rows[each.id, way] = row
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                print(each.id, way, row["carried over"], row["advice cited"], row["seconds"], flush=True)
    if embedder is not None:
        embedder.close()
    return [rows[each.id, way] for each in told for way in WAYS]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=5)
    parser.add_argument("--real", type=int, default=7)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    embedder = find_embedder()
    name = embedder.name if embedder is not None else "no embedding model"
    if embedder is not None:
        embedder.close()
    told = list(list_told(options.cases, options.real, options.data))
    rows = measure(options, told, name)
    kinds = {"The app's own cases": [], "Real texts": []}
    for row in rows:
        kinds["The app's own cases" if "shares" in row else "Real texts"].append(row)
    found = {
        "facts": list_facts(
            f"python -m benchmarks.passages {options.model.name} --work FOLDER "
            f"--cases {options.cases} --real {options.real}",
            ("xllamacpp",),
            meaning=name,
            model=options.model.stem,
            texts=f"{options.cases} cases of each language, the shortest; {options.real} texts each of "
            f"counsel-chat and SmileChat; {PASSAGES_MAX} passages of the cards",
        ),
        "found": {
            kind: {
                language: {
                    way: sum_up([row for row in of if (row["language"], row["way"]) == (language, way)])
                    for way in WAYS
                }
                for language in ("zh", "en")
            }
            for kind, of in kinds.items()
            if of
        },
    }
    # What was measured of another model stays.
    path = RESULTS / "passages.json"
    models = json.loads(path.read_text("utf-8"))["models"] if path.exists() else {}
    models = {each: stays for each, stays in models.items() if "found" in stays}
    models[options.model.stem] = found
    write_results("passages", {"models": models}, make_page(models))


if __name__ == "__main__":
    main()
