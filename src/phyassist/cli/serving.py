"""`phyassist serve`: the engine and the workspace."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import tell
from phyassist.errors import BadSetting, StoreUnusable

if TYPE_CHECKING:
    from phyassist.settings import Settings


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    model: ModelOption = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the workspace in the browser.")
    ] = False,
) -> None:
    """Start the engine and the workspace; Ctrl C ends both."""
    settings = get_run(context).load_settings(host=host, port=port, model=model)
    run_workspace(settings, open_browser=open_browser)
