"""`phyassist evaluate`: how well the organised record matches what a person read in the same texts."""

from __future__ import annotations

import typer

app = typer.Typer(help="Score what PhyAssist does against labels written by hand.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `organise` a command of its own while it is the only one."""
