"""What the catalogue's models make of Analysis on real texts, and how long a counsellor waits for it.

    python benchmarks/drafting.py MODEL.gguf OTHER.gguf --data ../shared/data [--texts 10]

Each text of the development labels is analysed by every model in turn, cold, before the next text comes, so
that a neighbour's load falls on all of them.  Counted: items, reasons that carry the words they rest on,
replies that could not be read, items dropped because they said an earlier one again; seconds to the first
item and to the last.  Whether an item is wise is not counted: no rule can.
Writes docs/results/drafting.md and drafting.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from phyassist.domain.drafts import Basis, Section
from phyassist.domain.people import Language
from phyassist.lm.choose import count_threads
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.services.draft_events import AnalysisDone, ItemWritten
from phyassist.services.drafting import analyse_text
from phyassist.services.evaluating import load_labels, load_texts

RESULTS = Path(__file__).parents[1] / "docs" / "results"
QUESTION: dict[Language, str] = {
    "zh": "怎样理解来访者，下一步做什么？",
    "en": "What is going on, and what next?",
}


@dataclass(frozen=True)
class Analysis:
    """One text by one model; seconds from the question to the first item and to the end."""

    model: str
    language: str
    prompt_tokens: int
    reply_tokens: int
    reasons: int
    quoted: int
    advice: int
    unread: int
    repeated: int
    first_s: float
    whole_s: float


def analyse(text: str, lm: LanguageModel, language: Language) -> Analysis:
    """The counts of one analysis."""
    started, first_s = time.monotonic(), 0.0
    done: AnalysisDone | None = None
    for event in analyse_text(
        text, lm, question=QUESTION[language], language=language, jurisdiction="other", stop=Never()
    ):
        if isinstance(event, ItemWritten) and not first_s:
            first_s = time.monotonic() - started
        if isinstance(event, AnalysisDone):
            done = event
    assert done is not None
    reasons = [item for item in done.items if item.section == Section.REASON]
    return Analysis(
        model=lm.name,
        language=language,
        prompt_tokens=done.reply.prompt_tokens,
        reply_tokens=done.reply.reply_tokens,
        reasons=len(reasons),
        quoted=sum(item.basis == Basis.QUOTED for item in reasons),
        advice=sum(item.section == Section.ADVICE for item in done.items),
        unread=len(done.unread),
        repeated=done.repeated,
        first_s=round(first_s, 1),
        whole_s=round(time.monotonic() - started, 1),
    )


def summarise(rows: list[Analysis]) -> dict[str, Any]:
    """The figures of one model: sums, and medians of the seconds."""
    reasons = sum(row.reasons for row in rows)
    return {
        "texts": len(rows),
        "reasons": reasons,
        "quoted_share": round(sum(row.quoted for row in rows) / reasons, 3) if reasons else None,
        "advice": sum(row.advice for row in rows),
        "unread": sum(row.unread for row in rows),
        "repeated": sum(row.repeated for row in rows),
        "first_s_median": statistics.median(row.first_s for row in rows),
        "whole_s_median": statistics.median(row.whole_s for row in rows),
    }


def save(rows: list[Analysis], command: str) -> None:
    """The table and the same as JSON."""
    models = sorted({row.model for row in rows})
    by_model = {name: summarise([row for row in rows if row.model == name]) for name in models}
    head = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": command,
        "machine": f"{count_threads()} threads of the engine, shared machine",
        "versions": f"Python {sys.version.split()[0]}, xllamacpp {version('xllamacpp')}",
    }
    body = {**head, "models": by_model, "texts": [asdict(row) for row in rows]}
    (RESULTS / "drafting.json").write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
    keys = list(next(iter(by_model.values())))
    table = [
        "# Drafting: the embedded models on real texts",
        "",
        *(f"- {key}: {value}" for key, value in head.items()),
        "",
        "| model | " + " | ".join(key.replace("_", " ") for key in keys) + " |",
        "|" + "---|" * (len(keys) + 1),
        *(f"| {name} | " + " | ".join(str(by_model[name][key]) for key in keys) + " |" for name in models),
        "",
        "Every text is new to the engine (cold), none was warmed while it was pasted, as the workspace does. "
        "Seconds are wall clock on a shared machine; compare the models, which took turns text by text.",
    ]
    (RESULTS / "drafting.md").write_text("\n".join(table) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--texts", type=int, default=10)
    options = parser.parse_args()
    labelled = load_labels("dev")
    half = options.texts // 2
    chosen = [row for row in labelled if row.language == "zh"][:half]
    chosen += [row for row in labelled if row.language == "en"][: options.texts - half]
    texts = load_texts(options.data, chosen)
    engines = [Engine(path, options=EngineOptions(threads=count_threads())) for path in options.models]
    rows: list[Analysis] = []
    try:
        for row in chosen:
            for engine in engines:
                rows.append(analyse(texts[row.id], engine.model, row.language))
                print(asdict(rows[-1]), flush=True)
    finally:
        for engine in engines:
            engine.close()
    names = " ".join(path.name for path in options.models)
    save(rows, f"python benchmarks/drafting.py {names} --texts {options.texts}")


if __name__ == "__main__":
    main()
