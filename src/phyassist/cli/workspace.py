"""One web process: the pages over a store, on a port that is open already."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from phyassist.cli.transport import CIPHERS, find_transport, parse_names
from phyassist.cli.zones import find_zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from phyassist.lm.protocol import LanguageModel
    from phyassist.settings import Settings
    from phyassist.store.transactions import Store


class SharedModel:
    """Calling it gives the model of the settings, opened once; closed at the end of the block."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._model: LanguageModel | None = None

    def __call__(self) -> LanguageModel:
        """Raises ModelMissing, ModelDamaged, UnknownName; a later call tries again."""
        from phyassist.cli.opening import open_language_model

        with self._lock:
            if self._model is None:
                self._model = self._open.enter_context(
                    open_language_model(self._settings, self._allows_outside)
                ).model
            return self._model

    def _allows_outside(self) -> bool:
        from phyassist.services.practice import get_practice_settings

        return get_practice_settings(self._store).outside_servers

    def __enter__(self) -> SharedModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def serve_app(
    settings: Settings,
    sock: socket.socket,
    store: Store,
    model: Callable[[], LanguageModel],
    on_open: Callable[[], None],
) -> None:
    """The pages over this store, until the process is interrupted; `on_open` is called when they answer."""
    import uvicorn

    from phyassist.services.library import find_embedder
    from phyassist.services.workers import load_worker
    from phyassist.web.app import create_app

    transport = find_transport(settings)
    names = parse_names(settings.names)
    app = create_app(
        settings,
        store=store,
        model=model,
        zone=find_zone(),
        names=names,
        worker=load_worker(settings.home).line,
        embedder=find_embedder(),
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_open()

    # uvicorn's own logs hold addresses with what was searched for in them, so it has none.
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        # One reader of requests whatever is installed, and the strict one: a second host is refused.
        http="h11",
        # uvicorn believes everybody on this machine unless it is told not to.
        proxy_headers=bool(transport.proxies),
        forwarded_allow_ips=list(transport.proxies),
        ssl_certfile=transport.cert,
        ssl_keyfile=transport.key,
        ssl_ciphers=CIPHERS,
        timeout_graceful_shutdown=5,
    )
    # Ctrl C is how a workspace is closed: uvicorn has ended in good order when it hands the signal on.
    with suppress(KeyboardInterrupt):
        Server(config).run(sockets=[sock])
