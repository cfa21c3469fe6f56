"""The privacy screen in a real browser: several windows, one login, one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.browser.conftest import PASSPHRASE, Workspace, add_patient, set_up
from tests.web.samples import NAMES

pytestmark = pytest.mark.browser
COVER = "#privacy:not([hidden])"


def open_two(open_page: Any, workspace: Workspace, language: str = "en") -> tuple[Any, Any]:
    """Two windows of one login: a consultation, and a card that is being filled in."""
    page = open_page(language)
    page.clock.install()
    set_up(page, workspace.url, language)
    add_patient(page, NAMES[language][0], "what was said")
    other = page.context.new_page()
    other.goto(f"{workspace.url}/patients/new")
    other.wait_for_selector("html[data-ready] [name=name]")
    other.fill("[name=name]", NAMES[language][1])
    return page, other


def is_signed_in(open_page: Any, workspace: Workspace, cookies: Any) -> bool:
    stranger = open_page("en")
    stranger.context.add_cookies(cookies)
    stranger.goto(f"{workspace.url}/patients/new")
    return "/unlock" not in stranger.url


def test_a_window_that_is_forgotten_does_not_lock_the_one_that_is_worked_in(
    workspace: Workspace, open_page: Any
) -> None:
    page, other = open_two(open_page, workspace)
    cookies = page.context.cookies()

    for minutes in ("10:00", "10:00", "10:00"):
        page.clock.fast_forward(minutes)
        page.mouse.move(200, 200)
        page.mouse.move(210, 210)
        page.wait_for_timeout(400)

    assert page.is_visible("#source")
    assert other.is_hidden("#privacy")
    assert is_signed_in(open_page, workspace, cookies)
    page.clock.fast_forward("15:05")
    page.wait_for_url("**/unlock**")
    other.wait_for_selector(COVER)


def test_one_key_covers_every_window_and_each_keeps_what_was_typed(
    workspace: Workspace, open_page: Any
) -> None:
    page, other = open_two(open_page, workspace)

    page.keyboard.press("Control+.")

    page.wait_for_url("**/unlock**")
    other.wait_for_selector(COVER)
    other.fill("#privacy-passphrase", PASSPHRASE)
    other.keyboard.press("Enter")
    other.wait_for_selector("#privacy", state="hidden")
    assert other.input_value("[name=name]") == NAMES["en"][1]


def test_a_computer_that_slept_is_locked_by_the_first_move(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    page.clock.install()
    set_up(page, workspace.url)
    add_patient(page, NAMES["en"][0], "what was said")

    page.clock.set_system_time(datetime.now(UTC) + timedelta(minutes=16))
    page.mouse.move(200, 200)
    page.mouse.move(210, 210)

    page.wait_for_url("**/unlock**")


@pytest.mark.parametrize(("language", "said"), [("en", "Not connected"), ("zh", "连接已断开")])
def test_a_lock_without_a_connection_ends_the_login_when_it_is_back(
    language: str, said: str, workspace: Workspace, open_page: Any
) -> None:
    page = open_page(language)
    set_up(page, workspace.url, language)
    page.click(".new")
    page.fill("[name=name]", NAMES[language][0])
    cookies = page.context.cookies()
    workspace.stop()

    page.keyboard.press("Control+.")
    page.wait_for_selector(COVER)
    page.fill("#privacy-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.locator("#privacy-problem", has_text=said).wait_for()
    workspace.start()
    page.wait_for_selector("#bar", state="hidden")
    page.wait_for_timeout(500)

    assert not is_signed_in(open_page, workspace, cookies)
    page.keyboard.press("Enter")
    page.wait_for_selector("#privacy", state="hidden")
    assert page.input_value("[name=name]") == NAMES[language][0]
