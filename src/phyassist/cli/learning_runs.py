"""`phyassist learning train`, `merge`, `runs`, `cancel`, `use`, `withdraw`: adapters without a page open."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.learning import SHORT_ID
from phyassist.cli.opening import find_base
from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, Practice, find_patient, open_practice

if TYPE_CHECKING:
    from phyassist.domain.adapters import AdapterCard
    from phyassist.errors import BadInput
    from phyassist.services.adapter_merging import MergeHindrance
    from phyassist.services.learning_runs import Run

AdapterArgument = Annotated[str, typer.Argument(help="Id of the adapter, or the beginning of it.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, or the beginning of it.")]


class KindName(StrEnum):
    PATIENT = "patient"
    COUNSELLOR = "counsellor"
    PRACTICE = "practice"
    SET = "set"


def train(
    context: typer.Context,
    patients: Annotated[
        list[str] | None,
        typer.Argument(help="Id, number or name of each: one of a patient's own adapter, several of a set."),
    ] = None,
    kind: Annotated[
        KindName,
        typer.Option(
            help="Whose it is: a patient's, yours (all who agreed), the practice's (the same), or a set's."
        ),
    ] = KindName.PATIENT,
    name: Annotated[str, typer.Option(help="What a set is called.")] = "",
    on: Annotated[str, typer.Option(help="Published adapter to go on from; empty: the model alone.")] = "",
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Begin a run that learns from notes; a running workspace takes it up, or phyassist worker --once."""
    from phyassist.domain.adapters import AdapterKind
    from phyassist.services.learning import Scope
    from phyassist.services.learning_runs import start_training
    from phyassist.services.workers import load_worker

    settings = get_run(context).load_settings()
    here = load_worker(settings.home).line
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        ids = tuple(find_patient(practice, each).id for each in patients or ())
        run = start_training(
            practice.store,
            practice.by,
            scope=Scope(AdapterKind(kind.value), ids, name.strip()),
            limits=settings.limits,
            base=find_base(settings),
            on=_find_card(practice, on).id if on else "",
            here=here,
        )
    _tell_begun(run, f"{run.job.total} steps", as_json=as_json)


