"""How long *Train* takes from the press to the gate's verdict, and what the client's next drafts need then.

    python -m benchmarks.pressed MODEL.gguf --base FOLDER [--notes 10] [--texts 6] [--counsellors brief,three]

In a store of its own, by the app's services: a counsellor of `tastes.py` has the model draft about real texts
of one client, edits the items and signs the notes, presses *Train*, and the worker of this computer sees the
run through: examples, training, the gate, sealing.  The worker runs in the same process; the app starts it as
one of its own, within two seconds of the press.  Then so many more consultations of that client are drafted
twice, by the model alone and by the new assistant, which the app chooses where the gate accepted it and the
counsellor where not; the characters to change are counted.
Writes docs/results/pressed.md and pressed.json.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.learning import CONTEXT_TOKENS, count, load_texts, say, sum_up
from benchmarks.machine import list_facts, write_results
from benchmarks.tastes import COUNSELLORS, Counsellor

from phyassist.domain.adapters import BASE_ALONE, OVERHEAD, AdapterCard, AdapterKind
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.drafts import Draft
from phyassist.domain.learning import Limits
from phyassist.domain.people import PatientId
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.hashing import load_sha256
from phyassist.lm.protocol import LanguageModel, Never
from phyassist.services.adapters import want_adapter
from phyassist.services.consent import record_answers
from phyassist.services.draft_events import Finished
from phyassist.services.drafting import start_draft, write_draft
from phyassist.services.intake import save_source, start_consultation
from phyassist.services.learning import Scope
from phyassist.services.learning_runs import Base, Run, get_run, start_training
from phyassist.services.noting import save_note
from phyassist.services.patients import new_patient
from phyassist.services.practice import set_up
from phyassist.services.reworking import delete_item, edit_item
from phyassist.services.workers import load_worker
from phyassist.services.working import BaseFiles, Tools, work_once
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.training.base import choose_precision
from phyassist.training.recipe import get_preset
from phyassist.vault.keyring import Argon2Cost

# Nobody guesses at this passphrase.
COST = Argon2Cost(memory_kib=1024, passes=1, lanes=1)


@dataclass(frozen=True)
class Practice:
    """One counsellor with one client."""

    store: Store
    anna: SignedIn
    patient_id: PatientId


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--base", required=True, help="the same model as a folder to train on")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--notes", type=int, default=10)
    parser.add_argument("--texts", type=int, default=6)
    parser.add_argument("--counsellors", default=",".join(each.name for each in COUNSELLORS))
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for by in COUNSELLORS:
        if by.name in options.counsellors.split(","):
            found[by.name] = measure(options, by)
            say(f"{by.name}: {found[by.name]}")
            save(options, found)


def measure(options: argparse.Namespace, by: Counsellor) -> dict[str, Any]:
    """One client's notes, the run on them, and the drafts after it."""
    texts, end = load_texts(options.data, by.language), options.notes + options.texts
    with tempfile.TemporaryDirectory(prefix="phyassist-pressed-") as folder:
        home = Path(folder)
        with open_store(f"sqlite:///{home}/practice.db", passphrase_cost=COST) as store:
            anna = set_up(
                store,
                name="Anna",
                passphrase=secrets.token_hex(),
                language="en",
                jurisdiction="other",
                zone="UTC",
            ).signed_in
            card = new_patient(store, anna, name="Lin Yue", language=by.language)
            practice = Practice(store, anna, card.id)
            record_answers(store, anna, patient_id=card.id, answers={Purpose.OWN_TRAINING: Answer.YES})
            with open_model(options.model) as lm:
                for no, text in enumerate(texts[: options.notes]):
                    sign_note(practice, lm, by, text)
                    say(f"{by.name}: note {no + 1} signed")
            run, seconds = press(practice, options.model, options.base, home)
            say(f"{by.name}: {seconds:.0f} s, {run.card and run.card.verdict}")
            if run.card is None or run.card.verdict is None:
                raise SystemExit(f"the run came to no verdict: {run.job.state} {run.job.error_code}")
            by_hand = "" if run.card.verdict.is_accepted else run.card.id
            with open_model(options.model) as lm:
                drafts = {
                    way: [draft_next(practice, lm, by, text, wanted) for text in texts[options.notes : end]]
                    for way, wanted in (("base", BASE_ALONE), ("adapter", by_hand))
                }
    used = {item.written_by.adapter for draft in drafts["adapter"] for item in draft.standing}
    if used != {run.card.id}:
        raise SystemExit(f"drafts were written by {used}, not by the new assistant")
    return sum_run(run, seconds) | {
        way: sum_up([count(draft.standing, by) for draft in each]) for way, each in drafts.items()
    }


@contextmanager
def open_model(path: Path) -> Iterator[LanguageModel]:
    """The model as the app opens it: adapters are made for the weights that it says it has."""
    with Engine(path, sha256=load_sha256(path), options=EngineOptions(CONTEXT_TOKENS)) as engine:
        yield engine.model


