"""The closed questions of IMHI: one table, from which answers are both made and read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from phyassist.errors import UnknownName

_FIRST = re.compile(r"[.!?\n]|Reasoning:")


@dataclass(frozen=True, slots=True)
class LabelTable:
    """The questions of one task, and for each label the sentence that says it."""

    task: str
    questions: tuple[str, ...]
    answers: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.answers)

    def read(self, reply: str) -> str | None:
        """The label that a reply's first sentence says; None where it says none.

        The sentence is compared whole, without case and punctuation: "no" is not found in "know", and a
        sentence that names two labels is no answer.
        """
        words = _plain(_FIRST.split(reply.strip(), maxsplit=1)[0])
        return next((label for label, sentence in self.answers.items() if _plain(sentence) == words), None)


@cache
def load_tables() -> Mapping[str, LabelTable]:
    source = tomllib.loads(files("phyassist.training").joinpath("labels.toml").read_text("utf-8"))
    return {
        task: LabelTable(task, tuple(entry["questions"]), dict(entry["answers"]))
        for task, entry in source.items()
    }


def get_table(task: str) -> LabelTable:
    """Raises UnknownName."""
    tables = load_tables()
    if task not in tables:
        raise UnknownName(f"no label table {task}", hint=f"there are {', '.join(tables)}")
    return tables[task]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
