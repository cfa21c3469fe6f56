"""Lines of a patient's file that do not fit a prompt, found again by the words of a question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from phyassist.domain.chats import Given
from phyassist.domain.notes import Note
from phyassist.domain.records import RecordLine
from phyassist.knowledge.terms import split_terms
from phyassist.services.prompting import Case

# Each is read by the engine before the first word comes.
LINES_MAX = 4
LINE_CHARACTERS = 300


def recall(case: Case, given: Given, question: str) -> tuple[str, ...]:
    """The lines that a prompt left out and that fit the question best, each with its day; the oldest first.

    `given` says what was left out.  Lines are compared by the words that they share with the question, a
    rarer word counting more.  None where nothing is left out, or nothing in it shares a word.
    """
    lines = list(_list_lines(case, given))
    wanted = set(split_terms(question))
    terms = [wanted & set(split_terms(line)) for line in lines]
    seen = Counter(term for each in terms for term in each)

    def weigh(no: int) -> float:
        return math.fsum(math.log(1 + len(lines) / seen[term]) for term in sorted(terms[no]))

    best = sorted((no for no in range(len(lines)) if terms[no]), key=lambda no: (-weigh(no), -no))
    return tuple(lines[no] for no in sorted(best[:LINES_MAX]))


def _list_lines(case: Case, given: Given) -> Iterator[str]:
    left_out = set(given.left_out)
    lines = [_of_record(line) for line in case.record.lines[: given.record_left_out]]
    notes = sorted(case.all_notes, key=_day)
    lines += [line for note in notes if note.id in left_out for line in _of_note(note)]
    yield from dict.fromkeys(_shorten(line) for line in lines)


def _shorten(line: str) -> str:
    return line if len(line) <= LINE_CHARACTERS else f"{line[: LINE_CHARACTERS - 1]}…"


def _day(note: Note) -> tuple[str, int]:
    return f"{note.at:%Y-%m-%d}", note.number


def _of_record(line: RecordLine) -> str:
    said = line.statement
    return f"{line.added_at:%Y-%m-%d}: {' '.join((said.quote or said.text).split())}"


def _of_note(note: Note) -> Sequence[str]:
    """What was kept, with the words that it rests on."""
    found = []
    for item in note.items:
        if not item.deleted:
            quoted = f" “{' '.join(item.quote.split())}”" if item.quote else ""
            found.append(f"{note.at:%Y-%m-%d}: {' '.join(item.text.split())}{quoted}")
    return found
