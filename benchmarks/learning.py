"""How much less a counsellor has to edit once the assistant has learnt from them.

    python -m benchmarks.learning MODEL.gguf --work FOLDER [--data ../shared/data] [--notes 20] [--texts 6]

Simulated counsellors (`tastes.py`) edit what the model drafts of real texts and sign it.  After N notes the
drafts of texts that nobody has seen are counted: the characters to change from the first draft to what would
be kept, the share of items kept as they are, and drafts that met the taste at once.  `prompt` has the notes
as earlier notes in the prompt, as many as fit; `adapter` is trained as the app trains (the same examples, the
same process).  What is done stands in FOLDER, so that a run that was broken off goes on.
Writes docs/results/learning.md and learning.json.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import json
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.learning_page import find_reductions, list_numbers, make_page
from benchmarks.machine import list_facts, write_results
from benchmarks.signing import Kept, make_told
from benchmarks.tastes import COUNSELLORS, Counsellor
from nltk import edit_distance

from phyassist.domain.adapters import HELD, Forms, FormsByLanguage
from phyassist.domain.drafts import DraftItem, Section
from phyassist.domain.frames import PARENT
from phyassist.domain.gate import judge
from phyassist.domain.learning import ExampleKind, LearningExample, hold_out
from phyassist.domain.notes import Note
from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.lm.bundle import MANIFEST
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.protocol import CONFIG_FILE, GGUF_FILE, WEIGHTS_FILE, LanguageModel, Never
from phyassist.prompts.draft import speaks_of_harm
from phyassist.services.draft_asking import prepare_question
from phyassist.services.draft_events import AnalysisDone
from phyassist.services.draft_writing import write_items
from phyassist.services.gate import Compared, LossesByLanguage, measure_adapter
from phyassist.services.learning_examples import Told, find_own_forms, make_examples
from phyassist.services.prompting import Case, fit_case, fit_whole_notes
from phyassist.services.run_files import RunExample, make_run_example
from phyassist.services.trainer import TrainerProcess, TrainerTask
from phyassist.training.base import choose_precision
from phyassist.training.recipe import get_preset

CONTEXT_TOKENS = 4096
CHARS: Mapping[Language, tuple[int, int]] = {"en": (140, 420), "zh": (50, 170)}
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
PREFERENCES = ("none", "dpo", "orpo")
_CLIENTS = {"client", "user", "seeker", "求助者", "来访者"}


@dataclass(frozen=True)
class Count:
    """Of one draft: characters to change, characters kept, items, items kept as they were."""

    changed: int
    kept: int
    items: int
    untouched: int

    @property
    def is_met(self) -> bool:
        return self.items > 0 and self.untouched == self.items


def load_texts(data: Path, language: Language) -> list[str]:
    """Real texts of a bearable length in an order that no machine changes; none speaks of harm, where the
    first advice is the app's to word and nobody's taste."""
    found = _read_counsel_chat(data) if language == "en" else _read_smilechat(data)
    least, most = CHARS[language]
    fitting = {
        text for text in found if least <= len(text) <= most and not speaks_of_harm(split_sentences(text))
    }
    return sorted(fitting, key=lambda text: hashlib.sha256(text.encode()).hexdigest())


def _read_counsel_chat(data: Path) -> Iterable[str]:
    with (data / "counsel-chat/counsel_chat.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield " ".join(row["questionText"].split())


def _read_smilechat(data: Path) -> Iterable[str]:
    with (data / "smilechat/dialogues.jsonl").open(encoding="utf-8") as file:
        for line in file:
            turns = json.loads(line)
            turns = (
                turns
                if isinstance(turns, list)
                else next(each for each in turns.values() if isinstance(each, list))
            )
            said = [turn["content"] for turn in turns if turn["role"] in _CLIENTS]
            text = ""
            for each in said:
                if len(text) >= CHARS["zh"][0]:
                    break
                text = f"{text}{each.strip()}"
            yield text


def write_draft(
    lm: LanguageModel,
    text: str,
    by: Counsellor,
    *,
    adapter: str = "",
    notes: Sequence[Note] = (),
    forms: Forms = HELD,
) -> tuple[DraftItem, ...]:
    """What the app would draft; an unread reply has the items that could be read."""
    case = Case(by.language, "other", split_sentences(text), notes=tuple(notes))
    fitted = fit_case(case, lm)
    # The app shows a draft no items of earlier notes; this is what they would be worth as examples.
    _, shown = fit_whole_notes(case, fitted, lm)
    fitted = replace(fitted, prefix="\n".join(filter(None, (shown, fitted.prefix))))
    ask, assignment = prepare_question(case, fitted, by.question, adapter=adapter, forms=forms)
    ids = iter(range(100))
    *_, done = write_items(lm, ask, assignment, Never(), lambda: f"item{next(ids)}")
    if not isinstance(done, AnalysisDone):
        raise RuntimeError("a draft ended without AnalysisDone")
    return done.items


def sign(no: int, text: str, items: Sequence[DraftItem], by: Counsellor) -> Told:
    """The note that this counsellor makes of a draft of a client's first text."""
    at = BEGAN + timedelta(days=no)
    return make_told(no, f"p{no}", at, text=text, question=by.question, drafted=items, kept=by.keep(items))


