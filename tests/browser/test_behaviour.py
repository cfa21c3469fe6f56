"""What must not go wrong under a counsellor's hands: keys, input methods, two windows, lost lines, locks."""

from __future__ import annotations

from typing import Any

import pytest

from phyassist.lm.scripted import ScriptedModel
from tests.browser.conftest import PASSPHRASE, Workspace, add_patient, set_up, until, wait_for
from tests.browser.replies import ADVICE, answer
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
FIRST = "#items-reason .item:nth-child(1)"

# An Enter that ends a composition, as Chromium and Firefox send it, and as Safari does: compositionend first.
COMPOSE = """([place, endFirst]) => {
  const box = document.querySelector(place);
  const every = {key: "Enter", bubbles: true, cancelable: true};
  const key = (kind, more) => box.dispatchEvent(new KeyboardEvent(kind, {...every, ...more}));
  box.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
  box.value = "再具体";
  if (endFirst) box.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
  key("keydown", {isComposing: !endFirst, keyCode: endFirst ? 13 : 229});
  if (!endFirst) box.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
  key("keyup", {});
}"""


def make_draft(page: Any, workspace: Workspace, language: str = "en") -> None:
    set_up(page, workspace.url, language)
    add_patient(page, NAMES[language][0], TEXT[language])
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")


@pytest.mark.parametrize("end_first", [False, True])
def test_an_enter_that_ends_a_composition_never_sends_and_the_next_one_does(
    end_first: bool, workspace: Workspace, open_page: Any
) -> None:
    page = open_page("zh")
    make_draft(page, workspace, "zh")
    page.click(f"{FIRST} [data-comment]")
    box = f"{FIRST} .comment-form textarea"

    page.evaluate(COMPOSE, [box, end_first])
    page.wait_for_timeout(200)

    assert page.is_visible(box)
    assert page.locator(f"{FIRST} .comments").count() == 0
    page.focus(box)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{FIRST} .comments")


def test_the_whole_job_can_be_done_by_keyboard(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)

    page.keyboard.press("Alt+n")
    page.wait_for_selector("main [name=name]")
    tab_to(page, "document.activeElement.name === 'name'")
    page.keyboard.type("Lee Hartwell")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready] #source")
    tab_to(page, "document.activeElement.id === 'source'")
    page.keyboard.insert_text(TEXT["en"])
    tab_to(page, "document.activeElement.matches('.actions .primary')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    tab_to(page, "document.activeElement.matches('#items-reason .item:nth-child(2) .item-text')", 90)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("Written without a mouse")
    page.keyboard.press("Control+Enter")
    until(page, "document.querySelector('#items-reason').innerText.includes('Written without a mouse')")
    until(page, "document.activeElement.matches('#items-reason .item:nth-child(2) .item-text')")
    page.keyboard.press("Alt+ArrowUp")
    until(
        page,
        "document.querySelector('#items-reason .item:nth-child(1)').innerText.includes('Written without')",
    )
    tab_to(page, "document.activeElement.matches('.draft-bar .primary')", 90)
    page.keyboard.press("Enter")
    page.wait_for_selector("#dialog[open] .paper")
    tab_to(page, "document.activeElement.matches('#dialog form .primary')")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready] .timeline .paper")
    assert "Written without a mouse" in page.inner_text(".timeline .paper")
    page.keyboard.press("Control+k")
    page.keyboard.type("without a mouse")
    page.wait_for_selector("#rail-list .found a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/notes?note=*")


@pytest.mark.parametrize(("language", "said"), [("en", "Moved to place 2."), ("zh", "已移到第 2 位。")])
def test_an_item_that_is_moved_says_where_it_stands(
    language: str, said: str, workspace: Workspace, open_page: Any
) -> None:
    page = open_page(language)
    make_draft(page, workspace, language)

    page.focus(f"{FIRST} .item-text")
    page.keyboard.press("Alt+ArrowDown")

    until(page, f"document.querySelector('#live').innerText === '{said}'")


def tab_to(page: Any, reached: str, presses: int = 60) -> None:
    for _ in range(presses):
        if page.evaluate(reached):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead there: {reached}")


