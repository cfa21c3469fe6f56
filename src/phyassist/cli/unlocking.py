"""Opening the practice from the command line: where the passphrase comes from, who signs in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.errors import BadInput, CodeNeeded, UnknownName, UnreadableFile

if TYPE_CHECKING:
    from phyassist.domain.people import Patient
    from phyassist.settings import Settings
    from phyassist.store.people import SignedIn
    from phyassist.store.transactions import Store

PassphraseStdin = Annotated[
    bool, typer.Option("--passphrase-stdin", help="Read the passphrase from the first line of stdin.")
]


@dataclass(frozen=True, slots=True)
class Practice:
    """The store, and who signed in to it."""

    store: Store
    by: SignedIn

    def allows_outside(self) -> bool:
        """Whether text may go to a model server that is not the practice's own."""
        from phyassist.services.practice import get_practice_settings

        return get_practice_settings(self.store).outside_servers


@contextmanager
def open_practice(settings: Settings, *, from_stdin: bool = False) -> Iterator[Practice]:
    """The practice of this home folder, opened with the passphrase; closed again at the end.

    Raises NotSetUp, WrongPassphrase, CodeNeeded, NameNeeded, TooManyTries, StoreUnusable.
    """
    from phyassist.services.practice import is_set_up, sign_in
    from phyassist.services.sharing import take_up
    from phyassist.store.opening import open_store

    with open_store(settings.store_url) as store:
        if not is_set_up(store):
            raise_not_set_up()
        passphrase = read_passphrase(settings.passphrase_file, from_stdin=from_stdin)
        sign = partial(sign_in, store, passphrase=passphrase, name=settings.counsellor, origin="cli")
        try:
            by = sign()
        except CodeNeeded:
            if not from_stdin and not sys.stdin.isatty():
                raise
            by = sign(code=read_code(from_stdin=from_stdin))
        take_up(store, by)
        yield Practice(store, by)


def raise_not_set_up() -> None:
    from phyassist.errors import NotSetUp

    raise NotSetUp(
        "no practice has been set up in this home folder",
        hint="phyassist setup does it here, phyassist serve in the browser",
    )


def read_passphrase(file: Path | None, *, from_stdin: bool = False, prompt: str = "Passphrase") -> str:
    """The passphrase: from stdin where asked, from the file of the settings, else typed unseen."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableFile(
                f"the passphrase file {file} cannot be read ({type(error).__name__})",
                hint="PHYASSIST_PASSPHRASE_FILE names it",
            ) from None
    if not sys.stdin.isatty():
        raise BadInput(
            "there is no terminal to ask for the passphrase",
            hint="use --passphrase-stdin or PHYASSIST_PASSPHRASE_FILE",
        )
    return str(typer.prompt(prompt, hide_input=True, err=True))


def read_code(*, from_stdin: bool) -> str:
    """The second factor's code: the next line of stdin, or typed."""
    if from_stdin:
        return sys.stdin.readline().strip()
    return str(typer.prompt("Code of the authenticator app", err=True))


def find_patient(practice: Practice, words: str) -> Patient:
    """The one patient whose id (or its beginning), number or name this is.

    Raises UnknownName where none or several are meant.
    """
    from phyassist.services.patients import list_patients

    rows = [row.patient for row in list_patients(practice.store, practice.by)]
    exact = [one for one in rows if words in (one.id, one.number, one.name)]
    found = exact or [one for one in rows if len(words) >= 4 and one.id.startswith(words)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(one.id[:8] for one in found)
        raise UnknownName(f"{len(found)} patients match", hint=f"give the id of one: {ids}")
    raise UnknownName("no patient has this id, number or name", hint="phyassist patients list shows them")
