"""What the workspace's own adapter changes: drafts of texts that it never saw, with it and without.

    python -m benchmarks.teaching MODEL.gguf ADAPTER --work FOLDER [--texts 12]

The texts are of the parts kept for testing.  Counted: drafts in which a rule finds nothing to strike out, by
the same rules that chose what was learnt from; and, on the cases that ship with the app, its own measures of
an analysis.  Whether an item is wise is not counted.  ADAPTER is a folder that was published, such as the one
that ships.  What is done stands in the work FOLDER, so that a run that was broken off goes on.
Writes docs/results/workspace-adapter.md and workspace-adapter.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import list_facts, write_results

from phyassist.domain.adapters import HELD
from phyassist.domain.people import Language
from phyassist.domain.quality import MEASURES
from phyassist.domain.scores import Share, add_shares
from phyassist.lm.adapted import WithAdapter
from phyassist.lm.bundle import MANIFEST
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.services.quality import analyse_case, load_cases, score_analysis
from phyassist.services.teaching import teach
from phyassist.training.catalogue import get_source
from phyassist.training.prepare import Plan
from phyassist.training.publish import ADAPTER_GGUF
from phyassist.training.taught import choose_texts
from phyassist.training.templates import get_template

SOURCES = ("counsel-chat", "smilechat")
ARMS = ("base", "adapter")
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--texts", type=int, default=12)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    sources = tuple(get_source(name) for name in SOURCES)
    plan = Plan(sources, (), options.data, get_template("qwen"))
    name = options.adapter.name
    weights = options.adapter / ADAPTER_GGUF
    with Engine(
        options.model, adapters={name: weights}, options=EngineOptions(context_tokens=4096)
    ) as engine:
        models = {"base": engine.model, "adapter": WithAdapter(engine.model, name)}
        texts = [
            (example.language, f"{example.source}-{example.key}", example.text)
            for _, example in choose_texts(plan, options.texts, parts=("test",))
        ]
        drafts = [
            keep(options.work / f"{arm}-{key}.json", draft, models[arm], text, language)
            | {"arm": arm, "language": language}
            for language, key, text in texts
            for arm in ARMS
        ]
        cases = [
            keep(options.work / f"{arm}-case-{case.label.id}.json", analyse, models[arm], case)
            | {"arm": arm, "language": case.language}
            for case in load_cases()
            for arm in ARMS
        ]
    found = {
        "facts": list_facts(
            f"python -m benchmarks.teaching {options.model.name} {name} --work FOLDER "
            f"--texts {options.texts}",
            ("xllamacpp",),
            model=options.model.stem,
            learnt=say_learnt(json.loads((options.adapter / MANIFEST).read_text("utf-8"))["data"]),
            texts=f"{options.texts} of each language, of the parts kept for testing",
        ),
        "drafts": {
            arm: {language: sum_drafts(drafts, arm, language) for language in LANGUAGES} for arm in ARMS
        },
        "cases": {arm: {language: sum_cases(cases, arm, language) for language in LANGUAGES} for arm in ARMS},
    }
    write_results("workspace-adapter", found, make_page(found))


def say_learnt(data: Mapping[str, Any]) -> str:
    rows = data["parts"]["train"]["rows"]
    named = ", ".join(f"{name} {count}" for name, count in rows.items())
    return f"{sum(rows.values())} drafts of {data['drafted_by']} ({named})"


def keep(path: Path, work: Any, *given: Any) -> Json:
    """What `work` says of these, or said before."""
    if not path.is_file():
        path.write_text(json.dumps(work(*given), ensure_ascii=False), "utf-8")
        print(path.stem, flush=True)
    return dict(json.loads(path.read_text("utf-8")))


def draft(lm: LanguageModel, text: str, language: Language) -> Json:
    drafted = teach(text, lm, language=language, jurisdiction="other", stop=Never())
    return {"faults": drafted.faults, "reply": drafted.reply}


def analyse(lm: LanguageModel, case: Any) -> Json:
    done = analyse_case(lm, case, Never(), forms=HELD)
    shares = {name: asdict(share) for name, share in score_analysis(case, done).items()}
    return {"shares": shares, "items": [item.text for item in done.items]}


def sum_drafts(drafts: Sequence[Json], arm: str, language: Language) -> Json:
    chosen = [each for each in drafts if (each["arm"], each["language"]) == (arm, language)]
    return {
        "texts": len(chosen),
        "hold": sum(not each["faults"] for each in chosen),
        "faults": dict(Counter(fault for each in chosen for fault in each["faults"]).most_common()),
    }


def sum_cases(cases: Sequence[Json], arm: str, language: Language) -> Json:
    chosen = [each for each in cases if (each["arm"], each["language"]) == (arm, language)]
    return {
        name: add_shares(Share(**each["shares"][name]) for each in chosen).to_json()
        for name in MEASURES["analyse"]
    }


def make_page(found: Json) -> str:
    return "\n".join([*list_lines(found), ""])


def list_lines(found: Json) -> Iterator[str]:
    yield from ("# An adapter for the workspace, learnt from drafts of a larger model", "")
    yield from (f"- {name}: {value}" for name, value in found["facts"].items())
    yield from ("", "Drafts of texts kept for testing in which no rule finds anything to strike out:", "")
    heads = [(language, arm) for language in LANGUAGES for arm in ARMS]
    yield "| | " + " | ".join(f"{language}, {arm}" for language, arm in heads) + " |"
    yield "|---|" + "---|" * len(heads)
    held = [found["drafts"][arm][language] for language, arm in heads]
    yield "| drafts that hold | " + " | ".join(f"{each['hold']} of {each['texts']}" for each in held) + " |"
    for fault in dict.fromkeys(fault for each in held for fault in each["faults"]):
        yield f"| {fault} | " + " | ".join(str(each["faults"].get(fault, 0)) for each in held) + " |"
    base, adapter = (sum(found["drafts"][arm][language]["hold"] for language in LANGUAGES) for arm in ARMS)
    if adapter <= base:
        yield from (
            "",
            "No more drafts hold with the adapter than without: it does not help.",
        )
    yield from ("", "The app's own measures of an analysis, on the cases that ship with it:", "")
    yield "| | " + " | ".join(f"{language}, {arm}" for language, arm in heads) + " |"
    yield "|---|" + "---|" * len(heads)
    for name, more_is_better in MEASURES["analyse"].items():
        shares = [found["cases"][arm][language][name] for language, arm in heads]
        cells = [f"{each['hits']} of {each['of']}" for each in shares]
        yield f"| {name.replace('_', ' ')} {'↑' if more_is_better else '↓'} | " + " | ".join(cells) + " |"
    yield from (
        "",
        "The first table's rules chose what was learnt from, so it says whether their choice was learnt, not "
        "whether the drafts are wiser. The second table's measures chose nothing.",
    )


if __name__ == "__main__":
    main()
