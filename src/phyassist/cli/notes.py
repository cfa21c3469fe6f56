"""`phyassist notes`: list, show, save, export."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice
from phyassist.errors import NotFound

app = typer.Typer(help="The signed notes of a patient.", no_args_is_help=True)

PatientArgument = Annotated[str, typer.Argument(help="Id, number or name of the patient.")]


class Form(StrEnum):
    TXT = "txt"
    MD = "md"
    JSON = "json"


@app.command("list")
def list_all(
    context: typer.Context,
    patient: PatientArgument,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """List a patient's notes, newest first."""
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        file = load_patient(practice.store, practice.by, found.id)
    if as_json:
        say_json(
            [
                {
                    "id": note.id,
                    "number": note.number,
                    "at": note.at.isoformat(),
                    "signed_at": note.signed_at.isoformat(),
                    "question": note.question,
                    "amendments": len(note.amendments),
                }
                for note in file.notes
            ]
        )
        return
    if not file.notes:
        tell("no notes yet")
    console = make_console()
    for note in file.notes:
        console.print(f"{note.number:>3}  {note.at:%Y-%m-%d}  {note.id}  {note.question}", soft_wrap=True)


@app.command()
def show(
    context: typer.Context,
    patient: PatientArgument,
    number: Annotated[int, typer.Argument(help="Number of the note: 1, 2, 3 and so on.")],
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Show one note as it was signed."""
    from phyassist.services.note_forms import render_note_text
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        file = load_patient(practice.store, practice.by, found.id)
        zone = practice.by.counsellor.zone
    chosen = tuple(note for note in file.notes if note.number == number)
    if not chosen:
        raise NotFound(f"patient {found.id[:8]} has no note {number}", hint="phyassist notes list shows them")
    say(render_note_text(file.patient, file.record, chosen, file.patient.language, zone=zone).rstrip())


@app.command()
def save(
    context: typer.Context,
    patient: PatientArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Sign the patient's open draft: it becomes a dated note; the note's id is printed."""
    from phyassist.services.note_forms import render_note_text
    from phyassist.services.noting import preview_note, save_note
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        file = load_patient(practice.store, practice.by, found.id)
        if file.open_draft is None:
            raise NotFound(f"patient {found.id[:8]} has no open draft", hint="phyassist analyse writes one")
        draft = file.open_draft
        preview = preview_note(practice.store, practice.by, draft_id=draft.id)
        if not yes:
            zone = practice.by.counsellor.zone
            tell(render_note_text(file.patient, file.record, (preview,), file.patient.language, zone=zone))
            typer.confirm("Sign this note? It can be amended afterwards, not changed.", abort=True, err=True)
        note = save_note(practice.store, practice.by, draft_id=draft.id, after=draft.version)
    tell(f"note {note.number} is signed")
    say(note.id)


@app.command()
def export(
    context: typer.Context,
    patient: PatientArgument,
    form: Annotated[Form, typer.Option("--form", help="txt, md or json.")] = Form.TXT,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; without it, stdout.")] = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Export all notes of a patient, in the clear: keep the file where it belongs."""
    from phyassist.services.noting import export_notes

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        exported = export_notes(practice.store, practice.by, patient_id=found.id, form=form.value)
    if out is None:
        say(exported.data.decode("utf-8"))
        return
    # 0600: the file holds what the vault keeps sealed, so only its owner reads it.
    out.touch(mode=0o600)
    out.chmod(0o600)
    out.write_bytes(exported.data)
    tell(f"written to {out}, readable by you alone and no longer encrypted")
