"""What a small model says of its task instead of the case: clauses of what was asked of a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from phyassist.domain.people import Language
from phyassist.prompts.draft_schema import load_texts
from phyassist.prompts.replies import keep_clauses, plain, split_clauses

# So many letters in a row, as they stand in the task, are no chance: found by reading drafts, not measured.
_RUN: Mapping[Language, int] = {"zh": 6, "en": 12}
_MARKS = re.compile(r"[，,；;。.：:]")
# With it begins every reason; what follows it tells an echo from a sentence of its own.
_HEADS: Mapping[Language, str] = {"zh": "来访者", "en": "the client "}


@dataclass(frozen=True, slots=True)
class _Task:
    clauses: frozenset[str]
    runs: frozenset[str]


def without_echoes(text: str, language: Language) -> str:
    """A reason without the clauses that say the words of the task over; empty where it begins with one."""
    parts = split_clauses(text)
    kept = [no for no, part in enumerate(parts) if not _is_echo(part, language)]
    return keep_clauses(text, kept) if 0 in kept else ""


def _is_echo(clause: str, language: Language) -> bool:
    task, said = _read_task(language), _strip(clause, language)
    return said in task.clauses or not task.runs.isdisjoint(_list_runs(said, language))


@lru_cache
def _read_task(language: Language) -> _Task:
    asked = next(line for line in load_texts(language)["analyse"].splitlines() if line.startswith("reasons"))
    clauses = [_strip(each, language) for each in _MARKS.split(asked.partition("from")[0]) if each.strip()]
    # What it says of a number counts as well, wherever in a clause it stands.
    clauses += [_strip(each, language) for each in _MARKS.split(asked) if "0" in each]
    long = [each for each in clauses if len(each) >= _RUN[language]]
    return _Task(
        frozenset(clauses) - {""}, frozenset(run for each in long for run in _list_runs(each, language))
    )


def _list_runs(letters: str, language: Language) -> Iterator[str]:
    size = _RUN[language]
    return (letters[at : at + size] for at in range(len(letters) - size + 1))


def _strip(clause: str, language: Language) -> str:
    return plain(clause.strip().lower().removeprefix(_HEADS[language]))
