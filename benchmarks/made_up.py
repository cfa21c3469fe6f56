"""What is answered to a question about something that nobody said?

    python -m benchmarks.made_up MODEL.gguf …

Of each of the app's own cases four things are asked, as in a chat about the client, that its text does not
say; once as the app asks, which tells the model of what the file has no word, and once without.  An answer is
right that says so.  Of the others, how many state something that the check of `prompts/absent.py` warns of on
the page?  Writes docs/results/made-up.md and made-up.json.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.machine import list_facts, write_results

from phyassist.domain.people import Language
from phyassist.domain.quality import QualityCase
from phyassist.domain.reading.sentences import split_sentences
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import Ask, LanguageModel, Never, Reply
from phyassist.prompts.absent import find_absent, find_unmentioned
from phyassist.prompts.answers import read_answer
from phyassist.prompts.chat import REPLY_TOKENS, Talk, make_messages, render_question
from phyassist.services.prompting import Case, fit_case
from phyassist.services.quality import load_cases

CONTEXT_TOKENS = 8192
CASES_PER_LANGUAGE = 5
TOLD = {False: "without", True: "told, as the app asks"}
QUESTIONS: Mapping[Language, Sequence[str]] = {
    "en": (
        "What is the client's godmother called?",
        "In which street does the client live?",
        "How old is the client's cousin?",
        "What is the client's tortoise called?",
    ),
    "zh": (
        "来访者的干妈叫什么名字？",
        "来访者住在哪条街上？",
        "来访者的表妹多大了？",
        "来访者养的乌龟叫什么？",
    ),
}
_SAYS_SO = re.compile(
    r"没有?(?:有|被)?(?:提到|提及|说|写|涉及|明确|具体|给出|记载)|未(?:被)?(?:提|说|写|明|给)|不(?:清楚|知道|详)"
    r"|\bnot (?:\w+ )?(?:mention|stat|specif|given|provid|known|clear|said)|\bno (?:mention|information)"
    r"|\bunknown\b|\b(?:does|do) not (?:say|mention|have|state|specify|provide)",
    re.IGNORECASE,
)


def ask_all(lm: LanguageModel, case: QualityCase, *, told: bool) -> Iterator[dict[str, Any]]:
    """Each question, what was answered, whether it says that nothing is known, and what the check names."""
    file = Case(case.language, "other", split_sentences(case.text))
    talk = Talk(case.language, "other", fit_case(file, lm).prefix)
    for question in QUESTIONS[case.language]:
        unmentioned = find_unmentioned([question], talk.prefix)
        asked = render_question(
            talk, question, unmentioned=unmentioned if told else (), answer_in=case.language
        )
        messages = make_messages(talk, summary="", exchanges=(), question=asked)
        *_, reply = lm.write(Ask(messages, REPLY_TOKENS), Never())
        if not isinstance(reply, Reply):
            raise RuntimeError("an answer ended without a Reply")
        answer = read_answer(reply.text, language=case.language, jurisdiction="other", question=question)
        yield {
            "told": told,
            "case": case.label.id,
            "language": case.language,
            "question": question,
            "answer": answer.text,
            "says so": bool(_SAYS_SO.search(answer.text)),
            "named": [
                *unmentioned,
                *find_absent(answer.text, f"{talk.prefix}\n{question}"),
            ],
        }


def make_page(found: Mapping[str, Any]) -> str:
    lines = ["# Asked for what nobody said", ""]
    lines += [f"- {name}: {value}" for name, value in found["facts"].items()]
    lines += [
        "",
        "| model | language | what the file has no word of | questions "
        "| says that it is not mentioned | says something else "
        "| of these with a warning below |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, rows in found["by_model"].items():
        for language, told in product(QUESTIONS, TOLD):
            own = [row for row in rows if (row["language"], row["told"]) == (language, told)]
            other = [row for row in own if not row["says so"]]
            named = sum(bool(row["named"]) for row in other)
            lines.append(
                f"| {model} | {language} | {TOLD[told]} | {len(own)} | {len(own) - len(other)} "
                f"| {len(other)} | {named} |"
            )
    lines += [
        "",
        "No warning comes where nobody and nothing is asked for by name, and the answer says what stands in "
        "the file of somebody or something else. The rules were written with some of these answers at hand. "
        "Every answer stands in made-up.json.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()
    by_model: dict[str, list[dict[str, Any]]] = {}
    for model in options.models:
        with Engine(model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
            cases = load_cases(CASES_PER_LANGUAGE)
            by_model[model.stem] = [
                row for told in TOLD for case in cases for row in ask_all(engine.model, case, told=told)
            ]
    names = " ".join(model.name for model in options.models)
    facts = list_facts(f"python -m benchmarks.made_up {names}", ("xllamacpp",))
    found = {"facts": facts, "by_model": by_model}
    write_results("made-up", found, make_page(found))


if __name__ == "__main__":
    main()
