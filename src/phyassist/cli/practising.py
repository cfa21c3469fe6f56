"""`phyassist setup`: a practice of one's own."""

from __future__ import annotations

from typing import Annotated

import typer

from phyassist.cli.options import Lang
from phyassist.cli.run import get_run
from phyassist.cli.screen import say, tell
from phyassist.cli.zones import find_zone
from phyassist.errors import AlreadySetUp, BadInput


def setup(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="Your name, as notes are signed with it.")] = None,
    lang: Annotated[Lang, typer.Option("--lang", help="Language of the practice.")] = Lang.ZH,
    jurisdiction: Annotated[
        str | None, typer.Option(help="cn: no diagnosis is written, only signs and referral; other.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone, such as Asia/Shanghai; without it, this computer's.")
    ] = None,
    passphrase_stdin: Annotated[
        bool, typer.Option("--passphrase-stdin", help="Read the passphrase from the first line of stdin.")
    ] = False,
) -> None:
    """Set up a practice in the terminal; the recovery key is printed once. The browser does it too."""
    from phyassist.cli.unlocking import read_passphrase
    from phyassist.services.practice import is_set_up, set_up
    from phyassist.store.opening import open_store

    settings = get_run(context).load_settings(jurisdiction=jurisdiction)
    with open_store(settings.store_url) as store:
        if is_set_up(store):
            raise AlreadySetUp(
                f"{settings.home} already holds a practice", hint="use another folder with --home"
            )
        named = name or str(typer.prompt("Your name", err=True))
        passphrase = read_passphrase(settings.passphrase_file, from_stdin=passphrase_stdin)
        typed = not passphrase_stdin and settings.passphrase_file is None
        if typed and read_passphrase(None, prompt="Once more") != passphrase:
            raise BadInput("the two passphrases differ", hint="nothing was set up; try again")
        done = set_up(
            store,
            name=named,
            passphrase=passphrase,
            language=lang.value,
            jurisdiction=settings.jurisdiction,
            zone=zone or find_zone(),
        )
    tell("The practice is set up. This is the recovery key, shown this once; print it and lock it away:")
    say(done.recovery_key.reveal_text())
