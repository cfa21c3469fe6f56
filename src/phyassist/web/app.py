"""The web application: everything it works with comes in through `create_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from phyassist.domain.clock import Clock, utc_now
from phyassist.domain.people import Jurisdiction
from phyassist.lm.protocol import LanguageModel
from phyassist.web.faults import answer_missing
from phyassist.web.guard import Guard
from phyassist.web.house import House
from phyassist.web.pages import (
    choices,
    consultations,
    drafts,
    entrance,
    items,
    notes,
    patients,
    records,
    workspace,
)

if TYPE_CHECKING:
    from phyassist.store.transactions import Store

PAGES = (choices, entrance, workspace, patients, consultations, drafts, items, records, notes)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound


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


def create_app(
    settings: WebSettings,
    *,
    store: Store,
    model: Callable[[], LanguageModel],
    clock: Clock = utc_now,
    zone: str = "UTC",
) -> FastAPI:
    """The workspace over a store.

    `model` is called whenever a page needs the language model: it returns the open one, or raises
    ModelMissing, ModelDamaged, UnknownName.  `zone` is the calendar where a browser does not tell its own.
    """
    # A file that is larger than this would be put down in a temporary folder on its way, in the clear.
    MultiPartParser.spool_max_size = settings.upload_bytes_max + 1_000_000
    house = House(
        store=store,
        model=model,
        clock=clock,
        language=settings.language,
        jurisdiction=settings.jurisdiction,
        upload_bytes_max=settings.upload_bytes_max,
        zone=zone,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        house.stops.stop_all()
        house.warming.close()

    app = FastAPI(title="PhyAssist", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.house = house
    app.add_middleware(Guard)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list_hosts(settings.host))
    app.add_exception_handler(HTTPException, answer_missing)
    for page in PAGES:
        app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=str(files("phyassist.web").joinpath("static"))), "static")
    return app


def list_hosts(host: str) -> list[str]:
    """The names that a browser may use for this server.

    On this machine alone any other name is refused: a foreign name that leads here is somebody else's page.
    """
    if host in EVERYWHERE:
        return ["*"]
    return [*LOOPBACK, host] if host not in LOOPBACK else list(LOOPBACK)
