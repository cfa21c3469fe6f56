"""`phyassist consent`: what a patient has agreed to, and recording an answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice

if TYPE_CHECKING:
    from phyassist.services.consent import Consents

app = typer.Typer(help="What a patient has agreed to, purpose by purpose.", no_args_is_help=True)

PatientArgument = Annotated[str, typer.Argument(help="Id, number or name of the patient.")]


class PurposeName(StrEnum):
    DRAFTING = "drafting"
    OWN_TRAINING = "own-training"
    SHARED_TRAINING = "shared-training"
    SIMILAR_CASES = "similar-cases"


class AnswerName(StrEnum):
    YES = "yes"
    NO = "no"


class SignerName(StrEnum):
    PATIENT = "patient"
    GUARDIAN = "guardian"


@app.command()
def show(
    context: typer.Context,
    patient: PatientArgument,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Show what counts for each purpose now, and every answer that was recorded."""
    from phyassist.services.consent import load_consents

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        consents = load_consents(practice.store, practice.by, patient_id=found.id)
    if as_json:
        say_json(_as_json(found.id, consents))
        return
    _print(consents)


@app.command("set")
def set_answer(
    context: typer.Context,
    patient: PatientArgument,
    purpose: Annotated[PurposeName, typer.Argument(help="For what the patient's words may be used.")],
    answer: Annotated[AnswerName, typer.Argument(help="yes, or no to refuse or withdraw.")],
    signed_by: Annotated[
        SignerName, typer.Option("--signed-by", help="Who signed: the patient, or a guardian.")
    ] = SignerName.PATIENT,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Day on the form; today without it.")
    ] = None,
    remark: Annotated[str, typer.Option(help="Anything worth keeping with it; it is encrypted.")] = "",
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Record an answer; it counts at once. Earlier ones stay in the history."""
    from phyassist.domain.consents import Answer, Purpose, Signer
    from phyassist.services.consent import record_answers

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        record_answers(
            practice.store,
            practice.by,
            patient_id=found.id,
            answers={Purpose(purpose.value.replace("-", "_")): Answer(answer.value)},
            on=on.date() if on else None,
            signed_by=Signer(signed_by.value),
            remark=remark,
        )
    tell(f"recorded: {purpose.value} {answer.value}")


def _as_json(patient_id: str, consents: Consents) -> dict[str, Any]:
    return {
        "patient": patient_id,
        "now": {
            standing.purpose.value: {
                "answer": standing.last.answer.value if standing.last else None,
                "allowed": standing.is_allowed,
            }
            for standing in consents.standings
        },
        "history": [
            {
                "purpose": one.purpose.value,
                "answer": one.answer.value,
                "on": one.on.isoformat(),
                "signed_by": one.signed_by.value,
                "remark": one.remark,
                "recorded_by": one.recorded_by,
                "recorded_at": one.recorded_at.isoformat() if one.recorded_at else None,
            }
            for one in consents.history
        ],
    }


def _print(consents: Consents) -> None:
    console = make_console()
    for standing in consents.standings:
        said = standing.last.answer.value if standing.last else "not asked"
        allowed = "allowed" if standing.is_allowed else "not allowed"
        console.print(f"{standing.purpose.value.replace('_', '-'):<16} {said:<10} {allowed}")
    if consents.history:
        console.print()
    for one in consents.history:
        purpose = one.purpose.value.replace("_", "-")
        console.print(f"{one.on}  {purpose:<16} {one.answer.value:<4} signed by {one.signed_by.value}")
