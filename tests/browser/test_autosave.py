"""Boxes that are saved as they are typed: on leaving, without a pause, and beside what the model finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Workspace, add_patient, set_up, until
from tests.web.samples import NAMES

pytestmark = pytest.mark.browser
LINE = "来访者说这一周每天夜里醒三四次，白天上课时很难集中注意力。"


def type_and_leave(page: Any, text: str) -> None:
    """Typed and left at once, before the pause after which words are saved."""
    page.evaluate(
        """(text) => {
          const box = document.querySelector("#source");
          box.value = text;
          box.dispatchEvent(new Event("input", {bubbles: true}));
          document.querySelector(".brand").click();
        }""",
        text,
    )


def open_consultation(page: Any, workspace: Workspace) -> str:
    set_up(page, workspace.url, "zh")
    add_patient(page, NAMES["zh"][0], "先前。")
    return str(page.url)


def test_a_chinese_transcript_that_fits_is_saved_while_the_page_is_left(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("zh")
    where = open_consultation(page, workspace)

    type_and_leave(page, LINE * 200)
    page.wait_for_url(lambda url: url != where)
    page.goto(where)

    assert page.input_value("#source") == LINE * 200


def test_a_chinese_transcript_that_does_not_fit_holds_the_page_until_it_is_saved(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("zh")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    where = open_consultation(page, workspace)

    type_and_leave(page, LINE * 600)
    until(page, "document.querySelector('#source').dataset.after == 2")

    assert len(LINE * 600) < 20_000
    assert asked == ["beforeunload"]
    assert page.is_hidden("#bar")
    page.click(".brand")
    page.wait_for_url(lambda url: url != where)
    page.goto(where)
    assert page.input_value("#source") == LINE * 600


def test_who_types_without_a_pause_is_saved_all_the_same(workspace: Workspace, open_page: Any) -> None:
    page = open_page("zh")
    open_consultation(page, workspace)

    page.focus("#source")
    for _ in range(30):
        page.keyboard.insert_text("说")
        page.wait_for_timeout(200)
    saved = page.get_attribute("#source", "data-after")

    assert int(saved) >= 2
