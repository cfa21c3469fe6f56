"""`phyassist audit`: what was done, whether the log is whole, and an anchor to keep elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, open_practice, raise_not_set_up
from phyassist.errors import UnreadableFile

if TYPE_CHECKING:
    from phyassist.services.auditing import AuditRow

app = typer.Typer(help="Who did what, when and from where.", no_args_is_help=True)


@app.command("list")
def list_rows(
    context: typer.Context,
    person: Annotated[str, typer.Option(help="Only what the person of this id did.")] = "",
    act: Annotated[str, typer.Option(help="Only this act, such as exported.")] = "",
    row: Annotated[str, typer.Option(help="Only what concerns this id.")] = "",
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this day, in UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows at most.")] = 100,
    as_json: AsJson = False,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """List the newest rows, for who runs the practice."""
    from phyassist.services.auditing import AuditFilter, list_practice_audit

    settings = get_run(context).load_settings()
    since = day.replace(tzinfo=UTC) if day else None
    until = since + timedelta(days=1) if since else None
    wanted = AuditFilter(by_id=person, act=act, row_id=row, since=since, until=until)
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        page = list_practice_audit(practice.store, practice.by, wanted, limit=limit)
    if as_json:
        say_json([_as_json(each) for each in page.rows])
        return
    console = make_console()
    for each in page.rows:
        who = each.by_id[:8] or "-"
        what = f"{each.act:<20} {each.kind} {each.row_id[:8]}"
        console.print(f"{each.number:>7}  {each.at:%Y-%m-%d %H:%M}  {who:<8}  {what}  {each.origin}")


@app.command()
def verify(
    context: typer.Context,
    anchor: Annotated[
        str | None, typer.Option(help="An anchor from before, as phyassist audit anchor printed it.")
    ] = None,
    anchor_file: Annotated[
        Path | None, typer.Option(help="File of anchors, one a line; each of them is checked.")
    ] = None,
) -> None:
    """Check that no row was changed or taken out; with an anchor, that the log was not written anew.

    No passphrase is asked for: the log holds ids and times alone. Ends with 1 where something is wrong.
    """
    from phyassist.services.auditing import check_audit, parse_anchor
    from phyassist.services.practice import is_set_up
    from phyassist.store.opening import open_store

    settings = get_run(context).load_settings()
    given = [anchor] if anchor else []
    given += _read_anchors(anchor_file) if anchor_file else []
    anchors = [parse_anchor(each) for each in given]
    with open_store(settings.store_url) as store:
        if not is_set_up(store):
            raise_not_set_up()
        rows = check_audit(store)
        for each in anchors:
            check_audit(store, anchor=each)
    fits = f", {len(anchors)} anchors fit" if anchors else ""
    tell(f"the audit log is whole: {rows} rows{fits}")


@app.command("anchor")
def print_anchor(context: typer.Context) -> None:
    """Print the end of the log as it stands, to be kept on paper or on another machine."""
    from phyassist.services.auditing import get_anchor, write_anchor
    from phyassist.services.practice import is_set_up
    from phyassist.store.opening import open_store

    settings = get_run(context).load_settings()
    with open_store(settings.store_url) as store:
        if not is_set_up(store):
            raise_not_set_up()
        say(write_anchor(get_anchor(store)))


def _read_anchors(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{file} cannot be read ({type(error).__name__})") from None
    return [line for line in lines if line.strip()]


def _as_json(row: AuditRow) -> dict[str, object]:
    return {
        "number": row.number,
        "at": row.at.isoformat(),
        "by": row.by_id,
        "act": str(row.act),
        "kind": str(row.kind),
        "id": row.row_id,
        "origin": row.origin,
        "hash": row.hash,
    }