def count(items: Sequence[DraftItem], by: Counsellor, notes: Sequence[Note] = ()) -> Count:
    """A reason that stands word for word in one of these notes, each of another client, is about that client:
    all of it has to be changed.
    """
    of_others = {item.text for note in notes for item in note.items if item.section == Section.REASON}
    pairs = list(zip(items, by.keep(items), strict=True))
    kept = [(old.text, "" if new.deleted else new.text) for old, new in pairs]
    return Count(
        sum(len(new) if new in of_others else edit_distance(old, new) for old, new in kept),
        sum(len(new) for _, new in kept),
        len(kept),
        sum(old == new and new not in of_others for old, new in kept),
    )


def sum_up(counts: Sequence[Count]) -> dict[str, float]:
    """Characters to change for a hundred that are kept, and the shares of items and of whole drafts."""
    items = sum(each.items for each in counts)
    return {
        "edits_per_100": round(
            100 * sum(each.changed for each in counts) / max(1, sum(each.kept for each in counts)), 2
        ),
        "untouched": round(sum(each.untouched for each in counts) / max(1, items), 4),
        "met": round(sum(each.is_met for each in counts) / max(1, len(counts)), 4),
    }


def name_base(by: Counsellor) -> str:
    """Counsellors who ask the same of the same texts begin with the same drafts."""
    return f"base-{by.language}-{hashlib.sha256(by.question.encode()).hexdigest()[:6]}"


