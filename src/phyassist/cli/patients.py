"""`phyassist patients`: list, show, new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phyassist.cli.options import AsJson, LangOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice

if TYPE_CHECKING:
    from phyassist.services.patients import PatientFile

app = typer.Typer(help="The patients of the practice.", no_args_is_help=True)


@app.command("list")
def list_all(
    context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False
) -> None:
    """List the patients: id, number, name, last time, whether a draft is open."""
    from phyassist.services.patients import list_patients

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        rows = list_patients(practice.store, practice.by)
    if as_json:
        say_json(
            [
                {
                    "id": row.patient.id,
                    "number": row.patient.number,
                    "name": row.patient.name,
                    "language": row.patient.language,
                    "last_at": row.last_at.isoformat() if row.last_at else None,
                    "has_open_draft": row.has_open_draft,
                }
                for row in rows
            ]
        )
        return
    if not rows:
        tell("no patients yet; phyassist patients new NAME adds one")
        return
    from rich.table import Table

    table = Table("id", "number", "name", "last", "draft", box=None, pad_edge=False)
    for row in rows:
        last = f"{row.last_at:%Y-%m-%d}" if row.last_at else ""
        draft = "open" if row.has_open_draft else ""
        table.add_row(row.patient.id[:8], row.patient.number, row.patient.name, last, draft)
    make_console().print(table)


@app.command()
def show(
    context: typer.Context,
    patient: Annotated[str, typer.Argument(help="Id, number or name.")],
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Show one patient's record and the dates of the notes."""
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        file = load_patient(practice.store, practice.by, found.id)
    if as_json:
        say_json(_file_as_json(file))
        return
    _print_file(file)


@app.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name, or whatever the practice calls the person.")],
    number: Annotated[str, typer.Option(help="The practice's own number.")] = "",
    language: LangOption = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Add a patient; the new id is printed."""
    from phyassist.services.patients import new_patient

    settings = get_run(context).load_settings(language=language)
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        patient = new_patient(
            practice.store,
            practice.by,
            name=name,
            number=number,
            language=settings.language or practice.by.counsellor.language,
        )
    say(patient.id)


def _file_as_json(file: PatientFile) -> dict[str, Any]:
    from phyassist.domain.records import RecordField

    return {
        "id": file.patient.id,
        "number": file.patient.number,
        "name": file.patient.name,
        "language": file.patient.language,
        "record": {
            record_field.value: [
                {
                    "text": line.statement.text,
                    "quote": line.statement.quote,
                    "standing": line.standing.value,
                    "consultation_id": line.consultation_id,
                }
                for line in file.record.of(record_field)
            ]
            for record_field in RecordField
        },
        "consultations": [{"id": one.id, "at": one.at.isoformat()} for one in file.consultations],
        "notes": [{"id": note.id, "number": note.number, "at": note.at.isoformat()} for note in file.notes],
        "open_draft": file.open_draft.id if file.open_draft else None,
    }


def _print_file(file: PatientFile) -> None:
    from phyassist.cli.words import FIELDS, NOT_MENTIONED
    from phyassist.domain.records import RecordField

    language = file.patient.language
    console = make_console()
    console.print(f"{file.patient.name}  {file.patient.number}  {file.patient.id}", style="bold")
    for record_field in RecordField:
        console.print(f"\n{FIELDS[language][record_field]}", style="bold")
        lines = file.record.of(record_field)
        if not lines:
            console.print(f"  {NOT_MENTIONED[language]}", style="dim")
        for line in lines:
            mark = " (differs)" if line.standing.value == "differs" else ""
            console.print(f"  {line.statement.text}{mark}")
    console.print()
    for note in file.notes:
        console.print(f"Note {note.number}  {note.at:%Y-%m-%d}  {note.id}")
    if file.open_draft:
        console.print(f"open draft  {file.open_draft.id}")
