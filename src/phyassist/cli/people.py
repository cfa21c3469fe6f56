"""`phyassist people`: who works here, inviting, ending an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import AsJson
from phyassist.cli.run import get_run
from phyassist.cli.screen import make_console, say, say_json, tell
from phyassist.cli.unlocking import PassphraseStdin, open_practice
from phyassist.domain.people import Role
from phyassist.errors import UnknownName

if TYPE_CHECKING:
    from phyassist.cli.unlocking import Practice
    from phyassist.services.people import Colleague

app = typer.Typer(help="The people of the practice and their accounts.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(metavar="NAME", help="Name or id.")]


@app.command("list")
def list_all(
    context: typer.Context, as_json: AsJson = False, passphrase_stdin: PassphraseStdin = False
) -> None:
    """List the people: id, name, role, of how many patients in charge, fingerprint."""
    from phyassist.services.people import list_colleagues

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        people = list_colleagues(practice.store, practice.by)
    if as_json:
        say_json([_as_json(one) for one in people])
        return
    from rich.table import Table

    table = Table("id", "name", "role", "in charge of", "fingerprint", "ended", box=None, pad_edge=False)
    for one in people:
        row = _as_json(one)
        table.add_row(*(str(value or "") for key, value in row.items() if key != "keys_changed"))
    make_console().print(table)


@app.command()
def invite(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new person.")],
    role: Annotated[Role, typer.Option(help="What they do here.")] = Role.COUNSELLOR,
    passphrase_stdin: PassphraseStdin = False,
) -> None:
    """Invite somebody; the one-time code is printed once. They join in the browser, at /join."""
    from phyassist.services.people import invite as make_invitation

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        made = make_invitation(practice.store, practice.by, name=name, role=role)
    tell("The one-time code, good for a week; hand it over in person or by phone:")
    say(made.code.reveal_text())


@app.command()
def deactivate(context: typer.Context, name: Who, passphrase_stdin: PassphraseStdin = False) -> None:
    """End an account: its logins end at once, and nobody signs in to it."""
    from phyassist.services.people import end_account

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_colleague(practice, name)
        end_account(practice.store, practice.by, counsellor_id=found.member.id)
    tell("the account has ended" + ("; its files wait to be handed over" if found.kept else ""))


@app.command()
def resume(context: typer.Context, name: Who, passphrase_stdin: PassphraseStdin = False) -> None:
    """Let an ended account sign in again."""
    from phyassist.services.people import resume_account

    settings = get_run(context).load_settings()
    with open_practice(settings, from_stdin=passphrase_stdin) as practice:
        found = find_colleague(practice, name)
        resume_account(practice.store, practice.by, counsellor_id=found.member.id)


def find_colleague(practice: Practice, words: str) -> Colleague:
    """The one person whose name or id this is.  Raises UnknownName."""
    from phyassist.services.people import list_colleagues

    people = list_colleagues(practice.store, practice.by)
    found = [
        one
        for one in people
        if words.casefold() == one.member.counsellor.name.casefold()
        or (len(words) >= 4 and one.member.id.startswith(words))
    ]
    if len(found) != 1:
        raise UnknownName("nobody here has this name or id", hint="phyassist people list shows them")
    return found[0]


def _as_json(one: Colleague) -> dict[str, object]:
    member = one.member
    return {
        "id": member.id,
        "name": member.counsellor.name,
        "role": member.role.value,
        "in_charge_of": one.kept,
        "fingerprint": member.identity.fingerprint if member.identity else None,
        "ended_at": member.ended_at.isoformat() if member.ended_at else None,
        "keys_changed": one.keys_changed,
    }
