"""A real workspace on loopback, a scripted model behind it, and a real Chromium before it."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from phyassist.domain.learning import Limits
from phyassist.domain.people import Jurisdiction
from phyassist.lm.protocol import Ask, LanguageModel, Reading, Reply, Stop, Words
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.workers import load_worker
from phyassist.store.opening import open_store
from phyassist.web.app import create_app
from tests.browser.replies import answers
from tests.conftest import FAST_COST, copy_practice

# Without a window it takes half of the processor's time; a Chromium that is there already will do.
BROWSERS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
CHROMIUM = next((each for each in BROWSERS if each.exists()), BROWSERS[0])
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
]
# Far above what a page takes: a test fails for what does not come, not for a busy machine.
PATIENCE_S = 30.0
PASSPHRASE = "four quiet lamps at dawn"
# The browser logs refused requests itself; what a test provokes on purpose is no fault of the page.
EXPECTED = (
    "Failed to load resource",
    "net::ERR_",
    "Response Status Error Code",
    "htmx:sendError",
    "htmx:sseError",
    "htmx:afterRequest",
)


@dataclass(frozen=True)
class PlainSettings:
    host: str = "127.0.0.1"
    language: str = ""
    jurisdiction: Jurisdiction = "cn"
    upload_bytes_max: int = 1_000_000
    limits: Limits = field(default_factory=Limits)
    model_url: str = ""


class GatedModel:
    """Says what the script says; after `hold_after` words it waits for the gate, or to be stopped."""

    def __init__(self, replies: Iterator[Any]) -> None:
        self.script = ScriptedModel(itertools.islice(replies, 60), name="scripted-model")
        self.gate = threading.Event()
        self.gate.set()
        self.hold_after = 0
        self.stopped = threading.Event()

    @property
    def name(self) -> str:
        return self.script.name

    @property
    def base_sha256(self) -> str:
        return self.script.base_sha256

    @property
    def context_tokens(self) -> int:
        return self.script.context_tokens

    def count_tokens(self, text: str) -> int:
        return self.script.count_tokens(text)

    def warm(self, messages: Any, adapter: str = "") -> None:
        self.script.warm(messages, adapter)

    def write(self, ask: Ask, stop: Stop) -> Iterator[Reading | Words | Reply]:
        for no, event in enumerate(self.script.write(ask, stop)):
            while no > self.hold_after and not self.gate.wait(0.02) and not stop.is_set():
                pass
            if stop.is_set():
                self.stopped.set()
            yield event


@dataclass
class Workspace:
    """A running server: its address, its model, and the way to stop and start it."""

    folder: Path
    port: int
    model: GatedModel = field(default_factory=lambda: GatedModel(answers()))
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None
    store_url: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        url = self.store_url or f"sqlite:///{self.folder}/practice.db"
        store = open_store(url, passphrase_cost=FAST_COST)
        worker = load_worker(self.folder / "machine").line
        app = create_app(PlainSettings(), store=store, model=self.open_model, worker=worker)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.server is not None and self.server.started)

    def open_model(self) -> LanguageModel:
        return self.model

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.server.should_exit = True
            self.thread.join(10)


def wait_for(is_true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > end:
            raise AssertionError("it did not come about in time")
        time.sleep(0.02)


def until(page: Any, expression: str) -> None:
    """Wait until the expression is true; the page's policy forbids Playwright's own way of waiting."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise AssertionError(f"it did not come about in time: {expression}")
        page.wait_for_timeout(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: install Debian's package {CHROMIUM.name} for the browser tests")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def workspace(sqlite_practice: Path, tmp_path: Path) -> Iterator[Workspace]:
    copy_practice(sqlite_practice, tmp_path / "practice.db")
    running = Workspace(tmp_path, free_port())
    running.start()
    # A test may put another model in its place; this one must not be left waiting.
    model = running.model
    yield running
    model.gate.set()
    running.stop()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; at the end none of them may have met an error of its own."""
    contexts, faults = [], []

    def open_one(language: str = "en", width: int = 1280, theme: str = "light", height: int = 900) -> Any:
        context = chromium.new_context(
            locale="zh-CN" if language == "zh" else "en-GB",
            viewport={"width": width, "height": height},
            color_scheme=theme,
            timezone_id="Asia/Shanghai",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not any(known in fault for known in EXPECTED)] == []


def set_up(page: Any, url: str, language: str = "en") -> None:
    """Through the set-up page into the workspace."""
    page.goto(url)
    page.fill("[name=name]", "温医生" if language == "zh" else "Dr. Wen")
    page.fill("[name=passphrase]", PASSPHRASE)
    page.fill("[name=again]", PASSPHRASE)
    page.check(f"[name=language][value={language}]")
    page.click("button.primary")
    page.check(".check input")
    page.click("button.primary")
    # Keys and buttons work once the page's scripts have run.
    page.wait_for_selector("html[data-ready] .rail")


def add_patient(page: Any, name: str, text: str = "") -> None:
    page.click(".new")
    page.fill("[name=name]", name)
    page.click("main button.primary")
    page.wait_for_selector("html[data-ready] #source")
    if text:
        page.fill("#source", text)
        until(page, "document.querySelector('#source').dataset.after > 0")


def look_for(page: Any, box: str, words: str) -> None:
    """Have the form around a box look for words, whether or not there is room for the box in this window."""
    with page.expect_navigation(url="**sought=**"):
        page.eval_on_selector(box, "(box, words) => { box.value = words; box.form.submit(); }", words)