def merge(
    context: typer.Context,
    adapters: Annotated[
        list[str], typer.Argument(help="Id of each adapter, or the beginning of it: two or more.")
    ],
    patient: Annotated[
        str, typer.Option(help="Id, number or name of the patient whose it becomes; empty: a set's.")
    ] = "",
    name: Annotated[str, typer.Option(help="What the set is called.")] = "",
    way: Annotated[
        str, typer.Option(help="cat keeps all, svd is as small as one, ties_svd drops what disagrees.")
    ] = "cat",
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Begin a run that joins what adapters learnt apart, and measures it on notes that none has read."""
    from phyassist.services.adapter_merging import Merge, MergeHindrance, start_merging
    from phyassist.services.workers import load_worker

    settings = get_run(context).load_settings()
    here = load_worker(settings.home).line
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        ids = tuple(_find_card(practice, each).id for each in adapters)
        patient_id = find_patient(practice, patient).id if patient else None
        begun = start_merging(
            practice.store,
            practice.by,
            merge=Merge(ids, way, patient_id, name.strip()),
            limits=settings.limits,
            base=find_base(settings),
            here=here,
        )
    if isinstance(begun, MergeHindrance):
        raise _describe(begun)
    _tell_begun(begun, f"{len(ids)} adapters become one", as_json=as_json)


def runs(context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False) -> None:
    """List the runs that you may see, the newest first: how far each is, or what became of it."""
    from phyassist.services.learning_runs import list_runs

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = list_runs(practice.store, practice.by)
    rows = [run_as_json(each) for each in found]
    if as_json:
        say_json(rows)
        return
    if not rows:
        tell("no runs yet")
        return
    from rich.table import Table

    columns = ("id", "kind", "patient", "state", "phase", "step", "minutes left", "error")
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        left = "" if row["left_s"] is None else str(round(row["left_s"] / 60))
        step = f"{row['step']}/{row['steps']}" if row["steps"] else ""
        of = (row["id"][:SHORT_ID], row["kind"], (row["patient"] or "")[:SHORT_ID])
        table.add_row(*of, row["state"], row["phase"], step, left, row["error"])
    make_console().print(table)


def cancel(context: typer.Context, run: RunArgument, passphrase_stdin: PassphraseStdin = False) -> None:
    """Break off a run; nothing of it stays."""
    from phyassist.services.adapters import cancel_run

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        card = _find_card(practice, run)
        is_off = cancel_run(practice.store, practice.by, adapter_id=card.id)
    tell(f"run {card.id[:SHORT_ID]} " + ("is broken off" if is_off else "was over, and stays as it is"))


def use(context: typer.Context, adapter: AdapterArgument, passphrase_stdin: PassphraseStdin = False) -> None:
    """Let an adapter answer from now on, whatever the gate said of it."""
    from phyassist.services.adapters import use_adapter

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        card = _find_card(practice, adapter)
        use_adapter(practice.store, practice.by, adapter_id=card.id)
    tell(f"adapter {card.id[:SHORT_ID]} answers from now on")


def withdraw(
    context: typer.Context, adapter: AdapterArgument, passphrase_stdin: PassphraseStdin = False
) -> None:
    """Refuse an adapter, or roll it back: the one that was in use before it answers again."""
    from phyassist.services.adapters import withdraw_adapter

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        card = _find_card(practice, adapter)
        withdraw_adapter(practice.store, practice.by, adapter_id=card.id)
    tell(f"adapter {card.id[:SHORT_ID]} answers no more")


def run_as_json(run: Run) -> dict[str, Any]:
    """A run as it stands; `phase` and `left_s` tell of one that goes on."""
    job = run.job
    progress = None if job.is_over else run.progress
    return {
        "id": run.id,
        "kind": run.card.kind.value if run.card else "",
        "patient": job.patient_id,
        "state": job.state.value,
        "phase": progress.phase.value if progress else "",
        "step": job.done,
        "steps": job.total,
        "left_s": progress.left_s if progress else None,
        "made_at": job.made_at.isoformat() if job.made_at else None,
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
        "error": job.error_code,
    }


def _tell_begun(run: Run, what: str, *, as_json: bool) -> None:
    if as_json:
        say_json(run_as_json(run))
        return
    say(run.id)
    tell(f"{what}; a running workspace takes it up by itself, or phyassist worker --once")


def _describe(hindrance: MergeHindrance) -> BadInput:
    """What keeps adapters from being merged, as a sentence and what to do."""
    from phyassist.errors import BadInput
    from phyassist.services.adapter_merging import MergeHindrance as Why

    what, hint = {
        Why.ONE_ALONE: ("one adapter alone is not merged", "name two or more"),
        Why.UNFIT: (
            "one of these is of another model, another patient's, in training, or holds what was withdrawn",
            "phyassist learning adapters lists what each is",
        ),
        Why.IN_COMMON: (
            "one of these was built on another, or both on the same, and that part would count twice",
            "merge adapters that learnt apart",
        ),
        Why.NO_LABEL: ("a merged set needs a name of up to 60 characters", "give one with --name"),
        Why.NOBODY: (
            "none of those whom they learnt from is one that you may change, so nothing can measure it",
            "somebody who keeps one of them merges",
        ),
        Why.NO_CONSENT: (
            "none of those whom they learnt from agrees any more, so nothing can measure it",
            "phyassist consent set records an answer",
        ),
        Why.NO_NOTE: (
            "they have learnt from every note that there is, so none is left to measure by",
            "sign another note first",
        ),
    }[hindrance]
    return BadInput(what, hint=hint)


def _find_card(practice: Practice, typed: str) -> AdapterCard:
    """Raises UnknownName unless exactly one adapter that is seen begins so."""
    from phyassist.errors import UnknownName
    from phyassist.services.adapters import list_shelf

    found = [
        card for card in list_shelf(practice.store, practice.by).known if typed and card.id.startswith(typed)
    ]
    if len(found) != 1:
        raise UnknownName(
            f"{len(found)} adapters begin so", hint="phyassist learning adapters and runs list them"
        )
    return found[0]