def find_peak(pid: int) -> int:
    """Resident bytes of a process at most so far; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def _list_examples(tolds: Sequence[Told]) -> list[LearningExample]:
    return [each for told in tolds for each in make_examples(told, "other")]


@dataclass
class Bench:
    """The model that drafts, the same as a folder to train on, and what was done before."""

    engine: Engine
    base: Path
    kept: Kept
    options: argparse.Namespace
    lm: LanguageModel = field(init=False)

    def __post_init__(self) -> None:
        self.lm = self.engine.model

    def measure(self, by: Counsellor) -> dict[str, Any]:
        """One counsellor: the base, and both other ways after each number of notes."""
        _, asked = self.part_texts(by)
        numbers = self.find_numbers(by)
        tolds = self.sign_first(by, max(numbers))
        say(f"{by.name}: {len(tolds)} notes signed")
        first = self.drafts(f"{name_base(by)}-t", asked, by)
        found: dict[str, Any] = {"wants": by.wants, "base": sum_up([count(each, by) for each in first])}
        found["after"] = {str(notes): self.measure_after(by, tolds[:notes], asked) for notes in numbers}
        return found

    def find_numbers(self, by: Counsellor) -> list[int]:
        """After how many notes this one is measured."""
        also = (numbers for names, numbers in self.options.also if not names or by.name in names)
        return sorted({self.options.notes, *itertools.chain(*also)})

    def part_texts(self, by: Counsellor) -> tuple[list[str], list[str]]:
        """Those to learn from, in order, and those to measure by; the same however many notes are learnt."""
        texts, most = load_texts(self.options.data, by.language), self.options.notes
        end = most + self.options.texts
        return texts[:most] + texts[end:], texts[most:end]

    def sign_first(self, by: Counsellor, count: int) -> list[Told]:
        """The base's drafts of the first texts, signed."""
        return [
            sign(no, text, self.draft(f"{name_base(by)}-{no}", text, by), by)
            for no, text in enumerate(self.part_texts(by)[0][:count])
        ]

    def measure_after(self, by: Counsellor, tolds: Sequence[Told], asked: Sequence[str]) -> dict[str, Any]:
        notes, name = [told.note for told in tolds], f"{by.name}-{len(tolds)}"
        is_whole = len(tolds) == self.options.notes
        examples = self.make_examples(tolds)
        forms = self.find_forms(tolds).get(by.language, HELD)
        prompted = self.drafts(f"prompt-{name}-", asked, by, notes=notes, forms=forms)
        row = {
            "prompt": sum_up([count(each, by, notes) for each in prompted]),
            **self.measure_adapter(by, tolds, asked),
        }
        # What was judged before stands.
        if (by.name in self.options.gate and is_whole) or self.kept.path(f"gate-{name}.json").is_file():
            losses, own = row["run"]["losses"], {by.language: forms}
            row["gate"] = self.kept.find(
                f"gate-{name}", lambda: self.judge(examples, f"adapter-{name}", losses, own)
            )
        say(f"{by.name}, {len(tolds)} notes: {row}")
        return row

    def measure_adapter(
        self,
        by: Counsellor,
        tolds: Sequence[Told],
        asked: Sequence[str],
        preference: str = "none",
        *,
        beside: Sequence[str] = (),
        under: str = "",
    ) -> dict[str, Any]:
        """An adapter that learnt from these notes, and from what was not kept as `preference` says.

        `beside` it, the published one is what is in use under its own name, or the `PARENT` that it goes on
        from.  Its files are kept `under` a name of its own.
        """
        name = f"{by.name}-{len(tolds)}" + f"-{preference}" * (preference != "none") + under
        parent = self.options.published.name if PARENT in beside else ""
        examples = self.make_examples(tolds, preference, parent)
        forms = self.find_forms(tolds).get(by.language, HELD)
        adapter = f"adapter-{name}"
        others = {each: self.read_published() for each in beside}
        run = self.train(adapter, examples, preference, others)
        self.engine.take_adapter(adapter, self.kept.path(f"{adapter}.gguf").read_bytes())
        learnt = self.drafts(f"learnt-{name}-", asked, by, adapter=adapter, forms=forms)
        counts = [count(each, by, [told.note for told in tolds]) for each in learnt]
        return {"adapter": sum_up(counts), "run": run, "own": sorted(forms)}

    def compare_preferences(self, by: Counsellor) -> dict[str, Any]:
        """The kept replies alone, and with what was not kept beside them, after so many notes."""
        tolds, asked = self.sign_first(by, self.options.pairs), self.part_texts(by)[1]
        return {each: self.measure_adapter(by, tolds, asked, each) for each in PREFERENCES}

    def compare_parents(self, by: Counsellor) -> dict[str, Any]:
        """One whose drafts a published adapter writes: it alone, and what learnt the notes that were made of
        them, on top of the model alone and on top of it.
        """
        published = self.options.published.name
        self.engine.take_adapter(published, (self.options.published / GGUF_FILE).read_bytes())
        texts, asked = self.part_texts(by)
        name = f"{published}-{name_base(by)}"
        tolds = [
            sign(no, text, self.draft(f"{name}-{no}", text, by, adapter=published), by)
            for no, text in enumerate(texts[: self.options.notes])
        ]
        alone = self.drafts(f"{name}-t", asked, by, adapter=published)
        found: dict[str, Any] = {"published": {"adapter": sum_up([count(each, by) for each in alone])}}
        for way, beside in {"on_base": [published], "on_published": [published, PARENT]}.items():
            under = f"-{published}-{way}"
            row = self.measure_adapter(by, tolds, asked, beside=beside, under=under)
            adapter = f"adapter-{by.name}-{len(tolds)}{under}"
            parent = published if PARENT in beside else ""
            gate = self.judge_beside(tolds, adapter, row["run"]["losses"], parent)
            found[way] = {**row, "gate": gate}
            say(f"{by.name}, {way}: {found[way]}")
        return found

    def judge_beside(self, tolds: Sequence[Told], adapter: str, losses: LossesByLanguage, parent: str) -> Any:
        """What the gate would say, were the published one in use."""
        examples, forms = self.make_examples(tolds, parent=parent), self.find_forms(tolds)
        present = self.options.published.name
        return self.kept.find(
            f"gate-{adapter}",
            lambda: self.judge(examples, adapter, losses, forms, present=present, parent=parent),
        )

    def read_published(self) -> Mapping[str, bytes]:
        return {each: (self.options.published / each).read_bytes() for each in (CONFIG_FILE, WEIGHTS_FILE)}

    def draft(self, name: str, text: str, by: Counsellor, **how: Any) -> tuple[DraftItem, ...]:
        return self.kept.draft(name, lambda: write_draft(self.lm, text, by, **how))

    def drafts(
        self, name: str, texts: Sequence[str], by: Counsellor, **how: Any
    ) -> list[tuple[DraftItem, ...]]:
        return [self.draft(f"{name}{no}", text, by, **how) for no, text in enumerate(texts)]

    def make_examples(
        self,
        tolds: Sequence[Told],
        preference: str = "none",
        parent: str = "",
        authors: Container[str] = (),
    ) -> tuple[RunExample, ...]:
        """The newest fifth of the notes held out, as in the app."""
        made, forms = hold_out(_list_examples(tolds)), self.find_forms(tolds)
        return tuple(
            make_run_example(each, self.lm.name, forms, parent, authors)
            for each in made
            if each.kind == ExampleKind.SUPERVISED or preference != "none"
        )

    def find_forms(self, tolds: Sequence[Told]) -> FormsByLanguage:
        return find_own_forms(each for each in hold_out(_list_examples(tolds)) if not each.held_out)

    def train(
        self,
        name: str,
        examples: Sequence[RunExample],
        preference: str = "none",
        others: Mapping[str, Mapping[str, bytes]] | None = None,
        *,
        epochs: float = 0,
    ) -> dict[str, Any]:
        """As a worker trains, in the same process; what the run says of itself.  Its files are kept."""
        done = self.kept.path(f"{name}.json")
        if done.is_file():
            return dict(json.loads(done.read_text("utf-8")))
        recipe = {
            "preset": "notes",
            "preference": preference,
            "epochs": str(epochs or self.options.epochs),
        }
        started, peak, tokens = time.perf_counter(), 0, 0
        said: dict[str, Any] = {}
        task = TrainerTask(str(self.base), "", recipe, tuple(examples), others or {})
        with TrainerProcess(task) as trainer:
            for frame in trainer.frames(0.5):
                peak = max(peak, find_peak(trainer.pid))
                if frame is None:
                    continue
                if frame.kind == "report":
                    tokens += frame.head.get("tokens", 0)
                    print(json.dumps(frame.head), flush=True)
                elif frame.kind == "file":
                    self.kept.path(name_file(name, frame.head["name"])).write_bytes(frame.data)
                elif frame.kind == "done":
                    said = dict(frame.head)
                elif frame.kind == "failed":
                    raise SystemExit(f"training failed: {frame.head}")
        told = {
            "minutes": round((time.perf_counter() - started) / 60, 2),
            "examples": len(examples),
            "held_out": sum(each.held_out for each in examples),
            "tokens": tokens,
            "peak_mb": round(peak / 1e6),
            "adapter_mb": round(self.kept.path(f"{name}.gguf").stat().st_size / 1e6, 1),
            **{key: said[key] for key in ("steps", "too_long", "losses")},
        }
        done.write_text(json.dumps(told), "utf-8")
        return told

    def judge(
        self,
        examples: Sequence[RunExample],
        name: str,
        losses: LossesByLanguage,
        forms: FormsByLanguage,
        *,
        present: str = "",
        parent: str = "",
        present_forms: FormsByLanguage | None = None,
    ) -> dict[str, Any]:
        """What the gate would say of one trained on top of `parent`, were `present` in use (empty: none)."""
        of_both = {name: forms, present: present_forms or {}}
        in_use = {each.language: present for each in examples} if present else {}
        compared = Compared(name, parent, in_use)
        measured = measure_adapter(self.lm, examples, compared, losses=losses, forms=of_both, stop=Never())
        verdict = judge(measured)
        return {
            "accepted": verdict.is_accepted,
            "reason": verdict.reason.value,
            "lost": list(measured.general_lost),
            **verdict.numbers,
        }


