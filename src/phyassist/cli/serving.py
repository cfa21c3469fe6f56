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
from phyassist.errors import BadSetting

if TYPE_CHECKING:
    from phyassist.settings import Settings

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[int | None, typer.Option("--port", help="Port to listen on.")]
FetchOption = Annotated[bool, typer.Option("--fetch", help="Fetch the model first where it is not there.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the workspace in the browser.")]


def serve(
    context: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    model: ModelOption = None,
    fetch: FetchOption = False,
    open_browser: OpenOption = False,
) -> None:
    """Start the engine and the workspace; Ctrl C ends both."""
    settings = get_run(context).load_settings(host=host, port=port, model=model)
    run_workspace(settings, fetch=fetch, open_browser=open_browser)


def take_port(host: str, port: int) -> socket.socket:
    """A socket that listens at host and port.

    Raises BadSetting where the port is taken, is not ours to open, or the address is not this computer's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        # Without this a port is refused for a minute after the last run ended.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        raise BadSetting(_why_no_port(host, port, error), hint=_what_instead(port, error)) from None
    return sock


def _why_no_port(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken, perhaps by a workspace that is already open"
    if error.errno == errno.EACCES:
        return f"port {port} may not be opened by this user"
    return f"{host} is not an address of this computer"


def _what_instead(port: int, error: OSError) -> str:
    if error.errno in {errno.EADDRINUSE, errno.EACCES}:
        return f"look at http://127.0.0.1:{port} first, or start with --port {min(port + 1, 65535)}"
    return "use 127.0.0.1"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
