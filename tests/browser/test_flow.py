"""From a fresh machine to a signed note, in a real browser, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Workspace, add_patient, set_up, until
from tests.browser.replies import ADVICE, REASONS, SYMPTOM
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
EDITED = {
    "zh": "复读之后，她把一年的意义都押在六分上",
    "en": "After the second try she stakes a year on six points",
}
COMMENT = {"zh": "更具体，她只有周末有时间", "en": "more concrete, she has only weekends"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_counsellor_gets_from_set_up_to_a_signed_note(
    language: str, workspace: Workspace, open_page: Any
) -> None:
    page = open_page(language)
    set_up(page, workspace.url, language)
    add_patient(page, NAMES[language][0], TEXT[language])

    page.click("[hx-post$='/organise']")
    page.wait_for_selector(".line .chip.new")
    page.wait_for_selector("[hx-post$='/organise']")
    if not page.input_value("#question"):
        page.fill("#question", "?")
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    assert page.inner_text("#items-symptom_type .item-text") == SYMPTOM[language]
    assert page.locator("#items-reason .item").count() == 3

    page.click("#items-reason .item:nth-child(1) .item-text")
    page.fill("#items-reason .item:nth-child(1) .edit-form textarea", EDITED[language])
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#items-reason .item:nth-child(1) .chip.by-you")
    assert page.inner_text("#items-reason .item:nth-child(1) .item-text") == EDITED[language]

    page.click("#items-advice .item:nth-child(2) [data-comment]")
    page.keyboard.type(COMMENT[language])
    page.keyboard.press("Enter")
    page.wait_for_selector("#items-advice .item:nth-child(2) .comments")
    page.click("#items-advice .item:nth-child(2) .item-acts > .icon-button >> nth=0")
    until(page, "document.querySelectorAll('#items-advice .item:nth-child(2) .comments').length === 0")
    page.wait_for_selector("#redo-chosen")
    assert page.inner_text("#items-advice .item:nth-child(1) .item-text") == ADVICE[language][0]
    assert page.inner_text("#items-reason .item:nth-child(1) .item-text") == EDITED[language]

    page.click("#items-advice .item:nth-child(3) details.menu > summary")
    page.click("#items-advice .item:nth-child(3) .danger-text")
    page.click("#items-advice .item.gone button")
    until(page, "document.querySelectorAll('#items-advice .item.gone').length === 0")
    assert page.inner_text("#items-advice .item:nth-child(3) .item-text") == ADVICE[language][2]

    page.click(".draft-bar .primary")
    page.wait_for_selector("#dialog .paper")
    assert EDITED[language] in page.inner_text("#dialog .paper")
    page.click("#dialog form .primary")
    page.wait_for_selector(".timeline .paper")
    note = page.inner_text(".timeline .paper")
    assert SYMPTOM[language] in note
    assert EDITED[language] in note
    assert REASONS[language][1] in note
    assert page.locator(".rail-list .dot.on").count() == 0
