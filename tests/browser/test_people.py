"""Several people in one practice, each in a browser of their own; the lock works for every role."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import PASSPHRASE, Workspace, add_patient, set_up
from tests.browser.test_axe import look
from tests.web.samples import NAMES

pytestmark = pytest.mark.browser
THEIRS = "nine slow otters by the weir"


def invite(page: Any, workspace: Workspace, name: str, role: str) -> str:
    page.goto(f"{workspace.url}/practice/people")
    page.fill("[name=name]", name)
    page.check(f"[name=role][value={role}]")
    page.click("main button.primary")
    page.wait_for_selector(".recovery-key")
    return str(page.inner_text(".recovery-key"))


def join(page: Any, workspace: Workspace, code: str) -> None:
    page.goto(f"{workspace.url}/unlock")
    page.click("a[href='/join']")
    page.fill("[name=code]", code)
    page.click("button.primary")
    page.fill("[name=passphrase]", THEIRS)
    page.fill("[name=again]", THEIRS)
    page.click("button.primary")
    page.wait_for_selector("html[data-ready] .rail")


@pytest.mark.parametrize("role", ["counsellor", "supervisor", "administrator"])
def test_the_lock_covers_the_page_and_lets_its_own_person_back_in(
    role: str, workspace: Workspace, open_page: Any
) -> None:
    founder, page = open_page("en"), open_page("en")
    set_up(founder, workspace.url)
    join(page, workspace, invite(founder, workspace, "Bo Lind", role))

    page.goto(f"{workspace.url}/account")
    page.keyboard.press("Control+.")
    page.wait_for_url("**/unlock**")
    page.fill("[name=name]", "Bo Lind")
    page.fill("[name=passphrase]", THEIRS)
    page.click("button.primary")
    page.wait_for_url("**/account")

    # With words that were not sent the page stays, covered, and asks for the passphrase of its own person.
    page.context.clear_cookies()
    page.evaluate("import('/static/js/lock.js').then((lock) => lock.showLock())")
    page.wait_for_selector("#privacy:not([hidden])")
    assert not page.is_visible("#shell")
    page.fill("#privacy-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#privacy-problem:not(:empty)")
    page.fill("#privacy-passphrase", THEIRS)
    page.keyboard.press("Enter")
    page.wait_for_selector("#privacy", state="hidden")
    page.reload()
    assert "Bo Lind" in page.inner_text("main h1")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_several_people_break_no_rule(
    language: str, workspace: Workspace, open_page: Any
) -> None:
    page, other = open_page(language), open_page(language)
    found: list[str] = []
    set_up(page, workspace.url, language)
    name = NAMES[language][1]
    code = invite(page, workspace, name, "supervisor")
    look(page, found, "code")
    other.goto(f"{workspace.url}/join")
    look(other, found, "join")
    join(other, workspace, code)
    page.goto(f"{workspace.url}/patients")
    add_patient(page, NAMES[language][0])
    patient = page.url.split("/consultations")[0]

    page.goto(f"{patient}/sharing")
    page.select_option("#f-to", index=1)
    page.click("main button.primary")
    page.wait_for_selector(".said")
    page.click("details > summary.button")
    look(page, found, "sharing")
    page.goto(f"{workspace.url}/practice/people")
    page.click("details > summary.button")
    look(page, found, "people")
    page.goto(f"{workspace.url}/account/second")
    look(page, found, "account")
    other.goto(f"{patient}/sharing")
    look(other, found, "shared with me")
    other.goto(f"{workspace.url}/unlock")
    look(other, found, "unlock")

    assert found == []
