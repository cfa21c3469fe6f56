"""The database goes away while somebody types or the model writes: no character is lost, the page says so."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Workspace, add_patient, free_port, set_up, until
from tests.postgresql import Server, run_server
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
SAID = "document.querySelector('#source-saved').innerText"
FIRST = "#items-reason .item:nth-child(1)"


@pytest.fixture
def server(postgresql: Server) -> Iterator[Server]:
    """A server of this test's own, which it stops."""
    with run_server() as own:
        yield own


@pytest.fixture
def far(tmp_path: Path, server: Server) -> Iterator[Workspace]:
    """A workspace whose practice lies on that server."""
    running = Workspace(tmp_path, free_port(), store_url=server.url(server.make_database()))
    running.start()
    yield running
    running.model.gate.set()
    running.stop()


@pytest.mark.parametrize(("language", "again"), [("en", "saving again…"), ("zh", "保存重试中…")])
def test_what_is_typed_while_the_database_is_gone_is_saved_when_it_is_back(
    far: Workspace, server: Server, open_page: Any, language: str, again: str
) -> None:
    page = open_page(language)
    set_up(page, far.url, language)
    add_patient(page, NAMES[language][0], "before. ")
    page.focus("#source")
    page.keyboard.press("Control+End")
    server.stop(signal.SIGQUIT)

    page.keyboard.type("typed while it was gone, ", delay=20)
    until(page, f"{SAID} === '{again}'")
    page.keyboard.type("and on, ", delay=20)
    until(page, "!document.querySelector('#bar').hidden")
    server.start()
    page.keyboard.type("and after.", delay=20)

    # The last letters are sent a moment after they were typed, whatever was saved before.
    page.wait_for_timeout(1_500)
    until(page, f"{SAID}.match(/\\d\\d:\\d\\d/) && document.querySelector('#bar').hidden")
    page.reload()
    page.wait_for_selector("html[data-ready] #source")
    assert page.input_value("#source") == "before. typed while it was gone, and on, and after."


def test_an_item_that_is_edited_while_the_database_is_gone_is_saved_once(
    far: Workspace, server: Server, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, far.url)
    add_patient(page, NAMES["en"][0], TEXT["en"])
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "in my own words")
    server.stop(signal.SIGQUIT)

    page.keyboard.press("Control+Enter")
    until(page, "!document.querySelector('#bar').hidden")
    still = page.input_value(f"{FIRST} .edit-form textarea")
    server.start()

    until(page, f"document.querySelector('{FIRST} .item-text').innerText === 'in my own words'")
    assert still == "in my own words"
    assert page.locator("#alerts .alert").all_inner_texts() == []
    page.reload()
    page.wait_for_selector(f"html[data-ready] {FIRST}")
    assert page.locator(".item-text", has_text="in my own words").count() == 1


def test_what_the_page_asks_for_while_the_database_is_gone_comes_when_it_is_back(
    far: Workspace, server: Server, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, far.url)
    add_patient(page, NAMES["en"][0], TEXT["en"])
    server.stop(signal.SIGQUIT)

    page.click("#tab-chat")
    until(page, "!document.querySelector('#bar').hidden")
    server.start()

    page.wait_for_selector("#pane-chat form")
    until(page, "document.querySelector('#bar').hidden")
    assert page.locator("#alerts .alert").all_inner_texts() == []


def test_a_draft_that_is_being_written_goes_on_when_the_database_is_back(
    far: Workspace, server: Server, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, far.url)
    add_patient(page, NAMES["en"][0], TEXT["en"])
    far.model.gate.clear()
    far.model.hold_after = 60
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector(FIRST)
    server.stop(signal.SIGQUIT)

    far.model.gate.set()
    page.wait_for_timeout(1500)
    server.start()

    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    shown = page.locator("#draft .item-text").all_inner_texts()
    page.reload()
    page.wait_for_selector("html[data-ready] #items-advice .item:nth-child(3)")
    assert page.locator("#draft .item-text").all_inner_texts() == shown
    assert len(shown) == len(set(shown))
