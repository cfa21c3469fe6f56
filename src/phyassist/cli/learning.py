"""`phyassist learning`: what the assistant would learn from a patient, and the adapters that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.opening import find_base
from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice

if TYPE_CHECKING:
    from phyassist.domain.adapters import AdapterCard
    from phyassist.domain.learning import LearningExample, RunPlan
    from phyassist.domain.people import PatientId
    from phyassist.settings import Settings
    from phyassist.store.people import SignedIn
    from phyassist.store.transactions import Store

app = typer.Typer(help="What the assistant learns from notes and changes.", no_args_is_help=True)

PatientArgument = Annotated[str, typer.Argument(help="Id, number or name of the patient.")]
SHORT_ID = 8


@app.command()
def show(
    context: typer.Context,
    patient: PatientArgument,
    texts: Annotated[bool, typer.Option("--texts", help="The replies too, in the clear.")] = False,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """List every example that a run would use, with its origin, and what a run would take."""
    from phyassist.domain.adapters import AdapterKind
    from phyassist.services.learning import Scope, list_examples, plan_run

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        examples = list_examples(practice.store, practice.by, patient_id=found.id)
        scope = Scope(AdapterKind.PATIENT, (found.id,))
        base = _find_base_sha256(settings)
        plan = plan_run(practice.store, practice.by, scope=scope, limits=settings.limits, base_sha256=base)
    if as_json:
        say_json(_as_json(found.id, examples, plan, texts=texts))
        return
    _print_examples(examples, texts=texts)
    _tell_plan(plan)


@app.command("leave-out")
def leave_out(
    context: typer.Context,
    patient: PatientArgument,
    example: Annotated[str, typer.Argument(help="Id of the example, or the beginning of it.")],
    back: Annotated[bool, typer.Option("--back", help="Take it in again.")] = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Take one example out of training; it stays in the note."""
    from phyassist.services.learning import leave_out as leave_out_example

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        chosen = _find_example(practice.store, practice.by, found.id, example)
        leave_out_example(
            practice.store, practice.by, patient_id=found.id, example_id=chosen.id, is_left_out=not back
        )
    tell(f"example {chosen.id[:SHORT_ID]} is {'learnt from again' if back else 'left out'}")


@app.command()
def adapters(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Id, number or name; without it the shared ones.")] = "",
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """List the adapters of a patient, or those that several share."""
    from phyassist.services.adapters import list_shelf

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        patient_id = find_patient(practice, patient).id if patient else None
        cards = list_shelf(practice.store, practice.by, patient_id=patient_id).cards
    if as_json:
        say_json([card_as_json(card) for card in cards])
        return
    if not cards:
        tell("no adapters yet")
        return
    from rich.table import Table

    table = Table("id", "kind", "no.", "trained", "notes", "state", "gate", box=None, pad_edge=False)
    for card in cards:
        table.add_row(
            card.id[:SHORT_ID],
            card.label or card.kind.value,
            str(card.number),
            f"{card.trained_at:%Y-%m-%d}",
            str(card.notes),
            card.state.value,
            card.verdict.reason.value if card.verdict else "",
        )
    make_console().print(table)


def _find_base_sha256(settings: Settings) -> str:
    """Empty where there is no model: what would be learnt can be seen without one."""
    from phyassist.errors import ModelDamaged, ModelMissing, UnknownName

    try:
        return find_base(settings).sha256
    except (ModelMissing, ModelDamaged, UnknownName):
        return ""


def _find_example(store: Store, by: SignedIn, patient_id: PatientId, typed: str) -> LearningExample:
    """Raises UnknownName unless exactly one begins so."""
    from phyassist.errors import UnknownName
    from phyassist.services.learning import list_examples

    examples = list_examples(store, by, patient_id=patient_id)
    found = [example for example in examples if example.id.startswith(typed)]
    if not typed or len(found) != 1:
        raise UnknownName(f"{len(found)} examples begin so", hint="phyassist learning show lists them")
    return found[0]


def _print_examples(examples: tuple[LearningExample, ...], *, texts: bool) -> None:
    from rich.table import Table

    columns = ["id", "origin", "kind", "note", "language", "tokens", ""]
    table = Table(*columns, *(["kept", "not kept"] if texts else []), box=None, pad_edge=False)
    for example in examples:
        replies = [example.chosen, example.rejected or ""] if texts else []
        table.add_row(
            example.id[:SHORT_ID],
            example.origin.value,
            example.kind.value,
            f"{example.at:%Y-%m-%d}",
            example.language,
            str(example.tokens),
            "left out" if example.left_out else "",
            *replies,
        )
    make_console().print(table)


def _tell_plan(plan: RunPlan) -> None:
    for hindrance in plan.hindrances:
        tell(f"{'a run cannot begin' if hindrance.forbids else 'note'}: {hindrance.value}")
    for bite in plan.bites:
        so = "it ends when they are over" if bite.ends else f"{bite.left_out} left out"
        tell(f"limit of {bite.limit.value}: {bite.allowed:,} of {bite.found:,}, {so}")
    tell(
        f"a run: {len(plan.learnt)} examples and {len(plan.measured_by)} held out, "
        f"{plan.steps} steps, about {plan.expected_min:.0f} minutes"
    )


def _as_json(
    patient_id: str, examples: tuple[LearningExample, ...], plan: RunPlan, *, texts: bool
) -> dict[str, Any]:
    held_out = {example.id for example in plan.held_out}
    rows = []
    for example in examples:
        row: dict[str, Any] = {
            "id": example.id,
            "kind": example.kind.value,
            "origin": example.origin.value,
            "note": example.note.note_id,
            "note_version": example.note.version,
            "item": example.item_id,
            "at": example.at.isoformat(),
            "language": example.language,
            "tokens": example.tokens,
            "left_out": example.left_out,
            "held_out": example.id in held_out,
        }
        if texts:
            row["messages"] = [{"role": each.role, "content": each.content} for each in example.messages]
            row |= {"chosen": example.chosen, "rejected": example.rejected}
        rows.append(row)
    return {
        "patient": patient_id,
        "examples": rows,
        "plan": {
            "trained_on": len(plan.trained_on),
            "held_out": len(plan.held_out),
            "steps": plan.steps,
            "expected_s": round(plan.expected_s),
            "is_allowed": plan.is_allowed,
            "hindrances": [each.value for each in plan.hindrances],
            "limits": [{"limit": each.limit.value, "left_out": each.left_out} for each in plan.bites],
        },
    }


def card_as_json(card: AdapterCard) -> dict[str, Any]:
    """What is told of an adapter; of its own forms only where it has any, for they are words of notes."""
    from phyassist.domain.adapters import FORMS

    return {
        "id": card.id,
        "kind": card.kind.value,
        "label": card.label,
        "number": card.number,
        "base_sha256": card.base_sha256,
        "parent": card.parent_id,
        "trained_at": card.trained_at.isoformat(),
        "in_use_since": card.in_use_since.isoformat() if card.in_use_since else None,
        "retrain_since": card.retrain_since.isoformat() if card.retrain_since else None,
        "state": card.state.value,
        "notes": [{"note": ref.note_id, "version": ref.version} for ref in card.ledger],
        "config": {name: value for name, value in card.config.items() if name != FORMS},
        "own_forms": {language: sorted(forms) for language, forms in card.forms.items()},
        "scores": dict(card.scores),
        "gate": None
        if card.verdict is None
        else {"reason": card.verdict.reason.value, "numbers": dict(card.verdict.numbers)},
    }
