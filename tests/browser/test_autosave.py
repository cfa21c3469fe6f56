"""Boxes that are saved as they are typed: on leaving, without a pause, and beside what the model finds."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from phyassist.web.pages import consultations
from tests.browser.conftest import PATIENCE_S, Workspace, add_patient, set_up, until
from tests.web.samples import NAMES, TEXT

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
    until(page, "document.querySelector('#source').dataset.after == 2")

    assert page.input_value("#source") == LINE * 200


@pytest.mark.parametrize("meanwhile", ["", "还没看到的字。"])
def test_who_comes_back_before_the_words_that_were_left_sees_them_arrive(
    meanwhile: str, workspace: Workspace, open_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("zh")
    where = open_consultation(page, workspace)
    gate = threading.Event()
    save = consultations.save_source

    def save_late(*held: Any, **sent: Any) -> Any:
        gate.wait(PATIENCE_S)
        return save(*held, **sent)

    monkeypatch.setattr(consultations, "save_source", save_late)

    type_and_leave(page, LINE)
    page.wait_for_url(lambda url: url != where)
    page.goto(where)
    assert page.input_value("#source") == "先前。"
    if meanwhile:
        page.focus("#source")
        page.keyboard.insert_text(meanwhile)
    gate.set()

    if meanwhile:
        page.wait_for_selector("#source-changed:not([hidden])")
        assert meanwhile in page.input_value("#source")
        page.click("#source-changed [data-take-theirs]")
    until(page, "document.querySelector('#source').dataset.after == 2")
    assert page.input_value("#source") == LINE
    assert page.is_hidden("#source-changed")
    page.fill("#source", LINE * 2)
    until(page, "document.querySelector('#source').dataset.after == 3")
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('left:'))") == []


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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_question_that_is_written_while_one_is_found_is_saved_and_nobody_else_is_blamed(
    language: str, workspace: Workspace, open_page: Any
) -> None:
    page = open_page(language)
    set_up(page, workspace.url, language)
    add_patient(page, NAMES[language][0], TEXT[language])
    page.focus("#question")

    page.evaluate("document.querySelector('[hx-post$=\"/organise\"]').click()")
    page.wait_for_selector(".line-text.rests")
    page.wait_for_selector("[hx-post$='/organise']")
    assert found_question(page) != ""
    page.keyboard.insert_text("我自己的问题")
    until(page, "document.querySelector('#question-saved').innerText.match(/\\d\\d:\\d\\d/)")

    assert page.locator(".changed:not([hidden])").count() == 0
    page.reload()
    assert page.input_value("#question") == "我自己的问题"


def found_question(page: Any) -> str:
    at = page.get_attribute("#question", "data-autosave")
    return str(page.evaluate("(at) => fetch(at).then((reply) => reply.json()).then((said) => said.text)", at))


def test_a_question_of_two_windows_asks_beside_its_own_box(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, NAMES["en"][0])
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("html[data-ready]")
    other.fill("#question", "the other window's question")
    until(other, "document.querySelector('#question-saved').innerText.match(/\\d\\d:\\d\\d/)")

    page.fill("#question", "this window's question")
    page.wait_for_selector("#question-changed:not([hidden])")

    assert page.is_hidden("#source-changed")
    page.focus("#question")
    page.keyboard.insert_text(", and more of it")
    page.click("#question-changed [data-take-theirs]")
    assert page.input_value("#question") == "the other window's question"
    page.wait_for_timeout(1000)
    assert page.is_hidden("#question-changed")
    assert page.input_value("#question") == "the other window's question"