def test_escape_gives_an_edit_up_and_the_words_come_back(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    before = page.inner_text(f"{FIRST} .item-text")

    page.click(f"{FIRST} .item-text")
    page.keyboard.type(" and more")
    page.keyboard.press("Escape")

    assert page.inner_text(f"{FIRST} .item-text") == before
    page.click(f"{FIRST} .item-text")
    assert page.input_value(f"{FIRST} .edit-form textarea") == before


def test_stop_keeps_what_was_written_and_a_reload_shows_it(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", TEXT["en"])
    workspace.model.gate.clear()
    workspace.model.hold_after = 40
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-reason .item:nth-child(1)")

    page.click(".actions .stop")
    page.wait_for_selector("[hx-post$='/drafts']")
    written = page.locator(".item").count()
    page.reload()

    assert page.locator(".item").count() == written >= 1
    assert workspace.model.stopped.is_set()


def test_a_reader_who_leaves_stops_the_model(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", TEXT["en"])
    workspace.model.gate.clear()
    workspace.model.hold_after = 40
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-symptom_type .item")

    page.goto(f"{workspace.url}/practice")

    wait_for(workspace.model.stopped.is_set)


def test_words_of_two_windows_are_both_kept(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("html[data-ready]")
    other.click(f"{FIRST} .item-text")
    other.fill(f"{FIRST} .edit-form textarea", "from the other window")
    other.keyboard.press("Control+Enter")
    other.wait_for_selector(f"{FIRST} .chip.by-you")

    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "from this window")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"{FIRST} .theirs")

    assert page.inner_text(f"{FIRST} .theirs") == "from the other window"
    assert page.input_value(f"{FIRST} .edit-form textarea") == "from this window"
    page.focus(f"{FIRST} .edit-form textarea")
    page.keyboard.press("Control+Enter")
    until(page, f"document.querySelector('{FIRST} .item-text').innerText === 'from this window'")


def test_text_typed_in_two_windows_asks_whose_stands(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", "the first words")
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("html[data-ready]")
    other.fill("#source", "the other window's words")
    until(other, "document.querySelector('#source').dataset.after == 2")

    page.fill("#source", "this window's words")
    page.wait_for_selector("#source-changed:not([hidden])")

    assert page.input_value("#source") == "this window's words"
    page.click("[data-keep-mine]")
    until(page, "document.querySelector('#source').dataset.after == 3")
    other.reload()
    assert other.input_value("#source") == "this window's words"


def test_without_a_connection_words_are_kept_and_sent_again(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", "before the cable was pulled")
    workspace.stop()

    page.fill("#source", "while the server was away")
    page.wait_for_selector("#bar:not([hidden])")
    assert "away" not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    workspace.start()
    page.wait_for_selector("#bar", state="hidden")

    until(page, "document.querySelector('#source').dataset.after == 2")
    page.reload()
    assert page.input_value("#source") == "while the server was away"


def test_an_edit_without_a_connection_is_sent_when_it_is_back(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "kept in the meantime")
    workspace.stop()

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#bar:not([hidden])")
    workspace.start()

    until(page, f"document.querySelector('{FIRST} .item-text').innerText === 'kept in the meantime'")


def test_one_key_hides_and_locks_and_the_passphrase_brings_the_page_back(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", "what was said")
    where = page.url

    page.keyboard.press("Control+.")
    assert not page.is_visible("#source")
    page.wait_for_url("**/unlock**")
    page.fill("[name=passphrase]", "a wrong one altogether")
    page.click("button.primary")
    page.wait_for_selector(".problem")
    page.fill("[name=passphrase]", PASSPHRASE)
    page.click("button.primary")

    page.wait_for_url(where)
    assert page.input_value("#source") == "what was said"


def test_unsent_words_survive_a_lock_by_another_window(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "not yet sent")
    page.context.clear_cookies()

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#privacy:not([hidden])")
    page.fill("#privacy-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#privacy", state="hidden")

    assert page.input_value(f"{FIRST} .edit-form textarea") == "not yet sent"
    page.focus(f"{FIRST} .edit-form textarea")
    page.keyboard.press("Control+Enter")
    until(page, f"document.querySelector('{FIRST} .item-text').innerText === 'not yet sent'")


def test_a_quotation_lights_its_words_in_the_source(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en", width=1600)
    set_up(page, workspace.url)
    add_patient(page, "Lee", "\N{GRINNING FACE} hello. " + TEXT["en"])
    page.click("[hx-post$='/organise']")
    page.wait_for_selector(".line-text.rests")

    line = page.locator(".line-text.rests").first
    line.hover()

    quote = page.inner_text("#pane-source mark")
    assert quote in TEXT["en"]
    assert quote in str(line.get_attribute("aria-label"))


def test_an_unread_reply_is_said_shown_and_tried_again(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    workspace.model.script = ScriptedModel(["I would rather not.", answer], name="scripted-model")
    set_up(page, workspace.url)
    add_patient(page, "Lee", TEXT["en"])

    page.click("[hx-post$='/drafts']")
    page.click(".unread summary")
    assert page.inner_text(".unread pre") == "I would rather not."
    page.click(".unread button")

    page.wait_for_selector("#items-advice .item:nth-child(3)")
    assert ADVICE["en"][0] in page.inner_text("#items-advice")
    until(page, "document.querySelectorAll('.unread').length === 0")


def test_an_opened_unread_reply_stays_open_while_another_section_is_written_anew(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")

    def say_half(ask: Any) -> str:
        return answer(ask).partition('"advice"')[0] + '"advice": so far'

    anew = '{"symptom_type": "Worry about exams"}'
    workspace.model.script = ScriptedModel([say_half, anew], name="scripted-model")
    set_up(page, workspace.url)
    add_patient(page, "Lee", TEXT["en"])
    page.click("[hx-post$='/drafts']")
    page.click(".unread summary")
    page.wait_for_selector("[hx-post$='/drafts']")

    page.click(".section:has(#items-symptom_type) [hx-post$='/redo']")
    page.get_by_text("Worry about exams").first.wait_for()
    page.wait_for_selector("[hx-post$='/drafts']")

    assert page.locator(".unread pre").is_visible()
    assert "so far" in page.inner_text(".unread pre")


def test_the_open_tab_is_seen_on_a_narrow_screen(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, NAMES["en"][0])
    page.click(".tabs a[href$='/assistant']")
    page.wait_for_url("**/assistant")
    page.set_viewport_size({"width": 360, "height": 740})

    page.reload()
    page.wait_for_selector("html[data-ready] .tabs [aria-current]")

    box = page.locator(".tabs [aria-current]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
