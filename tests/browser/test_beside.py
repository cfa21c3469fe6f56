"""What stands beside a consultation: the flag, the words lit in the source, whom to call, similar cases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Workspace, add_patient, set_up
from tests.browser.test_axe import look

pytestmark = pytest.mark.browser
SAID = {
    "zh": "来访者：最近总想死，药都攒好了。\n来访者：我从来没有听到过有人说话的声音。\n",
    "en": "Client: I want to die, I have the pills counted out.\nClient: I never hear voices in my head.\n",
}
QUOTE = {"zh": "想死", "en": "want to die"}
DENIED = {"zh": "否认", "en": "denied"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_signs_of_risk_stand_beside_the_text(language: str, workspace: Workspace, open_page: Any) -> None:
    page = open_page(language)
    set_up(page, workspace.url, language)
    add_patient(page, "孙某" if language == "zh" else "Sun", SAID[language])

    page.wait_for_selector(".risk-mark.raised")
    page.click(".risk-mark")
    page.wait_for_selector("#pane-risk .sign")
    first = page.locator("#pane-risk .sign").first
    assert QUOTE[language] in first.locator("mark").inner_text()
    assert DENIED[language] in page.locator("#pane-risk").inner_text()
    assert "12356" in page.locator("#pane-risk .contacts").inner_text()
    assert "C-SSRS" in page.locator("#pane-risk .questions").first.inner_text()
    first.hover()
    assert QUOTE[language] in page.locator("[data-source-text] mark").inner_text()

    found: list[str] = []
    look(page, found, "risk")
    for name in ("similar", "leaving"):
        page.click(f"#tab-{name}")
        page.wait_for_selector(f"#pane-{name} > div")
        look(page, found, name)
    assert found == []
