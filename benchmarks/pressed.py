"""How long *Train* takes from the press to the gate's verdict, for one client with so many notes.

    python -m benchmarks.pressed MODEL.gguf --base FOLDER [--notes 10] [--counsellor brief]

In a store of its own, by the app's services: a counsellor of `tastes.py` has the model draft about real texts
of one client, edits the items and signs the notes, presses *Train*, and the worker of this computer sees the
run through: examples, training, the gate, sealing.  The worker runs in the same process; the app starts it as
one of its own, within two seconds of the press.
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

from benchmarks.learning import CONTEXT_TOKENS, load_texts, say
from benchmarks.machine import list_facts, write_results
from benchmarks.tastes import COUNSELLORS, Counsellor

from phyassist.domain.adapters import OVERHEAD, AdapterCard, AdapterKind
from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.learning import Limits
from phyassist.domain.people import PatientId
from phyassist.lm.engine import Engine, EngineOptions
from phyassist.lm.hashing import load_sha256
from phyassist.lm.protocol import LanguageModel, Never
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
    parser.add_argument("--counsellor", default=COUNSELLORS[0].name)
    options = parser.parse_args()
    by = next(each for each in COUNSELLORS if each.name == options.counsellor)
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
            with Engine(options.model, options=EngineOptions(CONTEXT_TOKENS)) as engine:
                for no, text in enumerate(load_texts(options.data, by.language)[: options.notes]):
                    sign_note(practice, engine.model, by, text)
                    say(f"note {no + 1} signed")
            run, seconds = press(practice, options.model, options.base, home)
    save(options, by, run, seconds)


def sign_note(practice: Practice, lm: LanguageModel, by: Counsellor, text: str) -> None:
    """One consultation of this client, drafted, edited to taste, and signed."""
    store, anna = practice.store, practice.anna
    meeting = start_consultation(store, anna, patient_id=practice.patient_id)
    save_source(store, anna, consultation_id=meeting.id, text=text, after=meeting.source.version)
    draft = start_draft(store, anna, consultation_id=meeting.id, question=by.question)
    *_, last = write_draft(store, lm, anna, draft_id=draft.id, stop=Never())
    if not isinstance(last, Finished):
        raise SystemExit("a draft did not come to its end")
    draft = last.draft
    for item, kept in zip(last.draft.standing, by.keep(last.draft.standing), strict=True):
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
    worker, sha256 = load_worker(home / "machine"), load_sha256(model)

    def find_base(card: AdapterCard) -> BaseFiles:
        del card
        return BaseFiles(str(model), base)

    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        with Engine(Path(base.gguf), sha256=sha256, options=EngineOptions(CONTEXT_TOKENS)) as engine:
            yield engine.model

    say("pressed")
    started = time.monotonic()
    asked = start_training(
        store,
        anna,
        scope=Scope(AdapterKind.PATIENT, (practice.patient_id,)),
        limits=Limits(),
        base=Base(model.stem, sha256),
        here=worker.line,
    )
    work_once(store, worker, Tools(find_base, open_model))
    seconds = time.monotonic() - started
    return get_run(store, anna, run_id=asked.id), seconds


def save(options: argparse.Namespace, by: Counsellor, run: Run, seconds: float) -> None:
    if run.card is None or run.card.verdict is None:
        raise SystemExit(f"the run came to no verdict: {run.job.state} {run.job.error_code}")
    verdict = run.card.verdict
    # What the plan of the next run takes for everything but the steps.
    overhead = float(run.card.config[OVERHEAD])
    facts = list_facts(
        f"python -m benchmarks.pressed {options.model.name} --base FOLDER --notes {options.notes} "
        f"--counsellor {by.name}",
        ("xllamacpp", "torch", "peft"),
        model=options.model.stem,
        precision=choose_precision(get_preset("notes"), "cpu"),
        notes=f"{options.notes} of one client, {by.wants}",
    )
    found = {
        "facts": facts,
        "minutes": round(seconds / 60, 2),
        "minutes_of_steps": round((seconds - overhead) / 60, 2),
        "minutes_beside": round(overhead / 60, 2),
        "accepted": verdict.is_accepted,
        "reason": verdict.reason.value,
        "numbers": dict(verdict.numbers),
    }
    page = [
        "# From the press of *Train* to the verdict",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        "| from the press to the verdict | of it steps | loading, the gate, sealing | the gate |",
        "|---|---|---|---|",
        f"| {found['minutes']} min | {found['minutes_of_steps']} min | {found['minutes_beside']} min "
        f"| {'accepted' if verdict.is_accepted else 'not put into use'}, {verdict.reason.value} |",
        "",
        "What the gate measured: "
        + ", ".join(f"{name} {round(value, 3)}" for name, value in verdict.numbers.items())
        + ".",
        "",
    ]
    write_results("pressed", found, "\n".join(page))


if __name__ == "__main__":
    main()
