"""`phyassist store`: bring up to date, look through, move elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin

if TYPE_CHECKING:
    from phyassist.services.upkeep import Checked
    from phyassist.settings import Settings

_ORIGIN = "command line"
_FINDINGS_SHOWN = 20

app = typer.Typer(
    no_args_is_help=True, help="Look after the practice's database: bring it up to date, check it, move it."
)
# An address on the command line is seen by everyone on the computer; one with a password comes from here.
_HERE = "here"
_ADDRESS = "sqlite:///..., postgresql://..., a file's path, or here: the store of the settings."


@app.command("migrate")
def migrate(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the store to this release's schema, whole or not at all; a SQLite file is copied before."""
    from phyassist.services.upkeep import migrate as migrate_store

    done = migrate_store(get_run(context).load_settings().store_url)
    if as_json:
        copy = None if done.copy is None else str(done.copy)
        say_json({"before": done.before, "after": done.after, "copy": copy})
    elif done.before == done.after:
        say(f"the store is at schema {done.after}, as it should be")
    else:
        say(f"schema {done.before or 'none'} -> {done.after}")
        if done.copy is not None:
            tell(f"the store as it was before: {done.copy} (delete it when all is well)")


@app.command("check")
def check(context: typer.Context, passphrase_stdin: PassphraseStdin = False, as_json: AsJson = False) -> None:
    """Look the store through; with a passphrase, open every value too. Ends with 1 if anything is wrong."""
    from phyassist.cli.unlocking import open_practice
    from phyassist.services.upkeep import check as check_store

    settings = get_run(context).load_settings()
    by = None
    if passphrase_stdin or settings.passphrase_file is not None:
        with open_practice(settings, from_stdin=passphrase_stdin) as practice:
            by = practice.by
    found = check_store(settings.store_url, by)
    if as_json:
        say_json(_as_json(found))
    else:
        _show(found, signed_in=by is not None)
    if not found.is_sound:
        raise typer.Exit(1)


@app.command("move")
def move(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help=f"The store: {_ADDRESS}")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty one, named in the same way.")],
    leave_open: Annotated[
        bool, typer.Option("--leave-open", help="Let FROM be written afterwards too: for a trial.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put the practice into another, empty database and compare every row; FROM can then only be read."""
    from phyassist.services.upkeep import move as move_store

    settings = get_run(context).load_settings()
    with _progress() as on_progress:
        moved = move_store(
            _read_address(source, settings),
            _read_address(target, settings),
            on_progress=on_progress,
            leave_open=leave_open,
            origin=_ORIGIN,
        )
    if as_json:
        tables = {
            name: {"rows": each.rows, "digest": f"{each.digest:064x}"} for name, each in moved.sums.items()
        }
        say_json({"rows": moved.rows, "tables": tables})
        return
    say(f"moved {moved.rows:,} rows of {len(moved.sums)} tables; each was read back and compared")
    tell("name the new store in store_url (PHYASSIST_STORE_URL); everyone signs in again")
    if not leave_open:
        tell(
            "the old one can be read and takes no changes; delete it when the new one is in use and backed up"
        )


@app.command("reopen")
def reopen(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="STORE", help=f"The store: {_ADDRESS}")],
) -> None:
    """Let a store be written again that was moved, when the move shall not count."""
    from phyassist.services.upkeep import reopen_store

    settings = get_run(context).load_settings()
    was_closed = reopen_store(_read_address(address, settings), origin=_ORIGIN)
    say("the store can be written again" if was_closed else "the store was open already")


def _read_address(given: str, settings: Settings) -> str:
    """An address as it was given, a path made into one, the settings' own where it says so."""
    if given == _HERE:
        return settings.store_url
    return given if "://" in given else f"sqlite:///{Path(given).absolute()}"


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=make_console(results=False)) as progress:
        tasks = {}

        def show(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(table, total=total)
            progress.update(tasks[table], completed=done)

        yield show


def _show(found: Checked, *, signed_in: bool) -> None:
    for each in found.findings[:_FINDINGS_SHOWN]:
        where = " ".join(part for part in (each.table, each.row_id) if part)
        say(f"{each.part}: {where}: {each.said}" if where else f"{each.part}: {each.said}")
    if len(found.findings) > _FINDINGS_SHOWN:
        say(f"… and {len(found.findings) - _FINDINGS_SHOWN} more (--json lists all)")
    tell(
        f"{found.engine}, schema {found.schema or 'none'}: {sum(found.rows.values()):,} rows, "
        f"{found.sealed:,} sealed values looked at, {found.opened:,} opened"
    )
    if signed_in:
        tell(
            f"patients whose values were opened: {found.patients_opened}; not yours: {found.patients_closed}"
        )
    say(
        "sound"
        if found.is_sound
        else f"{len(found.findings)} findings: restore what is damaged from a backup"
    )


def _as_json(found: Checked) -> dict[str, object]:
    findings = [
        {"part": each.part.value, "table": each.table, "row": each.row_id, "said": each.said}
        for each in found.findings
    ]
    return {
        "sound": found.is_sound,
        "engine": found.engine,
        "schema": found.schema,
        "rows": dict(found.rows),
        "sealed": found.sealed,
        "opened": found.opened,
        "patients_opened": found.patients_opened,
        "patients_not_yours": found.patients_closed,
        "findings": findings,
    }
