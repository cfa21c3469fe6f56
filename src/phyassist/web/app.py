"""The web application: everything it works with comes in through `create_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.staticfiles import StaticFiles

from phyassist.domain.clock import Clock, utc_now
from phyassist.domain.learning import Limits
from phyassist.domain.people import Jurisdiction
from phyassist.domain.workers import WorkerLine
from phyassist.lm.protocol import LanguageModel
from phyassist.services.embedding import Shelver
from phyassist.services.library import Embedder
from phyassist.services.running import RunKeeper
from phyassist.web.faults import FORM_TEXT_BYTES_MAX, answer_missing
from phyassist.web.guard import Guard, make_hosts
from phyassist.web.house import House
from phyassist.web.pages import (
    account,
    aside,
    assistant,
    auditing,
    chatting,
    choices,
    comparing,
    consent,
    consultations,
    drafts,
    entrance,
    erasing,
    items,
    joining,
    library,
    notes,
    patients,
    people,
    process_notes,
    records,
    retention,
    shared_assistant,
    sharing,
    workspace,
)
from phyassist.web.render import find_static

if TYPE_CHECKING:
    from phyassist.store.transactions import Store

PAGES = (
    choices,
    entrance,
    workspace,
    patients,
    consultations,
    aside,
    drafts,
    items,
    records,
    chatting,
    notes,
    process_notes,
    joining,
    people,
    account,
    sharing,
    retention,
    consent,
    auditing,
    erasing,
    assistant,
    shared_assistant,
    library,
    comparing,
)
# What a form holds around its file: the names of its fields and the lines between them.
FORM_BYTES = 1_000_000


class WebSettings(Protocol):
    """What the pages need of the settings."""

    @property
    def host(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def jurisdiction(self) -> Jurisdiction: ...
    @property
    def upload_bytes_max(self) -> int: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def model_url(self) -> str: ...


def create_app(
    settings: WebSettings,
    *,
    store: Store,
    model: Callable[[], LanguageModel],
    clock: Clock = utc_now,
    zone: str = "UTC",
    names: Sequence[str] = (),
    worker: WorkerLine | None = None,
    embedder: Embedder | None = None,
) -> FastAPI:
    """The workspace over a store.

    `model` is called whenever a page needs the language model: it returns the open one, or raises
    ModelMissing, ModelDamaged, UnknownName.  `zone` is the calendar where a browser does not tell its own.
    `names` are those under which browsers reach the workspace, beyond the address that it listens on.
    `worker` is what this computer trains with, where it can.
    `embedder` searches the library by meaning; without one it is searched by words.
    """
    # A file that is larger than this would be put down in a temporary folder on its way, in the clear.
    MultiPartParser.spool_max_size = settings.upload_bytes_max + FORM_BYTES
    house = House(
        store=store,
        model=model,
        clock=clock,
        language=settings.language,
        jurisdiction=settings.jurisdiction,
        upload_bytes_max=settings.upload_bytes_max,
        zone=zone,
        runs=RunKeeper(store),
        limits=settings.limits,
        is_model_here=not settings.model_url,
        worker=worker,
        embedder=embedder,
        shelver=None if embedder is None else Shelver(store, embedder),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        house.runs.close()
        house.warming.close()
        if house.shelver is not None:
            house.shelver.close()

    app = FastAPI(title="PhyAssist", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.house = house
    app.add_middleware(
        Guard,
        hosts=make_hosts(settings.host, names),
        body_bytes_max=max(FORM_TEXT_BYTES_MAX, settings.upload_bytes_max) + FORM_BYTES,
    )
    app.add_exception_handler(HTTPException, answer_missing)
    for page in PAGES:
        # Included, a router has each of its routes made a second time, at the first request that passes it.
        app.router.routes += page.router.routes
    static = StaticFiles(directory=str(files("phyassist.web").joinpath("static")))
    app.mount(find_static(), static, "static-of-this-version")
    app.mount("/static", static, "static")
    return app
