"""The table that the study of 2023 was trained from: one `text` column in Mistral's form."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput
from phyassist.lm.folders import say_full
from phyassist.training.readers import read_records
from phyassist.training.templates import get_template

# Columns of question and answer in the tables that it was made from: IMHI, counsel-chat, any pair.
PAIRS = (("query", "gpt-3.5-turbo"), ("questionText", "answerText"), ("question", "answer"))
CHARS_MAX = 2048
_WEB = re.compile(r"https?://|www\.", re.IGNORECASE)
_MIS_ENCODED = re.compile("\ufffd|‚Ä|â€|Ã[\u0080-\u00bf]")


@dataclass(frozen=True, slots=True)
class StudyTable:
    """How many rows were written, and how many were dropped by which reason."""

    rows: int
    dropped: dict[str, int]


def write_study_table(origin: Path, new: Path) -> StudyTable:
    """`<s> [INST] question [/INST] answer</s>`, a row each, dropped as the study dropped them.

    Raises UnreadableFile, BadInput where there are no two columns of a known pair, or `new` stands already,
    StoreFull.
    """
    if new.exists():
        raise BadInput(f"{new} stands already", hint="name a new file with --new_path")
    template = get_template("mistral")
    dropped, rows = Counter[str](), 0
    records = read_records(origin)
    part = new.with_name(new.name + ".part")
    try:
        with say_full(new), part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text"])
            for record in records:
                question, answer = _find_pair(origin, record)
                fault = find_fault(question, answer)
                if fault:
                    dropped[fault] += 1
                    continue
                said = ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
                writer.writerow([template.render(said)])
                rows += 1
        if not rows:
            reasons = ", ".join(sorted(dropped)) or "there are none"
            raise BadInput(f"no row of {origin.name} can be used: {reasons}", hint="name another table")
        part.replace(new)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return StudyTable(rows, dict(sorted(dropped.items())))


def _find_pair(origin: Path, record: Mapping[str, Any]) -> tuple[str, str]:
    pair = next((pair for pair in PAIRS if all(column in record for column in pair)), None)
    if pair is None:
        raise BadInput(
            f"{origin.name} has no question and answer; it has {', '.join(map(str, record))}",
            hint=f"name them {' or '.join(' and '.join(pair) for pair in PAIRS)}",
        )
    question, answer = (str(record[column] or "").strip() for column in pair)
    return question, answer


def find_fault(question: str, answer: str) -> str:
    """Why the study dropped such a row; empty where it kept it."""
    if not question or not answer:
        return "empty"
    if len(question) + len(answer) > CHARS_MAX:
        return "too long"
    if _WEB.search(question) or _WEB.search(answer):
        return "web address"
    if _MIS_ENCODED.search(question + answer):
        return "mis-encoded"
    return ""
