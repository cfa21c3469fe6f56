"""`phyassist backup` and `phyassist restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin
from phyassist.errors import BadInput

if TYPE_CHECKING:
    from contextlib import ExitStack

    from phyassist.services.backups import BackupFile
    from phyassist.settings import Settings
    from phyassist.store.people import SignedIn
    from phyassist.store.transactions import Store

_ORIGIN = "command line"


class _MakeByDefault(TyperGroup):
    """`phyassist backup FILE` is `phyassist backup make FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_MakeByDefault,
    no_args_is_help=True,
    help="Back up the practice while people work, and check what was backed up.",
)


@app.command("make")
def make(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="File to write.")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder to write a dated file into instead.")
    ] = None,
    keep: Annotated[
        str,
        typer.Option("--keep", help="With --to: how long backups stay, such as 30d or 12w; older ones go."),
    ] = "30d",
    passphrase_stdin: PassphraseStdin = False,
    as_json: AsJson = False,
) -> None:
    """Write a backup; the word make may be left out. Needs no passphrase; with one, the file is sealed."""
    from contextlib import ExitStack

    from phyassist.services.backups import back_up, back_up_to, parse_keep

    settings = get_run(context).load_settings()
    if (file is None) == (to is None):
        raise BadInput("a backup goes into a file or a folder", hint="phyassist backup FILE, or --to DIR")
    with ExitStack() as stack:
        store, by = _open(stack, settings, from_stdin=passphrase_stdin)
        if to is not None:
            kept = back_up_to(store, to, keep=parse_keep(keep), by=by, origin=_ORIGIN)
            for gone in kept.removed:
                tell(f"removed, its time was over: {gone}")
            _show(kept.backup, as_json=as_json)
        elif file is not None:
            _show(back_up(store, file, by=by, origin=_ORIGIN), as_json=as_json)


@app.command("verify")
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    passphrase_stdin: PassphraseStdin = False,
    as_json: AsJson = False,
) -> None:
    """Read a backup from end to end and say whether it is whole; with a passphrase, whether it is ours."""
    from contextlib import ExitStack

    from phyassist.services.backups import verify_backup

    settings = get_run(context).load_settings()
    with ExitStack() as stack:
        store = by = None
        if passphrase_stdin or settings.passphrase_file is not None:
            store, by = _open(stack, settings, from_stdin=passphrase_stdin)
        _show(verify_backup(file, store=store, by=by), as_json=as_json)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    as_json: AsJson = False,
) -> None:
    """Restore a backup into this home folder's store, or the one of store_url, which must be empty."""
    from phyassist.services.backups import restore_backup

    settings = get_run(context).load_settings()
    _show(restore_backup(file, settings.store_url, origin=_ORIGIN), as_json=as_json)
    tell("restored; everyone signs in again with the passphrase of that time")


def _open(stack: ExitStack, settings: Settings, *, from_stdin: bool) -> tuple[Store, SignedIn | None]:
    """The store, and who signed in where a passphrase is at hand without asking."""
    from phyassist.cli.unlocking import open_practice
    from phyassist.store.opening import open_store

    if from_stdin or settings.passphrase_file is not None:
        opened = stack.enter_context(open_practice(settings, from_stdin=from_stdin))
        return opened.store, opened.by
    return stack.enter_context(open_store(settings.store_url)), None


def _show(backup: BackupFile, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "path": str(backup.path),
                "id": backup.id,
                "schema": backup.schema,
                "made_at": backup.made_at.isoformat(),
                "expires_at": None if backup.expires_at is None else backup.expires_at.isoformat(),
                "rows": backup.rows,
                "tables": backup.tables,
                "bytes": backup.size_bytes,
                "sealed": backup.sealed,
                "proven": backup.proven,
            }
        )
        return
    said = "proven by the practice's key" if backup.proven else ("sealed" if backup.sealed else "not sealed")
    tell(
        f"whole: {backup.rows:,} rows of {backup.tables} tables, {backup.size_bytes / 1e6:.1f} MB, "
        f"made {backup.made_at:%Y-%m-%d %H:%M} UTC, {said}"
    )
    say(str(backup.path))
