"""Signing in another form, taking it back, and private notes, under a counsellor's hands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Workspace, until
from tests.browser.test_axe import look
from tests.browser.test_behaviour import make_draft

pytestmark = pytest.mark.browser
OBJECTIVE = "#hand-soap-objective"


def open_preview(page: Any) -> None:
    page.click(".draft-bar .primary")
    page.wait_for_selector("#dialog[open] #note-form")


def choose_soap(page: Any) -> None:
    page.check("#note-form [value=soap]")
    page.wait_for_selector(OBJECTIVE)


def test_what_was_written_under_a_heading_survives_another_form_and_a_closed_window(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    open_preview(page)
    choose_soap(page)
    page.fill(OBJECTIVE, "speaks slowly")

    page.check("#note-form [value=birp]")
    page.wait_for_selector("#hand-birp-response")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('#dialog').open")
    open_preview(page)
    choose_soap(page)

    assert page.input_value(OBJECTIVE) == "speaks slowly"
    page.click("#note-form .primary")
    page.wait_for_selector(".note[open] .paper")
    assert "speaks slowly" in page.inner_text(".note[open] .paper")
    assert "S Subjective" in page.inner_text(".note[open] .paper")


def test_a_signed_note_is_taken_back_and_signed_again(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    open_preview(page)
    page.click("#note-form .primary")
    page.wait_for_selector(".note[open] .paper")

    page.click("details.amend:has([action$=withdraw]) summary")
    page.fill("[id^=withdraw-]", "wrong date")
    page.click("[action$=withdraw] button")
    page.wait_for_selector("#draft .item")
    open_preview(page)
    page.click("#note-form .primary")
    page.wait_for_selector(".withdrawn")

    assert "wrong date" in page.inner_text(".withdrawn summary")
    assert page.locator(".timeline > li").count() == 1
    assert "Note 2" in page.inner_text(".timeline > li")


def test_two_windows_on_a_private_note_lose_nothing(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    notes = page.evaluate("document.querySelector('.tabs a[href$=\"/notes\"]').href")
    address = notes.replace("/notes", "/process-notes")
    page.goto(address)
    box = page.locator("textarea[data-autosave]").first
    box.fill("she reminds me")
    until(page, "document.querySelector('.saved').innerText.startsWith('saved')")
    page.reload()
    other = page.context.new_page()
    other.goto(address)

    note = "textarea[data-autosave]:not([data-after='0'])"
    page.fill(note, "she reminds me of my sister")
    until(page, "document.querySelectorAll('.saved')[1].innerText.startsWith('saved')")
    until(page, f"document.querySelector(\"{note}\").dataset.after === '2'")
    other.fill(note, "take it to supervision")
    other.wait_for_selector(".changed:not([hidden])")

    assert other.input_value(note) == "take it to supervision"
    other.click(".changed:not([hidden]) [data-keep-mine]")
    until(other, f"document.querySelector(\"{note}\").dataset.after === '3'")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_of_notes_breaks_a_rule(language: str, workspace: Workspace, open_page: Any) -> None:
    page = open_page(language)
    found: list[str] = []
    make_draft(page, workspace, language)
    open_preview(page)
    choose_soap(page)
    look(page, found, "preview in SOAP")
    page.click("#note-form .primary")
    page.wait_for_selector(".note[open] .paper")
    look(page, found, "notes")
    address = page.url.split("/notes")[0]
    for name in ("process-notes", "notes?template=birp"):
        page.goto(f"{address}/{name}")
        look(page, found, name)
    for name in ("templates", "retention?within=3660"):
        page.goto(f"{workspace.url}/practice/{name}")
        look(page, found, name)

    assert found == []