def name_file(adapter: str, name: str) -> str:
    """Of one of an adapter's files, where it is kept."""
    return f"{adapter}.gguf" if name == GGUF_FILE else f"{adapter}.{name}"


def say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", flush=True)


def parse_also(said: str) -> tuple[list[str], list[int]]:
    names, _, numbers = said.rpartition("=")
    return [each for each in names.split(",") if each], [int(each) for each in numbers.split(",")]


def make_parser(about: str | None) -> argparse.ArgumentParser:
    """What every benchmark of learning asks for."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--base", type=Path, required=True, help="the same model as a folder to train on")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--notes", type=int, default=20)
    parser.add_argument("--texts", type=int, default=6)
    parser.add_argument("--epochs", type=float, default=3.0)
    return parser


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--also",
        type=parse_also,
        action="append",
        default=[],
        help="other numbers of notes, 5,10,40, or for some of them alone: brief,three=5,10,40",
    )
    parser.add_argument("--pairs", type=int, default=0, help="after how many notes to compare preferences")
    parser.add_argument("--gate", default="", help="whose adapters the gate is to judge, with commas")
    parser.add_argument(
        "--published", type=Path, help="a published adapter's folder: those of its language go on from it too"
    )
    parser.add_argument("--counsellors", default=",".join(each.name for each in COUNSELLORS))
    options = parser.parse_args()
    kept = Kept(options.work)
    chosen = [each for each in COUNSELLORS if each.name in options.counsellors.split(",")]
    counsellors: dict[str, Any] = {}
    command = f"python -m benchmarks.learning {options.model.name} --base FOLDER --work FOLDER"
    command += f" --notes {options.notes}"
    for names, numbers in options.also:
        command += f" --also {','.join(names)}{'=' * bool(names)}{','.join(map(str, numbers))}"
    command += f" --texts {options.texts} --epochs {options.epochs}"
    command += f" --gate {options.gate}" * bool(options.gate)
    if options.published:
        command += f" --published {options.published.name}"
    command += f" --pairs {options.pairs}" * bool(options.pairs)
    with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
        for by in chosen:
            counsellors[by.name] = Bench(engine, options.base, kept, options).measure(by)
            found = {
                "facts": list_facts(
                    command,
                    ("xllamacpp", "torch", "peft"),
                    model=options.model.stem,
                    precision=choose_precision(get_preset("notes"), "cpu"),
                    texts=f"{options.texts} for each counsellor, none of them learnt from",
                ),
                "counsellors": counsellors,
                **{f"at{notes}": find_reductions(counsellors, notes) for notes in list_numbers(counsellors)},
            }
            write_results("learning", found, make_page(found))
        if options.published:
            bench = Bench(engine, options.base, kept, options)
            said = json.loads((options.published / MANIFEST).read_text("utf-8"))["answers_in"]
            of_it = [by for by in chosen if by.language in said]
            found["parents"] = {by.name: bench.compare_parents(by) for by in of_it}
            write_results("learning", found, make_page(found))
        if options.pairs:
            bench = Bench(engine, options.base, kept, options)
            found["preferences"] = {by.name: bench.compare_preferences(by) for by in chosen[:1]}
            write_results("learning", found, make_page(found))


if __name__ == "__main__":
    main()
