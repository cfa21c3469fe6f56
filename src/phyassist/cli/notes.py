"""`phyassist notes`: list, show, save, lock, withdraw, export, private, check."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, find_patient, open_practice
from phyassist.errors import NotFound

if TYPE_CHECKING:
    from phyassist.domain.notes import ByHand, Note
    from phyassist.domain.people import Language
    from phyassist.services.patients import PatientFile

app = typer.Typer(help="The signed notes of a patient.", no_args_is_help=True)

PatientArgument = Annotated[str, typer.Argument(help="Id, number or name of the patient.")]


NumberArgument = Annotated[int, typer.Argument(help="Number of the note: 1, 2, 3 and so on.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="File to write; without it, stdout.")]


class Form(StrEnum):
    TXT = "txt"
    MD = "md"
    JSON = "json"


class TemplateName(StrEnum):
    ORIGINAL = "original"
    SOAP = "soap"
    DAP = "dap"
    BIRP = "birp"


TemplateOption = Annotated[
    TemplateName | None,
    typer.Option("--template", help="Form of the notes; without it, the one that each was signed in."),
]


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
                    "template": note.template,
                    "state": note.state(practice.store.clock()).value,
                    "locks_at": note.locks_at.isoformat() if note.locks_at else None,
                    "fingerprint": note.fingerprint or None,
                }
                for note in file.notes
            ]
        )
        return
    if not file.notes:
        tell("no notes yet")
    console = make_console()
    for note in file.notes:
        state = note.state(practice.store.clock())
        line = f"{note.number:>3}  {note.at:%Y-%m-%d}  {state:<7}  {note.id}  {note.question}"
        console.print(line, soft_wrap=True)


@app.command()
def show(
    context: typer.Context,
    patient: PatientArgument,
    number: NumberArgument,
    template: TemplateOption = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Show one note as it was signed, or in another form."""
    from phyassist.services.note_forms import render_note_text
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        file = load_patient(practice.store, practice.by, found.id)
        zone = practice.by.counsellor.zone
    chosen = (_find_note(file, number),)
    label = template.value if template else ""
    text = render_note_text(
        file.patient, file.record, chosen, file.patient.language, zone=zone, template=label
    )
    say(text.rstrip())


@app.command()
def save(
    context: typer.Context,
    patient: PatientArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    template: Annotated[
        TemplateName | None,
        typer.Option("--template", help="Form of the note; without it, the practice's usual one."),
    ] = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Sign the patient's open draft: it becomes a dated note; the note's id is printed.

    Headings of the form that hold no item are asked for, unless --yes is given; Enter leaves one empty.
    """
    from phyassist.services.note_forms import render_note_text
    from phyassist.services.noting import preview_note, save_note
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    label = template.value if template else ""
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        store, by = practice.store, practice.by
        file = load_patient(store, by, find_patient(practice, patient).id)
        if file.open_draft is None:
            short = file.patient.id[:8]
            raise NotFound(f"patient {short} has no open draft", hint="phyassist analyse writes one")
        draft = file.open_draft
        preview = preview_note(store, by, draft_id=draft.id, template=label)
        if not yes:
            by_hand = _ask_by_hand(preview, file.patient.language)
            preview = preview_note(store, by, draft_id=draft.id, template=label, by_hand=by_hand)
            zone, language = by.counsellor.zone, file.patient.language
            tell(render_note_text(file.patient, file.record, (preview,), language, zone=zone))
            question = "Sign this note? Until it locks it can be withdrawn, and amended at any time."
            typer.confirm(question, abort=True, err=True)
        note = save_note(
            store,
            by,
            draft_id=draft.id,
            after=draft.version,
            template=preview.template,
            by_hand=preview.by_hand,
        )
    tell(f"note {note.number} is signed")
    say(note.id)


@app.command()
def lock(
    context: typer.Context,
    patient: PatientArgument,
    number: NumberArgument,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Lock a note that you signed: from then on it can only be amended."""
    from phyassist.services.noting import lock_note
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        note = _find_note(load_patient(practice.store, practice.by, found.id), number)
        lock_note(practice.store, practice.by, note_id=note.id)
    tell(f"note {number} is locked")


@app.command()
def withdraw(
    context: typer.Context,
    patient: PatientArgument,
    number: NumberArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the trace.", prompt=True)],
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Make a note that you signed a draft again, until it locks; a trace of it stays."""
    from phyassist.services.noting import withdraw_note
    from phyassist.services.patients import load_patient

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        note = _find_note(load_patient(practice.store, practice.by, found.id), number)
        draft = withdraw_note(practice.store, practice.by, note_id=note.id, reason=reason)
    tell(f"note {number} is withdrawn; its draft is open again")
    say(draft.id)


@app.command()
def export(
    context: typer.Context,
    patient: PatientArgument,
    form: Annotated[Form, typer.Option("--form", help="txt, md or json.")] = Form.TXT,
    template: TemplateOption = None,
    out: OutOption = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Export all notes of a patient, in the clear: keep the file where it belongs.

    Your private process notes are not among them.
    """
    from phyassist.services.noting import export_notes

    settings = get_run(context).load_settings()
    label = template.value if template else ""
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        exported = export_notes(
            practice.store, practice.by, patient_id=found.id, form=form.value, template=label
        )
    _hand_out(exported.data, out)


@app.command()
def private(
    context: typer.Context,
    patient: PatientArgument,
    out: OutOption = None,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Show or export your own private process notes about a patient, and nobody else's."""
    from phyassist.services.process_notes import export_process_notes

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_patient(practice, patient)
        exported = export_process_notes(practice.store, practice.by, patient_id=found.id)
    _hand_out(exported.data, out)


@app.command()
def check(context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False) -> None:
    """Compare every note that you may open with its fingerprint, and all fingerprints with the audit log."""
    from phyassist.services.noting import check_notes

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = check_notes(practice.store, practice.by)
    if as_json:
        say_json({"patients": found.patients, "changed": found.changed, "unknown": found.unanchored})
    else:
        for note_id in found.changed:
            say(f"{note_id}  is not what was signed")
        for note_id in found.unanchored:
            say(f"{note_id}  its fingerprint is not in the audit log")
        tell(f"the notes of {found.patients} patients were looked at")
    if found.changed or found.unanchored:
        raise typer.Exit(1)


def _find_note(file: PatientFile, number: int) -> Note:
    for note in file.notes:
        if note.number == number:
            return note
    raise NotFound(
        f"patient {file.patient.id[:8]} has no note {number}", hint="phyassist notes list shows them"
    )


def _ask_by_hand(note: Note, language: Language) -> tuple[ByHand, ...]:
    """What the counsellor writes under the headings of the form that hold nothing."""
    from phyassist.domain.notes import ByHand
    from phyassist.services.templates import arrange_note

    return tuple(
        ByHand(each.key, typer.prompt(each.title, default=each.by_hand, show_default=False, err=True))
        for each in arrange_note(note, language)
        if each.is_open
    )


def _hand_out(data: bytes, out: Path | None) -> None:
    if out is None:
        say(data.decode("utf-8"))
        return
    # 0600: the file holds what the vault keeps sealed, so only its owner reads it.
    out.touch(mode=0o600)
    out.chmod(0o600)
    out.write_bytes(data)
    tell(f"written to {out}, readable by you alone and no longer encrypted")
