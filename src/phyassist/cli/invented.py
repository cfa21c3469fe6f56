"""The invented practice of `phyassist serve --demo`: six patients, in a home folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phyassist.cli.screen import tell
from phyassist.cli.zones import find_zone
from phyassist.errors import AlreadySetUp

if TYPE_CHECKING:
    from phyassist.settings import Settings

DEMO_FOLDER = "demo"


def make_invented(own: Settings, *, in_own_home: bool) -> Settings:
    """The settings of the invented practice, which is written where it is not yet.

    With `in_own_home` it lies in the home folder that was named, else in a folder below it.
    Raises AlreadySetUp where another practice is there.
    """
    from phyassist.services.demo import PASSPHRASE

    settings = own if in_own_home else _demo_settings(own)
    _fill_once(settings)
    tell(f"An invented practice lies in {settings.home}; its passphrase: {PASSPHRASE}")
    return settings


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
