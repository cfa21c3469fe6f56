"""What a small model says of its task instead of the case: clauses of what was asked of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from phyassist.domain.drafts import Section
from phyassist.domain.people import Language
from phyassist.prompts.draft_schema import load_texts
from phyassist.prompts.replies import keep_clauses, plain, split_clauses

# So many letters in a row, as they stand in the task, are no chance: found by reading drafts, not measured.
_RUN: Mapping[Language, int] = {"zh": 6, "en": 12}
# So many letters of the rule on labels are more than a word of it that a case may bring as well.
_PIECE: Mapping[Language, int] = {"zh": 4, "en": 10}
_MARKS = re.compile(r"[，,；;。.：:]")
# A question in the place of what happened: the model was asked it ("来访者遇到什么事都忍着" says something).
_ASKED: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(r"(?:遇到|经历|面临)了?(?:什么|哪些)(?!.*[都也就])")
}
# With it begins every reason; what follows it tells an echo from a sentence of its own.
_HEADS: Mapping[Language, str] = {"zh": "来访者", "en": "the client "}


@dataclass(frozen=True, slots=True)
class _Task:
    clauses: frozenset[str]
    runs: frozenset[str]


def without_echoes(text: str, section: Section, language: Language) -> str:
    """A reason or an advice without the clauses that say the words of the task over; empty where it begins
    with one.

    An advice may say what was asked of an advice, or of the main trouble.
    """
    asked = ("reasons",) if section == Section.ADVICE else ("symptom_type", "reasons")
    parts = split_clauses(text)
    kept = [no for no, part in enumerate(parts) if not _is_echo(part, language, asked)]
    return keep_clauses(text, kept) if 0 in kept else ""


def is_echo_of_rule(symptom_type: str, language: Language) -> bool:
    """Whether it is a piece of what the task says of labels ("怀疑有障碍"), which is about nobody."""
    texts, said = load_texts(language), plain(symptom_type.lower())
    rules = [plain(texts[name].lower()) for name in ("labels_cn", "labels_other")]
    return len(said) >= _PIECE[language] and any(said in rule for rule in rules)


def _is_echo(clause: str, language: Language, asked: tuple[str, ...]) -> bool:
    task, said = _read_task(language, asked), _strip(clause, language)
    asks = _ASKED.get(language)
    return (
        said in task.clauses
        or not task.runs.isdisjoint(_list_runs(said, language))
        or bool(asks and asks.match(said))
    )


@lru_cache
def _read_task(language: Language, asked: tuple[str, ...]) -> _Task:
    clauses = []
    for line in load_texts(language)["analyse"].splitlines():
        name, _, said = line.partition(":" if language == "en" else "：")
        if name not in asked:
            continue
        said = said.partition("$")[0]
        clauses += [
            _strip(each, language) for each in _MARKS.split(said.partition("from")[0]) if each.strip()
        ]
        # What it says of a number counts as well, wherever in a clause it stands.
        clauses += [_strip(each, language) for each in _MARKS.split(said) if "0" in each]
    long = [each for each in clauses if len(each) >= _RUN[language]]
    return _Task(
        frozenset(clauses) - {""}, frozenset(run for each in long for run in _list_runs(each, language))
    )


def _list_runs(letters: str, language: Language) -> Iterator[str]:
    size = _RUN[language]
    return (letters[at : at + size] for at in range(len(letters) - size + 1))


def _strip(clause: str, language: Language) -> str:
    return plain(clause.strip().lower().removeprefix(_HEADS[language]))
