"""`phyassist workers`: which computers may train, admitted and removed by who runs the practice."""

from __future__ import annotations

from typing import Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, open_practice
from phyassist.errors import UnknownName

app = typer.Typer(help="The computers that may train assistants.", no_args_is_help=True)


@app.command()
def show(context: typer.Context) -> None:
    """Print this computer's line, to be admitted elsewhere; its keys are made at first."""
    from phyassist.services.workers import load_worker

    line = load_worker(get_run(context).load_settings().home).line
    tell(f"fingerprint: {line.fingerprint}")
    say(line.to_text())


@app.command()
def admit(
    context: typer.Context,
    line: Annotated[
        str, typer.Argument(help="What phyassist workers show prints there; empty: this computer.")
    ] = "",
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Let a computer train: runs that are started from now on give it what they learn from."""
    from phyassist.services.workers import admit_worker, load_worker, parse_line

    settings = get_run(context).load_settings()
    worker = parse_line(line) if line else load_worker(settings.home).line
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        admit_worker(practice.store, practice.by, line=worker)
    tell(f"{worker.machine} may train; fingerprint {worker.fingerprint}")


@app.command("list")
def list_all(
    context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False
) -> None:
    """List the computers that may train, and when each last looked for work."""
    from phyassist.services.workers import list_workers

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        workers = list_workers(practice.store, practice.by)
    rows = [
        {
            "id": each.id,
            "machine": each.line.machine,
            "fingerprint": each.line.fingerprint,
            "admitted_at": each.admitted_at.isoformat(),
            "seen_at": each.seen_at.isoformat() if each.seen_at else None,
        }
        for each in workers
    ]
    if as_json:
        say_json(rows)
        return
    from rich.table import Table

    table = Table("id", "machine", "fingerprint", "admitted", "last seen", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(value or "") for value in row.values()))
    make_console().print(table)


@app.command()
def remove(
    context: typer.Context,
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="Id or the computer's name.")],
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Give a computer nothing to train any more; what it runs waits for another one."""
    from phyassist.services.workers import list_workers, remove_worker

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = [
            each
            for each in list_workers(practice.store, practice.by)
            if worker == each.line.machine or (len(worker) >= 4 and each.id.startswith(worker))
        ]
        if len(found) != 1:
            raise UnknownName(
                "no single computer has this id or name", hint="phyassist workers list shows them"
            )
        remove_worker(practice.store, practice.by, worker_id=found[0].id)
    tell(f"{found[0].line.machine} trains no more")
