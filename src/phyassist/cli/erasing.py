"""`phyassist erasure`: erasing a patient, and the receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice

if TYPE_CHECKING:
    from phyassist.services.erasing import Receipt

app = typer.Typer(help="Erasing patients for good, and the receipts of it.", no_args_is_help=True)


@app.command()
def patient(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Id, number or name of the patient.")],
    confirm: Annotated[
        str | None, typer.Option(help="The patient's name again; without it, it is asked for.")
    ] = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Destroy a patient's key and with it everything about them; the receipt's id is printed."""
    from phyassist.services.erasing import erase_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        typed = confirm
        if typed is None:
            tell("This cannot be undone. Record, consultations, drafts and notes can never be read again.")
            typed = str(typer.prompt("The patient's name, to confirm", err=True))
        receipt = erase_patient(practice.store, practice.by, patient_id=found.id, typed=typed)
    tell(_say_remains(receipt))
    say(receipt.erasure.id)


@app.command()
def receipts(
    context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False
) -> None:
    """List the receipts: whose file was erased, by id, and when the last backup with the key expires."""
    from phyassist.services.erasing import list_receipts

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = list_receipts(practice.store, practice.by)
    if as_json:
        say_json([_as_json(receipt) for receipt in found])
        return
    if not found:
        tell("nothing has been erased")
    console = make_console()
    for receipt in found:
        erasure = receipt.erasure
        console.print(f"{erasure.at:%Y-%m-%d %H:%M}  {erasure.patient_id}  {_say_remains(receipt)}")


def _say_remains(receipt: Receipt) -> str:
    if receipt.erasure.cleaned_at is None:
        return "erased; the database's own files are still to be cleared, which is tried again"
    remains = receipt.remains
    if remains.without_end:
        return f"erased; {remains.backups} backups hold the key, one of them until somebody deletes it"
    if remains.until is not None:
        return (
            f"erased; {remains.backups} backups hold the key, the last until {remains.until:%Y-%m-%d %H:%M}"
        )
    return "erased, and no backup that PhyAssist knows of holds the key"


def _as_json(receipt: Receipt) -> dict[str, object]:
    erasure, remains = receipt.erasure, receipt.remains
    return {
        "id": erasure.id,
        "patient": erasure.patient_id,
        "by": erasure.by_id,
        "at": erasure.at.isoformat(),
        "keys": erasure.keys,
        "adapters": erasure.adapters,
        "adapters_to_retrain": erasure.marked,
        "cleaned_at": erasure.cleaned_at.isoformat() if erasure.cleaned_at else None,
        "backups_with_key": remains.backups,
        "last_backup_expires_at": remains.until.isoformat() if remains.until else None,
        "kept_without_end": remains.without_end,
        "complete": receipt.is_complete,
    }
