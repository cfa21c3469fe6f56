"""`phyassist worker`: trains what counsellors have asked for, on this computer or on another one."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phyassist.cli.options import ModelOption
from phyassist.cli.run import get_run
from phyassist.cli.screen import tell
from phyassist.errors import ModelMissing, NoWorker, StoreAway, StoreFull

if TYPE_CHECKING:
    from phyassist.domain.adapters import AdapterCard
    from phyassist.lm.protocol import LanguageModel
    from phyassist.services.working import BaseFiles, Tools
    from phyassist.settings import Settings
    from phyassist.store.transactions import Store

LOOK_EVERY_S = 2.0


def worker(
    context: typer.Context,
    model: ModelOption = None,
    once: Annotated[bool, typer.Option("--once", help="Do what waits, then end.")] = False,
) -> None:
    """Train what waits, one run after another; Ctrl C ends it, and another worker goes on with its run."""
    from phyassist.services.workers import load_worker, see_worker
    from phyassist.services.working import work_once
    from phyassist.store.opening import open_store

    settings = get_run(context).load_settings(model=model)
    own = load_worker(settings.home)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), open_store(settings.store_url) as store:
        if not see_worker(store, own):
            raise NoWorker(
                "this computer has not been admitted to train",
                hint="whoever runs the practice does it with phyassist workers admit",
            )
        if not once:
            tell(f"{own.line.machine} waits for something to train  (Ctrl C ends it)")
        tools = make_tools(settings, store)
        while True:
            try:
                if work_once(store, own, tools) is not None:
                    continue
                see_worker(store, own)
            except (StoreAway, StoreFull):
                # Neither a database that is started again nor a full disk is a reason to end.
                if once:
                    raise
            if once:
                return
            time.sleep(LOOK_EVERY_S)


def make_tools(settings: Settings, store: Store) -> Tools:
    """How a worker of these settings finds base models, and opens one to measure."""
    from phyassist.services.working import Tools

    @contextmanager
    def open_model(base: BaseFiles) -> Iterator[LanguageModel]:
        from phyassist.cli.opening import open_language_model
        from phyassist.services.practice import get_practice_settings

        local = settings if settings.model_url else settings.model_copy(update={"model": str(base.gguf)})
        with open_language_model(local, lambda: get_practice_settings(store).outside_servers) as opened:
            yield opened.model

    return Tools(lambda card: find_base(settings, card), open_model)


def find_base(settings: Settings, card: AdapterCard) -> BaseFiles:
    """The base model that an adapter is for, by the hash of its file.  Raises ModelMissing."""
    from phyassist.lm.catalogue import get_model_file, load_catalogue
    from phyassist.lm.hashing import load_sha256

    for known in load_catalogue():
        if known.sha256 and known.sha256 == card.base_sha256:
            return _base(settings, known.name, get_model_file(known, settings.models_dir))
    others = [Path(settings.model), Path(settings.model_base), *sorted(settings.models_dir.glob("*.gguf"))]
    for path in others:
        if path.suffix == ".gguf" and path.is_file() and load_sha256(path) == card.base_sha256:
            return _base(settings, path.stem, path)
    raise ModelMissing(
        f"the base model {card.config.get('model', '')} is not on this computer",
        hint="fetch it with phyassist models fetch",
    )


def _base(settings: Settings, name: str, file: Path) -> BaseFiles:
    from phyassist.services.working import BaseFiles

    return BaseFiles(str(file), str(settings.home / "bases" / name))
