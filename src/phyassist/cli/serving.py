"""`phyassist serve`: the engine and the workspace."""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.invented import make_invented
from phyassist.cli.options import ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import tell
from phyassist.cli.transport import Transport, find_transport, parse_names
from phyassist.cli.workspace import SharedModel, serve_app
from phyassist.errors import BadSetting, ModelError

if TYPE_CHECKING:
    from phyassist.settings import Settings

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[int | None, typer.Option("--port", help="Port to listen on.")]
FetchOption = Annotated[bool, typer.Option("--fetch", help="Fetch the model first where it is not there.")]
CertOption = Annotated[
    Path | None, typer.Option("--tls-cert", help="Certificate (PEM) to serve over TLS with.")
]
KeyOption = Annotated[Path | None, typer.Option("--tls-key", help="The certificate's private key (PEM).")]
ProxyOption = Annotated[
    str | None,
    typer.Option(
        "--behind-proxy", help="Addresses of the proxies in front whose X-Forwarded headers are believed."
    ),
]
NamesOption = Annotated[
    str | None, typer.Option("--names", help="Host names under which browsers reach the workspace.")
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers", min=1, max=32, help="Web processes; together they have one port and one engine."
    ),
]
DemoOption = Annotated[
    bool, typer.Option("--demo", help="Open an invented practice of six patients, in a folder of its own.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the workspace in the browser.")]


def serve(
    context: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    model: ModelOption = None,
    fetch: FetchOption = False,
    open_browser: OpenOption = False,
    tls_cert: CertOption = None,
    tls_key: KeyOption = None,
    behind_proxy: ProxyOption = None,
    names: NamesOption = None,
    workers: WorkersOption = 1,
    demo: DemoOption = False,
) -> None:
    """Start the engine and the workspace; Ctrl C ends both."""
    run = get_run(context)
    settings = run.load_settings(
        host=host,
        port=port,
        model=model,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        names=names,
    )
    if demo:
        settings = make_invented(settings, in_own_home=run.home is not None)
    run_workspace(settings, fetch=fetch, open_browser=open_browser, workers=workers)


def run_workspace(
    settings: Settings, *, fetch: bool = False, open_browser: bool = False, workers: int = 1
) -> None:
    """The workspace, until it is interrupted.

    Raises BadSetting where the port cannot be opened or TLS not be set up, StoreUnusable, with `fetch`
    FetchFailed, and with several `workers` WorkersDied.
    """
    from phyassist.cli.keeping import WorkerKeeper
    from phyassist.cli.models import fetch_missing
    from phyassist.services.workers import load_worker
    from phyassist.store.opening import open_store

    transport = find_transport(settings)
    sock = take_port(settings.host, settings.port)
    with sock:
        if fetch:
            fetch_missing(settings)

        def announce() -> None:
            _announce(settings, transport, open_browser=open_browser)

        if workers > 1:
            from phyassist.cli.workers import run_workers

            run_workers(settings, sock, workers, announce)
            return
        with (
            open_store(settings.store_url) as store,
            SharedModel(settings, store) as model,
            WorkerKeeper(settings, store, load_worker(settings.home)),
        ):
            try:
                model()
            except ModelError as error:
                # The record and the notes work without a model; the pages say the same where they need it.
                tell(f"no model yet: {error} [{error.code}]")
            serve_app(settings, sock, store, model, announce)


def _announce(settings: Settings, transport: Transport, *, open_browser: bool) -> None:
    name = (parse_names(settings.names) or (settings.host,))[0] if transport.cert else settings.host
    address = f"{transport.scheme}://{name}:{settings.port}"
    tell(f"PhyAssist is open on {address}  (Ctrl C closes it)")
    if not is_loopback(settings.host) and not transport.is_sealed:
        tell(
            "others can reach this address and nothing encrypts the way: "
            "give --tls-cert and --tls-key, or put a proxy with TLS in front (docs/transport.md)"
        )
    if open_browser:
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


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
