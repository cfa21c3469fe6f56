"""`phyassist demo`: a base and its adapter side by side in the browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from phyassist.cli.adapters import find_base_of
from phyassist.cli.data import needs_models
from phyassist.cli.screen import tell
from phyassist.cli.serving import take_port
from phyassist.errors import BadSetting, MissingLibrary


def demo(
    context: typer.Context,
    adapter: Annotated[Path, typer.Argument(help="A run, or a folder that holds an adapter.")],
    base: Annotated[
        str, typer.Option(help="Its base: a name of the catalogue or a folder; without it, the one it names.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Open a page where base and adapter answer the same question side by side; for trying, not for work."""
    with needs_models():
        from phyassist.training.bases import find_adapter
        from phyassist.training.demo_page import make_page, make_theme
        from phyassist.training.side_by_side import open_pair

    if find_spec("gradio") is None:
        raise MissingLibrary("the library gradio is not installed", hint="pip install 'phyassist[demo]'")
    # Models take a while to load: a port that is taken is said before.
    take_port(host, port).close()
    pair = open_pair(find_base_of(context, find_adapter(adapter), base), adapter)
    page = make_page(pair, title=adapter.resolve().name)
    try:
        page.launch(
            server_name=host,
            server_port=port,
            share=False,
            inbrowser=open_browser,
            quiet=True,
            theme=make_theme(),
            prevent_thread_lock=True,
        )
    except OSError:
        raise BadSetting(
            f"port {port} of {host} could not be opened", hint="try another one with --port"
        ) from None
    try:
        tell(f"base and adapter answer on http://{host}:{port}  (Ctrl C closes the page)")
        page.block_thread()
    finally:
        # The page's own thread would keep the process alive where Ctrl C came a moment before it waits.
        page.close(verbose=False)
