"""A workspace as a stranger meets it, and the same signed in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from phyassist.domain.learning import Limits
from phyassist.domain.people import Jurisdiction
from phyassist.errors import ModelMissing
from phyassist.lm.protocol import LanguageModel
from phyassist.store.opening import open_store
from phyassist.web.app import PAGES, create_app
from tests.conftest import FAST_COST, PASSPHRASE, copy_practice

URL = "http://127.0.0.1:8420"
SEALED_URL = "https://127.0.0.1:8420"


@dataclass(frozen=True)
class PlainSettings:
    host: str = "127.0.0.1"
    language: str = ""
    jurisdiction: Jurisdiction = "cn"
    upload_bytes_max: int = 100_000
    model_url: str = ""
    limits: Limits = field(default_factory=Limits)


def no_model() -> LanguageModel:
    raise ModelMissing("no model is there", hint="fetch one")


def list_routes() -> list[tuple[str, str]]:
    """Method and path of every page, as the application declares them."""
    routes = [route for page in PAGES for route in page.router.routes if isinstance(route, APIRoute)]
    return sorted((method, route.path) for route in routes for method in route.methods)


class Line(httpx2.BaseTransport):
    """Carries a request to the application and its whole answer back, both at once.

    The test client's own line starts a loop for a request and changes threads a dozen times on the way, which
    takes longer than most answers; thousands are asked for here.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.raise_server_exceptions = True

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return asyncio.run_coroutine_threadsafe(self._ask(request), start_loop()).result()

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        line = httpx2.ASGITransport(self.app, self.raise_server_exceptions, client=("testclient", 50000))
        reply = await line.handle_async_request(request)
        body = b"".join([piece async for piece in reply.stream])  # type: ignore[union-attr]
        return httpx2.Response(reply.status_code, headers=reply.headers, stream=httpx2.ByteStream(body))


@cache
def start_loop() -> asyncio.AbstractEventLoop:
    """The loop that answers every request: in a thread, as the browser's driver may have one in this."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="line", daemon=True).start()
    return loop


def make_browser(app: FastAPI, url: str = URL) -> TestClient:
    """A browser that has not been here before; it stops at redirects, to look at them."""
    headers = {"Origin": url, "Accept-Language": "en"}
    browser = TestClient(app, base_url=url, headers=headers, follow_redirects=False)
    browser._transport = Line(app)
    return browser


def sign_up(browser: TestClient) -> TestClient:
    form = {
        "name": "Dr. Wen",
        "passphrase": PASSPHRASE,
        "again": PASSPHRASE,
        "language": "en",
        "jurisdiction": "cn",
        "zone": "Asia/Shanghai",
    }
    assert browser.post("/setup", data=form).status_code == 200
    return browser


@pytest.fixture
def app(sqlite_practice: Path, tmp_path: Path) -> Iterator[FastAPI]:
    url = copy_practice(sqlite_practice, tmp_path / "practice.db")
    with open_store(url, passphrase_cost=FAST_COST) as store:
        yield create_app(PlainSettings(), store=store, model=no_model)


@pytest.fixture
def stranger(app: FastAPI) -> TestClient:
    return make_browser(app)


@pytest.fixture
def inside(app: FastAPI) -> TestClient:
    return sign_up(make_browser(app))


@pytest.fixture
def sealed(app: FastAPI) -> TestClient:
    """Signed in over TLS."""
    return sign_up(make_browser(app, SEALED_URL))
