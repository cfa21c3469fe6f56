"""`phyassist setup` and `phyassist demo`: a practice of one's own, and the invented one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import Lang, ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import say, tell
from phyassist.cli.serving import FetchOption, HostOption, OpenOption, PortOption, run_workspace
from phyassist.cli.zones import find_zone
from phyassist.errors import AlreadySetUp, BadInput

if TYPE_CHECKING:
    from phyassist.settings import Settings

DEMO_FOLDER = "demo"


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


def demo(
    context: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    model: ModelOption = None,
    fetch: FetchOption = False,
    open_browser: OpenOption = False,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Open the workspace afterwards.")] = True,
) -> None:
    """Open the workspace with an invented practice in it: six patients, in a home folder of its own."""
    from phyassist.services.demo import PASSPHRASE

    run = get_run(context)
    own = run.load_settings(host=host, port=port, model=model)
    settings = own if run.home else _demo_settings(own)
    _fill_once(settings)
    tell(f"An invented practice lies in {settings.home}; its passphrase: {PASSPHRASE}")
    if serve:
        run_workspace(settings, fetch=fetch, open_browser=open_browser)


def _demo_settings(own: Settings) -> Settings:
    """The same settings with a home folder for the demo; model files are shared with the real one."""
    home = own.home / DEMO_FOLDER
    return own.model_copy(
        update={"home": home, "store_url": f"sqlite:///{(home / 'practice.db').absolute()}"}
    )


def _fill_once(settings: Settings) -> None:
    """Raises AlreadySetUp where the folder holds a practice that the demo's passphrase does not open."""
    from phyassist.domain.clock import utc_now
    from phyassist.errors import TooManyTries, WrongPassphrase
    from phyassist.services.demo import PASSPHRASE, PastClock, fill_practice
    from phyassist.services.practice import is_set_up, sign_in
    from phyassist.store.opening import open_store

    now = utc_now()
    clock = PastClock(now)
    with open_store(settings.store_url, clock=clock) as store:
        if not is_set_up(store):
            tell("writing the invented practice")
            fill_practice(store, clock, now=now, zone=find_zone())
            return
        try:
            sign_in(store, passphrase=PASSPHRASE)
        except (WrongPassphrase, TooManyTries):
            raise AlreadySetUp(
                f"{settings.home} holds a practice that is not the invented one",
                hint="give the demo a folder of its own with --home",
            ) from None
