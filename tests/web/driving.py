"""A workspace that is signed in, with the store and the counsellor behind it at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi.testclient import TestClient

from phyassist.domain.learning import Limits
from phyassist.domain.people import Jurisdiction
from phyassist.domain.workers import WorkerLine
from phyassist.errors import ModelMissing
from phyassist.lm.protocol import LanguageModel
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.web.app import create_app
from tests.conftest import PASSPHRASE

URL = "http://127.0.0.1:8420"
PART = {"HX-Request": "true"}


@dataclass(frozen=True)
class PlainSettings:
    host: str = "127.0.0.1"
    language: str = ""
    jurisdiction: Jurisdiction = "cn"
    upload_bytes_max: int = 1000
    limits: Limits = field(default_factory=Limits)
    model_url: str = ""


@dataclass(frozen=True)
class Driven:
    """The pages and what lies behind them."""

    http: TestClient
    store: Store
    by: SignedIn


def no_model() -> LanguageModel:
    raise ModelMissing("no model is there", hint="fetch one")


@contextmanager
def open_workspace(
    store: Store,
    by: SignedIn,
    *,
    language: str = "en",
    passphrase: str = PASSPHRASE,
    model: Callable[[], LanguageModel] = no_model,
    worker: WorkerLine | None = None,
    upload_bytes_max: int = 1000,
    model_url: str = "",
) -> Iterator[Driven]:
    """The pages over this store, unlocked by this counsellor."""
    settings = PlainSettings(upload_bytes_max=upload_bytes_max, model_url=model_url)
    app = create_app(settings, store=store, model=model, clock=store.clock, worker=worker)
    headers = {"Origin": URL, "Accept-Language": language}
    with TestClient(app, base_url=URL, headers=headers, follow_redirects=False) as http:
        http.cookies.set("phyassist_language", language)
        reply = http.post("/unlock", data={"passphrase": passphrase})
        assert reply.status_code == 303
        yield Driven(http, store, by)
