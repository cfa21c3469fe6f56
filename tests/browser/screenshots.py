"""Takes the screenshots of docs/screenshots from the demo practice, with a real model's drafts:

python -m tests.browser.screenshots MODEL.gguf [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import ViewportSize, sync_playwright

from phyassist.domain.clock import utc_now
from phyassist.domain.consents import Answer, Purpose
from phyassist.lm.engine import Engine
from phyassist.lm.hashing import load_sha256
from phyassist.lm.protocol import LanguageModel
from phyassist.services.consent import record_answers
from phyassist.services.demo import PASSPHRASE, PastClock, fill_practice
from phyassist.services.patients import list_patients
from phyassist.services.practice import sign_in
from phyassist.store.opening import open_store
from phyassist.store.transactions import Store
from phyassist.web.app import create_app
from tests.browser.conftest import CHROMIUM, FLAGS, PlainSettings, free_port, look_for, wait_for

ROOT = Path(__file__).parents[2]
ZONE = "Asia/Shanghai"
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}
NARROW_TOO = ("assistant", "chat", "library", "practice-assistant")
DRAFT_WAIT_MS = 300_000
JOINING = "five slow rivers under ice"


@contextmanager
def run_demo(folder: Path, model: LanguageModel, *, filled: bool = True) -> Iterator[str]:
    """The address of a workspace with the invented practice, or with nothing in it yet."""
    url = f"sqlite:///{folder}/practice.db"
    if filled:
        clock = PastClock(utc_now())
        store = open_store(url, clock=clock)
        fill_practice(store, clock, now=utc_now(), zone=ZONE)
        agree_to_training(store)
        store.close()
    store = open_store(url)
    app = create_app(PlainSettings(), store=store, model=lambda: model, zone=ZONE)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)
    store.close()


def agree_to_training(store: Store) -> None:
    """All of them: a page of the assistant has nothing to show otherwise."""
    by = sign_in(store, passphrase=PASSPHRASE)
    answers = dict.fromkeys((Purpose.OWN_TRAINING, Purpose.SHARED_TRAINING), Answer.YES)
    for row in list_patients(store, by):
        record_answers(store, by, patient_id=row.patient.id, answers=answers)


def take_pages(browser: Any, url: str, language: str, folder: Path) -> None:
    """Each page of the workspace with somebody open in it."""
    context = browser.new_context(
        locale="zh-CN" if language == "zh" else "en-GB", viewport=WIDE, timezone_id=ZONE
    )
    page = context.new_page()

    def take(name: str) -> None:
        page.wait_for_timeout(250)
        page.screenshot(path=str(folder / f"{name}-{language}.png"))

    context.add_cookies([{"name": "phyassist_language", "value": language, "url": url}])
    page.goto(url)
    take("unlock")
    page.fill("[name=passphrase]", PASSPHRASE)
    page.click("button.primary")
    page.wait_for_selector(".rail")
    take("workspace")
    is_wanted = "(row => /[\\u4e00-\\u9fff]/.test(row.querySelector('.rail-name').innerText))"
    rows = "[...document.querySelectorAll('.rail-list a')]"
    wanted = is_wanted if language == "zh" else f"(row => !{is_wanted}(row))"
    with_draft = page.evaluate(
        f"(({rows}.filter({wanted}).find(row => row.querySelector('.dot.on')) || {rows}.find({wanted})).href)"
    )
    page.goto(with_draft)
    take("consultation")
    take_draft(page, take)
    patient = page.evaluate("document.querySelector('.tabs a').href.replace(/\\/consultation$/, '')")
    for name in ("record", "notes", "process-notes"):
        page.goto(f"{patient}/{name}")
        line = page.locator(".line-text.rests").first
        if line.count():
            line.hover()
        take(name)
    let_colleague_in(browser, page, url, folder, language)
    share_with_colleague(page, patient)
    paths = {
        "client": f"{patient}/edit",
        "sharing": f"{patient}/sharing",
        "consent": f"{patient}/consent",
        "consent-form": f"{patient}/consent/form",
        "client-audit": f"{patient}/audit",
        "assistant": f"{patient}/assistant",
        "chat": f"{patient}/chat",
        "library": f"{url}/library",
        "practice-assistant": f"{url}/practice/assistant?kind=counsellor",
        "practice": f"{url}/practice",
        "practice-people": f"{url}/practice/people",
        "practice-notes": f"{url}/practice/templates",
        "practice-retention": f"{url}/practice/retention",
        "practice-audit": f"{url}/practice/audit",
        "practice-erasures": f"{url}/practice/erasures",
        "account": f"{url}/account",
    }
    for name, path in paths.items():
        page.goto(path)
        if name == "library":
            look_for(page, "#library-q", "失眠" if language == "zh" else "insomnia")
        if name == "chat":
            take("chat-new")
            ask_first(page)
            paths[name] = page.url
        take(name)
    page.goto(with_draft)
    # The rail's address leads on to that of the consultation itself.
    consultation = page.url
    for pane in ("risk", "similar", "leaving"):
        page.goto(f"{consultation}?open={pane}")
        page.wait_for_selector(f"#pane-{pane} > *")
        take(pane)
    page.set_viewport_size(NARROW)
    for name, path in {"consultation": with_draft, **{name: paths[name] for name in NARROW_TOO}}.items():
        page.goto(path)
        take(f"{name}-narrow")
    page.goto(f"{consultation}?open=risk")
    page.wait_for_selector("#pane-risk > *")
    take("risk-narrow")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(WIDE)
    page.goto(with_draft)
    take("consultation-dark")
    context.close()


def let_colleague_in(browser: Any, page: Any, url: str, folder: Path, language: str) -> None:
    """Invite somebody and let them join, as two people would do it."""
    name = "陈督导" if language == "zh" else "Dana Supervisor"
    page.goto(f"{url}/practice/people")
    page.fill("main [name=name]", name)
    page.check("[name=role][value=supervisor]")
    page.click("main button.primary")
    code = page.inner_text("main .recovery-key")
    page.screenshot(path=str(folder / f"invitation-{language}.png"))
    theirs = browser.new_context(locale="zh-CN" if language == "zh" else "en-GB", viewport=WIDE).new_page()
    theirs.goto(f"{url}/join")
    theirs.fill("[name=code]", code)
    theirs.click("button.primary")
    theirs.fill("[name=passphrase]", JOINING)
    theirs.fill("[name=again]", JOINING)
    theirs.screenshot(path=str(folder / f"join-{language}.png"))
    theirs.click("button.primary")
    theirs.wait_for_selector(".rail")
    theirs.context.close()


def share_with_colleague(page: Any, patient: str) -> None:
    page.goto(f"{patient}/sharing")
    page.select_option("#f-to", index=1)
    page.click("form[action$='/sharing'] button.primary")
    page.wait_for_selector("main .people")


def ask_first(page: Any) -> None:
    """The first question that a new conversation offers, with its whole answer."""
    page.click("[data-starter] >> nth=0")
    page.press("#ask", "Enter")
    page.wait_for_selector(".turn.answer [data-copy-answer]", timeout=DRAFT_WAIT_MS)


def take_draft(page: Any, take: Any) -> None:
    if not page.locator(".item").count():
        page.click("[hx-post$='/drafts']")
        page.wait_for_selector("#items-advice .item:nth-child(3)", timeout=DRAFT_WAIT_MS)
        page.wait_for_selector("[hx-post$='/drafts']", timeout=DRAFT_WAIT_MS)
    page.evaluate("document.querySelector('#draft').scrollIntoView()")
    quoted = page.locator(".chip.quoted").first
    if quoted.count():
        quoted.hover()
    take("draft")
    page.click(".draft-bar .primary")
    page.wait_for_selector("#dialog .paper")
    take("save")
    page.keyboard.press("Escape")


def main() -> None:
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as driver,
        tempfile.TemporaryDirectory() as scratch,
        Engine(Path(sys.argv[1]), sha256=load_sha256(Path(sys.argv[1]))) as engine,
    ):
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        for language in ("zh", "en"):
            (Path(scratch) / language).mkdir()
            with run_demo(Path(scratch) / language, engine.model, filled=False) as url:
                page = browser.new_page(locale="zh-CN" if language == "zh" else "en-GB", viewport=WIDE)
                page.goto(url)
                page.screenshot(path=str(folder / f"set-up-{language}.png"))
                page.close()
            (Path(scratch) / f"{language}-full").mkdir()
            with run_demo(Path(scratch) / f"{language}-full", engine.model) as url:
                take_pages(browser, url, language, folder)
        browser.close()


if __name__ == "__main__":
    main()
