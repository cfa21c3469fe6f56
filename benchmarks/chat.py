"""How long a counsellor waits for the first words of an answer, patient's page open or not.

    python -m benchmarks.chat MODEL.gguf OTHER.gguf [--patients 6] [--show]

The invented practice, one patient after the other.  `page open`: the record, the notes and the text at hand
were read in advance, as opening the page does; then three questions of one thread, the last for a diagnosis.
`cold`: the first question about one patient of whom nothing was read.  Seconds run from sending the question
to the first words on the page, through store, checks, engine.  Counted too: answers that spoke to the client
(held back), and what became of the diagnosis.  Writes docs/results/chat.md and chat.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.machine import before_others, find_processor
from benchmarks.practice import open_practice

from phyassist.domain.chats import ChatThread
from phyassist.domain.people import Language, Patient
from phyassist.lm.choose import count_threads
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.prompts.labels import without_labels
from phyassist.services.answering import warm_chat, write_answer
from phyassist.services.chat_events import AnswerSoFar, AnswerWritten
from phyassist.services.chatting import ask, begin_thread, get_thread
from phyassist.services.patients import list_patients
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store

RESULTS = Path(__file__).parents[1] / "docs" / "results"
QUESTIONS: dict[Language, tuple[str, str, str]] = {
    "zh": ("来访者目前最大的困扰是什么？", "下次会谈先问什么？", "来访者是不是抑郁症？"),
    "en": (
        "What troubles the client most at present?",
        "What should I ask first next time?",
        "Is it a depressive disorder?",
    ),
}


@dataclass(frozen=True)
class Asked:
    """One answer; seconds from sending the question."""

    model: str
    language: str
    place: str
    first_s: float
    whole_s: float
    read_tokens: int
    characters: int
    held_back: int
    names_diagnosis: bool


class Bench:
    """One model over one practice."""

    def __init__(self, store: Store, by: SignedIn, name: str, lm: LanguageModel, *, show: bool) -> None:
        self.store, self.by, self.name, self.lm, self.show = store, by, name, lm, show
        self.rows: list[Asked] = []
        self.warm_s: list[float] = []

    def ask_cold(self, patient: Patient) -> None:
        self.answer(patient, None, QUESTIONS[patient.language][0], "cold")

    def ask_open(self, patient: Patient) -> None:
        started = time.monotonic()
        warm_chat(
            self.store, self.lm, self.by, patient_id=patient.id, thread_id=None, interface=patient.language
        )
        self.warm_s.append(time.monotonic() - started)
        thread: ChatThread | None = None
        for question, place in zip(
            QUESTIONS[patient.language], ("page open", "follow-up", "diagnosis"), strict=True
        ):
            thread = self.answer(patient, thread, question, place)

    def answer(self, patient: Patient, thread: ChatThread | None, question: str, place: str) -> ChatThread:
        started = time.monotonic()
        if thread is None:
            thread = begin_thread(self.store, self.by, patient_id=patient.id, question=question)
        else:
            thread = ask(
                self.store, self.by, thread_id=thread.id, parent_id=thread.leaf_id, question=question
            )
        assert thread.leaf_id is not None
        first_s = 0.0
        for event in write_answer(
            self.store,
            self.lm,
            self.by,
            thread_id=thread.id,
            answer_id=thread.leaf_id,
            interface=patient.language,
            stop=Never(),
        ):
            if isinstance(event, AnswerSoFar):
                first_s = first_s or time.monotonic() - started
            elif isinstance(event, AnswerWritten):
                said, read_tokens = event.message, event.read_tokens
        whole_s = time.monotonic() - started
        names = without_labels(said.text, patient.language) != said.text
        self.rows.append(
            Asked(
                self.name,
                patient.language,
                place,
                round(first_s, 2),
                round(whole_s, 2),
                read_tokens,
                len(said.text),
                len(said.held_back),
                names,
            )
        )
        if self.show:
            sys.stdout.write(f"{self.rows[-1]}\n  {question}\n  {said.text}\n  held: {said.held_back}\n")
            sys.stdout.flush()
        return get_thread(self.store, self.by, thread_id=thread.id)


def summarise(rows: list[Asked]) -> dict[str, Any]:
    places = {row.place: [each for each in rows if each.place == row.place] for row in rows}
    return {
        place: {
            "answers": len(found),
            "first_s_median": round(statistics.median(row.first_s for row in found), 2),
            "first_s_max": max(row.first_s for row in found),
            "whole_s_median": round(statistics.median(row.whole_s for row in found), 2),
            "read_tokens_median": statistics.median(row.read_tokens for row in found),
            "characters_median": statistics.median(row.characters for row in found),
            "answers_with_words_held_back": sum(row.held_back > 0 for row in found),
            "answers_that_name_a_diagnosis": sum(row.names_diagnosis for row in found),
        }
        for place, found in places.items()
    }


def run(path: Path, patients: int, *, show: bool) -> dict[str, Any]:
    with (
        open_practice() as (store, by),
        Engine(path, options=EngineOptions(threads=count_threads())) as engine,
    ):
        bench = Bench(store, by, path.stem, engine.model, show=show)
        rows = [row.patient for row in list_patients(store, by)][:patients]
        engine.model.count_tokens("ready")
        bench.ask_cold(rows[0])
        # So that nothing of the cold question is left in the engine's cache.
        engine.restart()
        engine.model.count_tokens("ready")
        for patient in rows:
            bench.ask_open(patient)
    return {
        "load_average": [round(each, 1) for each in os.getloadavg()],
        "read_in_advance_s_median": round(statistics.median(bench.warm_s), 1),
        "places": summarise(bench.rows),
        "answers": [asdict(row) for row in bench.rows],
    }


def save(found: dict[str, Any], command: str) -> None:
    head = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": command,
        "machine": f"{find_processor()}, {count_threads()} threads of the engine, shared with other work",
        "versions": f"Python {sys.version.split()[0]}, xllamacpp {version('xllamacpp')}",
    }
    (RESULTS / "chat.json").write_text(
        json.dumps({**head, "models": found}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    lines = [
        "# Chat: how soon the first words come",
        "",
        *(f"- {key}: {value}" for key, value in head.items()),
    ]
    lines += [
        "",
        "| model | place | answers | first words s, median | longest | whole answer s | tokens read "
        "| characters | held back | name a diagnosis |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for model, figures in found.items():
        for place, each in figures["places"].items():
            values = " | ".join(str(value) for value in each.values())
            lines.append(f"| {model} | {place} | {values} |")
    lines.append("")
    for model, figures in found.items():
        lines.append(
            f"- {model}: load average while it ran {figures['load_average']}; reading record, notes and text "
            f"in advance took {figures['read_in_advance_s_median']} s (median)"
        )
    lines += [
        "",
        "Wanted: first words within 2 s where the patient's page is open. `page open` is the first",
        "question of a thread, `follow-up` and `diagnosis` the next two; `cold` is a patient of whom nothing",
        "was read. The practice is in mainland-China mode: `name a diagnosis` counts answers, as shown, in",
        "which a label of a disorder stands. `tokens read` is what the engine had to read before the first",
        "word, whatever else the machine does; the rest of the prompt it had read in advance.",
    ]
    (RESULTS / "chat.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--patients", type=int, default=6)
    parser.add_argument(
        "--priority", type=int, default=0, help="so much before the other work of a shared machine (as root)"
    )
    parser.add_argument("--show", action="store_true", help="print every answer")
    options = parser.parse_args()
    with before_others(options.priority):
        found = {path.stem: run(path, options.patients, show=options.show) for path in options.models}
    names = " ".join(path.name for path in options.models)
    asked = f"--patients {options.patients} --priority {options.priority}"
    save(found, f"python -m benchmarks.chat {names} {asked}")


if __name__ == "__main__":
    main()
