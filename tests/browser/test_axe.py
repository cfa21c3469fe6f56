"""No page breaks a rule that axe-core knows, in either language, wide and narrow; dark in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Workspace, add_patient, look_for, set_up
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A theme changes nothing but colours.
RULES = {
    "light": {"type": "tag", "values": TAGS},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}


def find_violations(page: Any, where: str, only: dict[str, Any]) -> list[str]:
    # Of what holds axe then keeps no list of nodes.
    found = page.evaluate("only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only)
    return [
        f"{where}: {each['id']} {node['target']} {node.get('failureSummary', '')}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def look(page: Any, found: list[str], where: str, widths: tuple[int, ...] = (1280, 360)) -> None:
    """The page wide and narrow, light and dark; nothing may be wider than the window.

    Dark in English alone: a theme changes nothing but colours, and a language none of them.
    """
    is_english = page.evaluate("document.documentElement.lang").startswith("en")
    themes = RULES if is_english else {"light": RULES["light"]}
    # What lies half under a bar that stays can be scrolled free; axe knows only the moment.
    page.evaluate(
        "document.querySelectorAll('.draft-bar, .patient-head').forEach(bar => bar.style.position = 'static')"
    )
    page.evaluate(AXE.read_text("utf-8"))
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        for theme, only in themes.items():
            # Colours would change over a tenth of a second, and axe must not measure the middle of it.
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found += find_violations(page, f"{where} {width} {theme}", only)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{where} {width}: wider than the window")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_breaks_a_rule(language: str, workspace: Workspace, open_page: Any) -> None:
    page = open_page(language)
    found: list[str] = []

    page.goto(workspace.url)
    look(page, found, "set-up")
    set_up(page, workspace.url, language)
    look(page, found, "welcome")
    add_patient(page, NAMES[language][0], TEXT[language])
    look(page, found, "consultation")
    page.click("[hx-post$='/organise']")
    page.wait_for_selector(".line .chip.new")
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    look(page, found, "draft")
    page.click("#items-reason .item:nth-child(1) .item-text")
    page.click("#items-reason .item:nth-child(2) [data-comment]")
    look(page, found, "editing")
    page.reload()
    page.click("#items-advice .item:nth-child(1) details.menu > summary")
    # An open menu lies over half a button of the next item where it is narrow: axe calls that too small.
    look(page, found, "menu", (1280,))
    page.click("#items-advice .item:nth-child(1) .danger-text")
    page.wait_for_selector(".item.gone")
    page.click(".draft-bar [hx-get$='/versions']")
    page.wait_for_selector("#dialog .versions")
    look(page, found, "versions")
    page.click("#dialog .versions .text-button >> nth=0")
    page.wait_for_selector("#dialog .paper-section")
    look(page, found, "old version")
    page.click("#dialog [data-close-dialog]")
    page.click(".draft-bar .primary")
    page.wait_for_selector("#dialog .paper")
    look(page, found, "preview")
    page.click("#dialog form .primary")
    page.wait_for_selector(".timeline .paper")
    page.click(".amend > summary")
    look(page, found, "notes")
    page.click(".tabs a >> nth=1")
    page.wait_for_selector(".record-field .line-acts")
    look(page, found, "record")
    patient = page.url.rsplit("/", 1)[0]
    for name, url in {
        "card": f"{patient}/edit",
        "consent": f"{patient}/consent",
        "form": f"{patient}/consent/form?language={language}",
        "who": f"{patient}/audit",
        "audit": f"{workspace.url}/practice/audit",
        "erasures": f"{workspace.url}/practice/erasures",
        "new": f"{workspace.url}/patients/new",
        "practice": f"{workspace.url}/practice",
        "passage": f"{workspace.url}/library/card-en-grief?at=2",
        "missing": f"{workspace.url}/nowhere",
        "recover": f"{workspace.url}/recover",
    }.items():
        page.goto(url)
        look(page, found, name)
    page.goto(f"{workspace.url}/library")
    look_for(page, "#library-q", "PHQ-9")
    look(page, found, "library")
    look_for(page, "#find", NAMES[language][0])
    look(page, found, "found")
    page.goto(f"{workspace.url}/practice")
    page.keyboard.press("?")
    look(page, found, "keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+.")
    page.wait_for_url("**/unlock**")
    look(page, found, "unlock")

    assert found == []
