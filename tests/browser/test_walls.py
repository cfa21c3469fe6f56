"""In a real browser: nothing that a patient, a colleague or the model wrote runs, and locked means locked."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phyassist.lm.protocol import Ask
from tests.browser.conftest import (
    PATIENCE_S,
    GatedModel,
    Workspace,
    add_patient,
    free_port,
    look_for,
    set_up,
    until,
)
from tests.house.canary import CANARY

pytestmark = pytest.mark.browser
RUNS = "<script>window.ran=1</script><img src=x onerror='window.ran=2'><svg onload='window.ran=3'></svg>"
CLOSES = "</textarea></title></script></option></template>"
LOADS = "<div hx-get='/patients' hx-trigger='load' hx-on:htmx:load='window.ran=4'></div>"
LINK = "<a href='javascript:window.ran=5' autofocus onfocus='window.ran=6'>{{7*7}}</a>"
NASTY = f"z{CLOSES}{RUNS}{LOADS}{LINK}"
MARKUP = "svg[onload], img[onerror], a[onfocus], [hx-on\\\\:htmx\\\\:load]"
WATCH = """
window.refused = [];
const keep = (event) => window.refused.push(event.effectiveDirective + " " + event.blockedURI);
document.addEventListener("securitypolicyviolation", keep);
"""
ATTACKS = """
const body = document.body;
body.insertAdjacentHTML("beforeend", `<img src=/static/nothing.png onerror="window.ran=1">`);
body.insertAdjacentHTML("beforeend", `<p style="color:red">a</p>`);
for (const said of [{text: "window.ran=2"}, {src: "https://evil.example/a.js"}]) {
  body.append(Object.assign(document.createElement("script"), said));
}
"""
SHOWN = "document.body.innerText + [...document.querySelectorAll('input, textarea')].map(e => e.value)"


def nasty_reply(ask: Ask) -> str:
    """A model that writes markup: into the draft, into the record."""
    if "symptom_type" in json.dumps(ask.schema):
        items = [{"from": number, "text": f"{number} {NASTY}"} for number in (1, 0)]
        return json.dumps({"symptom_type": NASTY, "reasons": items, "advice": [{"text": NASTY}]})
    return json.dumps({"statements": []})


@pytest.fixture
def nasty_workspace(tmp_path: Path) -> Iterator[Workspace]:
    running = Workspace(tmp_path, free_port(), GatedModel(itertools.repeat(nasty_reply)))
    running.start()
    yield running
    running.model.gate.set()
    running.stop()


def watch(page: Any) -> list[str]:
    """What would show that something ran: dialogs, and other addresses being asked."""
    seen: list[str] = []
    page.add_init_script(WATCH)
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda asked: "/x" in asked.url and seen.append(f"asked for {asked.url}"))
    return seen


def look(page: Any, where: str, found: list[str]) -> None:
    page.wait_for_timeout(150)
    ran, refused = page.evaluate("[window.ran || 0, window.refused]")
    if ran or refused:
        found.append(f"{where}: ran {ran}, refused {refused}")
    # The words are there to be read, and only that.
    if page.evaluate(f"document.querySelectorAll('{MARKUP}').length"):
        found.append(f"{where}: markup of the patient's in the page")


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page whose console may speak of what the policy refuses."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_S * 1000)
    yield opened
    context.close()


def test_nothing_that_anybody_wrote_runs(nasty_workspace: Workspace, page: Any) -> None:
    found: list[str] = []
    seen, url = watch(page), nasty_workspace.url

    page.goto(url)
    page.fill("[name=name]", f"Dr. {RUNS}")
    page.fill("[name=passphrase]", "four quiet lamps at dawn")
    page.fill("[name=again]", "four quiet lamps at dawn")
    page.check("[name=language][value=en]")
    page.click("button.primary")
    look(page, "recovery key", found)
    page.goto(f"{url}/patients")
    add_patient(page, f"Lee {RUNS}", f"I cannot sleep. {NASTY} My mother is disappointed.")
    page.fill("[name=question]", NASTY)
    page.click("[hx-post$='/organise']")
    page.wait_for_selector("[hx-post$='/drafts']")
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item")
    page.wait_for_selector("[hx-post$='/drafts']")
    look(page, "draft", found)
    page.reload()
    look(page, "draft again", found)
    patient = page.url.rsplit("/consultations/", 1)[0]
    page.click(".draft-bar .primary")
    page.wait_for_selector("#dialog .paper")
    look(page, "preview", found)
    page.click("#dialog form .primary")
    page.wait_for_selector(".timeline .paper")
    page.click(".amend > summary")
    page.fill(".amend textarea", NASTY)
    page.fill(".amend input[name=reason]", NASTY)
    page.click(".amend button.primary")
    page.wait_for_selector(".amendment")
    look(page, "notes", found)
    for path in ("record", "edit", "consultation", "process-notes", "notes"):
        page.goto(f"{patient}/{path}")
        look(page, path, found)
    look_for(page, "#find", "onerror")
    look(page, "found", found)
    page.goto(f"{url}/practice")
    look(page, "practice", found)

    assert found == []
    assert seen == []


def test_the_policy_would_have_stopped_it(workspace: Workspace, page: Any) -> None:
    watch(page)
    page.goto(workspace.url)

    page.evaluate(ATTACKS)
    until(page, "window.refused.length >= 4")

    assert page.evaluate("window.ran || 0") == 0
    kinds = {each.split()[0] for each in page.evaluate("window.refused")}
    assert {"script-src-attr", "style-src-attr", "script-src-elem"} <= kinds


def test_a_locked_workspace_shows_nothing_by_going_back(
    workspace: Workspace, open_page: Callable[..., Any]
) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    page.goto(f"{workspace.url}/patients")
    add_patient(page, f"Lee {CANARY}", f"I cannot sleep. {CANARY}")
    page.goto(f"{workspace.url}/patients")
    page.keyboard.press("Control+.")
    page.wait_for_url("**/unlock**")

    shown = []
    for _ in range(3):
        page.go_back()
        page.wait_for_timeout(300)
        shown.append(page.evaluate(SHOWN))

    assert [text for text in shown if CANARY in text] == []
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert CANARY not in kept
