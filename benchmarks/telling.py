"""How much of a note the model tells that is asked for it, and whether the rest is named below the answer.

    python -m benchmarks.telling MODEL.gguf [--show]

Every client of the invented practice is asked about in four ways, each in a conversation of its own: what the
last note or the first one advised, twice each in other words, and what reasons it gives.  An item is told
where the answer has at least half of its terms; those of which it has less are named below the answer.
Writes docs/results/telling.md and telling.json.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import list_facts, write_results
from benchmarks.practice import open_practice

from phyassist.domain.chats import ChatMessage
from phyassist.domain.people import Language, Patient
from phyassist.lm.choose import count_threads
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.services.answering import write_answer
from phyassist.services.chat_events import AnswerWritten
from phyassist.services.chatting import begin_thread
from phyassist.services.patients import list_patients
from phyassist.services.recalling import find_named, find_untold, list_asked
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

QUESTIONS: Mapping[Language, Sequence[str]] = {
    "en": (
        "What did the last note advise?",
        "List the advice of the last note.",
        "What advice did the first session end with?",
        "Which reasons does the first note give?",
    ),
    "zh": (
        "上次笔记给了什么建议？",
        "列出上次笔记的建议。",
        "第一次会谈给了哪些建议？",
        "第一次的笔记写了哪些原因？",
    ),
}


@dataclass(frozen=True)
class Told:
    """One answer: how many items the note has on it, how many were told, how many named below."""

    model: str
    language: Language
    question: str
    items: int
    told: int
    named_below: int


def ask(store: Store, by: SignedIn, lm: LanguageModel, patient: Patient, question: str) -> ChatMessage:
    thread = begin_thread(store, by, patient_id=patient.id, question=question)
    assert thread.leaf_id is not None
    *_, written = write_answer(
        store,
        lm,
        by,
        thread_id=thread.id,
        answer_id=thread.leaf_id,
        interface=patient.language,
        stop=Never(),
    )
    assert isinstance(written, AnswerWritten)
    return written.message


def measure(path: Path, *, show: bool) -> Iterator[Told]:
    with (
        open_practice() as (store, by),
        Engine(path, options=EngineOptions(threads=count_threads())) as engine,
    ):
        for patient in (row.patient for row in list_patients(store, by)):
            with store.read(by) as tx:
                notes = tx.notes.list(patient.id)
            for question in QUESTIONS[patient.language]:
                found = find_named(notes, question)
                # A client without a signed note has none to tell of.
                if found is None:
                    continue
                said = ask(store, by, engine.model, patient, question)
                items = list_asked(found.note, question)
                untold = find_untold(items, said.text)
                if show:
                    sys.stdout.write(f"{question}\n  {said.text}\n  below: {said.untold}\n")
                yield Told(
                    path.stem,
                    patient.language,
                    question,
                    len(items),
                    len(items) - len(untold),
                    len(said.untold),
                )


def make_page(facts: Mapping[str, str], rows: Sequence[Told]) -> Iterator[str]:
    yield "# What Chat tells of a note"
    yield ""
    yield from (f"- {name}: {value}" for name, value in facts.items())
    yield ""
    yield (
        "Every client of the invented practice, each question in a conversation of its own. An item is told "
        "where the answer has at least half of its terms (English words by their stems, Chinese pairs of "
        "characters), so one told in quite other words counts as left out."
    )
    yield ""
    yield "| model | language | question | answers | items | told | named below the answer |"
    yield "|---|---|---|---|---|---|---|"
    for model, language, question in dict.fromkeys((row.model, row.language, row.question) for row in rows):
        those = [row for row in rows if (row.model, row.question) == (model, question)]
        counts = (sum(getattr(row, name) for row in those) for name in ("items", "told", "named_below"))
        cells = (model, language, question, len(those), *counts)
        yield f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL.gguf")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    names = " ".join(path.name for path in options.models)
    rows = [row for path in options.models for row in measure(path, show=options.show)]
    facts = list_facts(f"python -m benchmarks.telling {names}", ("xllamacpp",))
    found: dict[str, Any] = {"facts": facts, "rows": [asdict(row) for row in rows]}
    write_results("telling", found, "\n".join(make_page(facts, rows)) + "\n")


if __name__ == "__main__":
    main()