def draft_next(practice: Practice, lm: LanguageModel, by: Counsellor, text: str, wanted: str = "") -> Draft:
    """The draft of one more consultation of this client, by the adapter that is `wanted`."""
    store, anna = practice.store, practice.anna
    meeting = start_consultation(store, anna, patient_id=practice.patient_id)
    save_source(store, anna, consultation_id=meeting.id, text=text, after=meeting.source.version)
    if wanted:
        want_adapter(store, anna, consultation_id=meeting.id, wanted=wanted, base_sha256=lm.base_sha256)
    draft = start_draft(store, anna, consultation_id=meeting.id, question=by.question)
    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
    if not isinstance(last, Finished):
        raise SystemExit("a draft did not come to its end")
    for item in last.draft.standing:
        say(f"  {item.section.value} ({item.written_by.adapter or 'base'}): {item.text} | {item.quote}")
    return last.draft


def sign_note(practice: Practice, lm: LanguageModel, by: Counsellor, text: str) -> None:
    """One consultation of this client, drafted, edited to taste, and signed."""
    store, anna = practice.store, practice.anna
    drafted = draft = draft_next(practice, lm, by, text)
    for item, kept in zip(drafted.standing, by.keep(drafted.standing), strict=True):
        if kept.deleted:
            draft = delete_item(store, anna, draft_id=draft.id, item_id=item.id, after=draft.version)
        elif kept.text != item.text:
            draft = edit_item(
                store, anna, draft_id=draft.id, item_id=item.id, text=kept.text, after=draft.version
            )
    save_note(store, anna, draft_id=draft.id, after=draft.version)


def press(practice: Practice, model: Path, base: str, home: Path) -> tuple[Run, float]:
    """The run, ended, and the seconds from the press to its verdict."""
    store, anna = practice.store, practice.anna
    worker = load_worker(home / "machine")

    def find_base(card: AdapterCard) -> BaseFiles:
        del card
        return BaseFiles(str(model), base)

    say("pressed")
    started = time.monotonic()
    asked = start_training(
        store,
        anna,
        scope=Scope(AdapterKind.PATIENT, (practice.patient_id,)),
        limits=Limits(),
        base=Base(model.stem, load_sha256(model)),
        here=worker.line,
    )
    work_once(store, worker, Tools(find_base, lambda files: open_model(Path(files.gguf))))
    seconds = time.monotonic() - started
    return get_run(store, anna, run_id=asked.id), seconds


def sum_run(run: Run, seconds: float) -> dict[str, Any]:
    assert run.card is not None
    verdict = run.card.verdict
    assert verdict is not None
    # What the plan of the next run takes for everything but the steps.
    overhead = float(run.card.config[OVERHEAD])
    return {
        "minutes": round(seconds / 60, 2),
        "minutes_of_steps": round((seconds - overhead) / 60, 2),
        "minutes_beside": round(overhead / 60, 2),
        "accepted": verdict.is_accepted,
        "reason": verdict.reason.value,
        "numbers": {name: round(value, 3) for name, value in verdict.numbers.items()},
    }


def save(options: argparse.Namespace, counsellors: dict[str, Any]) -> None:
    facts = list_facts(
        f"python -m benchmarks.pressed {options.model.name} --base FOLDER --notes {options.notes} "
        f"--texts {options.texts} --counsellors {','.join(counsellors)}",
        ("xllamacpp", "torch", "peft"),
        model=options.model.stem,
        precision=choose_precision(get_preset("notes"), "cpu"),
        notes=f"{options.notes} of one client, then {options.texts} more consultations of the same",
    )
    wants = {by.name: by.wants for by in COUNSELLORS}
    page = [
        "# From the press of *Train* to the next drafts of the same client",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        "| counsellor wants | from the press to the verdict | of it steps | loading, the gate, sealing "
        "| the gate | the model alone | the new assistant |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {wants[name]} | {each['minutes']} min | {each['minutes_of_steps']} min "
            f"| {each['minutes_beside']} min "
            f"| {'accepted' if each['accepted'] else 'not put into use'}, {each['reason']} "
            f"| {say_counts(each['base'])} | {say_counts(each['adapter'])} |"
            for name, each in counsellors.items()
        ),
        "",
        "The last two: characters to change for a hundred kept · items kept as they are · drafts that met "
        "the taste at once, on texts that nobody has learnt from. Where the gate did not put the assistant "
        "into use, it was chosen by hand for these consultations.",
        "",
        "What the gate measured:",
        "",
        *(
            f"- {wants[name]}: " + ", ".join(f"{key} {value}" for key, value in each["numbers"].items()) + "."
            for name, each in counsellors.items()
        ),
        "",
    ]
    write_results("pressed", {"facts": facts, "counsellors": counsellors}, "\n".join(page))


def say_counts(found: dict[str, float]) -> str:
    return f"{found['edits_per_100']:.1f} · {found['untouched']:.0%} · {found['met']:.0%}"


if __name__ == "__main__":
    main()
