"""Words that are typed and not sent yet: what happens beside them leaves them where they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import PASSPHRASE, Workspace, add_patient, set_up, until
from tests.browser.test_behaviour import make_draft
from tests.web.samples import NAMES

pytestmark = pytest.mark.browser
ITEMS = "#items-reason .item"
FIRST, SECOND, THIRD = (f"{ITEMS}:nth-child({no})" for no in (1, 2, 3))


def add_line(page: Any, field: str, text: str) -> None:
    page.click(f"[data-add={field}]")
    page.fill(f"#add-{field} textarea", text)
    page.click(f"#add-{field} .primary")
    page.locator(f"#lines-{field} .line-text", has_text=text).wait_for()


def test_half_a_line_of_the_record_stays_when_another_line_goes(workspace: Workspace, open_page: Any) -> None:
    page = open_page("zh")
    set_up(page, workspace.url, "zh")
    add_patient(page, NAMES["zh"][0])
    page.click(".tabs a[href$='/record']")
    page.wait_for_selector("html[data-ready] #record")
    add_line(page, "mental_state", "情绪低落")
    add_line(page, "physical_condition", "夜里醒三四次")

    page.click("#lines-mental_state [data-edit-this]")
    page.fill("#lines-mental_state .edit-form textarea", "情绪低落，早晨更重")
    page.click("[data-add=social_functioning]")
    page.type("#add-social_functioning textarea", "和室友不再")
    page.evaluate("document.querySelector('#add-social_functioning textarea').setSelectionRange(2, 2)")
    # The button is pressed by a script: the caret stays in the box.
    page.evaluate("document.querySelector('#lines-physical_condition [hx-post$=\"/delete\"]').click()")
    until(page, "document.querySelectorAll('#lines-physical_condition .line').length === 0")
    page.keyboard.type("住的")

    assert page.input_value("#add-social_functioning textarea") == "和室住的友不再"
    assert page.get_attribute("[data-add=social_functioning]", "aria-expanded") == "true"
    assert page.is_visible("#lines-mental_state .edit-form textarea")
    assert page.input_value("#lines-mental_state .edit-form textarea") == "情绪低落，早晨更重"
    page.click("#add-social_functioning .primary")
    page.locator("#lines-social_functioning .line-text", has_text="和室住的友不再").wait_for()
    assert page.input_value("#add-social_functioning textarea") == ""


def test_an_open_comment_and_an_open_edit_outlive_what_happens_to_items_beside_them(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "the first, kept")
    page.click(f"{FIRST} [data-comment]")
    page.fill(f"{FIRST} .comment-form textarea", "say more of")
    page.click(f"{SECOND} .item-text")
    page.fill(f"{SECOND} .edit-form textarea", "half an edit")
    moved = page.get_attribute(FIRST, "id")

    page.focus(f"{FIRST} .edit-form textarea")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press("Control+Enter")
    until(page, f"document.querySelector('{FIRST} .item-text').innerText === 'the first, kept'")
    # A click that comes while what was saved is still being put in place goes nowhere.
    until(page, "!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
    page.evaluate(f"document.querySelector('{FIRST} [data-move=down]').click()")
    until(page, f"document.querySelector('{SECOND}').id === '{moved}'")

    assert page.is_visible(f"{SECOND} .comment-form textarea")
    assert page.input_value(f"{SECOND} .comment-form textarea") == "say more of"
    assert page.is_visible(f"{FIRST} .edit-form textarea")
    assert page.is_hidden(f"{FIRST} .item-text")
    assert page.input_value(f"{FIRST} .edit-form textarea") == "half an edit"
    assert page.is_hidden(f"{SECOND} .edit-form textarea")


def test_a_deleted_item_that_is_brought_back_has_its_half_comment(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    page.click(f"{FIRST} [data-comment]")
    page.fill(f"{FIRST} .comment-form textarea", "say more of")

    page.evaluate(f"document.querySelector('{FIRST} [hx-post$=\"/delete\"]').click()")
    page.click(f"{FIRST}.gone button")
    page.wait_for_selector(f"{FIRST} .item-text")

    assert page.input_value(f"{FIRST} .comment-form textarea") == "say more of"


def test_half_a_question_stays_while_an_earlier_one_is_answered_again(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, NAMES["en"][0])
    page.click(".tabs a[href$='/chat']")
    page.wait_for_selector("html[data-ready] #ask")
    page.fill("#ask", "What is known about exam anxiety?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn.answer [hx-post$='/again']:not([disabled])")
    assert page.input_value("#ask") == ""

    page.fill("#ask", "and what about")
    page.click(".turn.answer [hx-post$='/again']")
    page.wait_for_selector(".branch-no")
    page.wait_for_selector(".turn.answer [hx-post$='/again']:not([disabled])")

    assert page.input_value("#ask") == "and what about"


@pytest.fixture
def asked() -> list[str]:
    """What the browser asked on leaving; every such question is answered with staying."""
    return []


def stay_when_asked(page: Any, asked: list[str]) -> None:
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))


@pytest.mark.parametrize("away", [".brand", ".switches button", "[action='/language'] button"])
def test_whoever_leaves_half_an_edit_is_asked_and_finds_it_again_on_staying(
    away: str, workspace: Workspace, open_page: Any, asked: list[str]
) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    stay_when_asked(page, asked)
    where = page.url
    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "half an edit")

    page.evaluate(f'document.querySelector("{away}").click()')
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    assert page.url == where
    assert page.input_value(f"{FIRST} .edit-form textarea") == "half an edit"
    page.focus(f"{FIRST} .edit-form textarea")
    page.keyboard.press("Control+Enter")
    until(page, f"document.querySelector('{FIRST} .item-text').innerText === 'half an edit'")
    page.click(away)
    page.wait_for_selector("html[data-ready]")
    assert asked == ["beforeunload"]


def test_nobody_is_asked_about_words_that_were_sent_or_given_up(
    workspace: Workspace, open_page: Any, asked: list[str]
) -> None:
    page = open_page("en")
    stay_when_asked(page, asked)
    set_up(page, workspace.url)
    page.click(".new")
    page.fill("[name=name]", "nobody after all")
    page.click("[data-cancel]")
    page.wait_for_url(lambda url: not url.endswith("/new"))

    add_patient(page, NAMES["en"][0])
    page.goto(page.url.partition("/consultations")[0] + "/consent")
    page.wait_for_selector("html[data-ready] .purposes")
    page.check(".purpose >> nth=0 >> [value=yes]")
    page.click("main form .primary")
    page.wait_for_selector(".said")
    page.fill("#find", "somebody")
    page.click(".tabs a[href$='/chat']")
    page.wait_for_url("**/chat")

    assert asked == []


def test_words_that_were_refused_are_asked_about_until_they_are_saved(
    workspace: Workspace, open_page: Any, asked: list[str]
) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    stay_when_asked(page, asked)
    page.click(f"{FIRST} .item-text")
    page.fill(f"{FIRST} .edit-form textarea", "from this window")
    page.evaluate("document.querySelector('#draft-version').value = 1")
    page.focus(f"{FIRST} .edit-form textarea")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"{FIRST} .theirs")

    page.click(".brand", no_wait_after=True)
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    assert page.input_value(f"{FIRST} .edit-form textarea") == "from this window"


def test_words_under_a_heading_that_another_form_of_note_hides_are_asked_about(
    workspace: Workspace, open_page: Any, asked: list[str]
) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    stay_when_asked(page, asked)
    page.click(".draft-bar .primary")
    page.check("#note-form [value=soap]")
    page.fill("#hand-soap-objective", "speaks slowly")
    page.check("#note-form [value=birp]")
    page.wait_for_selector("#hand-birp-response")

    page.evaluate("window.location.reload()")
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    page.check("#note-form [value=soap]")
    page.wait_for_selector("#hand-soap-objective")
    assert page.input_value("#hand-soap-objective") == "speaks slowly"


def test_a_card_that_is_being_filled_in_stays_behind_the_lock(workspace: Workspace, open_page: Any) -> None:
    page = open_page("zh")
    set_up(page, workspace.url, "zh")
    page.click(".new")
    page.fill("[name=name]", NAMES["zh"][0])

    page.keyboard.press("Control+.")
    page.wait_for_selector("#privacy:not([hidden])")
    page.wait_for_timeout(500)
    page.fill("#privacy-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#privacy", state="hidden")

    assert page.input_value("[name=name]") == NAMES["zh"][0]
    page.click("main button.primary")
    page.wait_for_selector("html[data-ready] #source")


def test_consent_that_is_ticked_and_not_saved_stays_behind_the_lock(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, NAMES["en"][0])
    page.goto(page.url.partition("/consultations")[0] + "/consent")
    page.wait_for_selector("html[data-ready] .purposes")
    page.check(".purpose >> nth=0 >> [value=yes]")

    page.keyboard.press("Control+.")
    page.wait_for_selector("#privacy:not([hidden])")
    page.wait_for_timeout(500)
    page.fill("#privacy-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#privacy", state="hidden")

    assert page.is_checked(".purpose >> nth=0 >> [value=yes]")


def click_twice(page: Any, place: str) -> None:
    """The second click comes when the first request is on its way and the page still stands."""
    page.evaluate(
        """(place) => {
          const button = document.querySelector(place);
          button.click();
          setTimeout(() => button.click(), 20);
        }""",
        place,
    )


def test_two_clicks_make_one_client_and_one_consultation(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    set_up(page, workspace.url)
    page.click(".new")
    page.fill("[name=name]", NAMES["en"][0])
    posts.clear()

    click_twice(page, "main button.primary")
    page.wait_for_selector("html[data-ready] #source")
    click_twice(page, "[action$='/consultations'] button")
    page.wait_for_timeout(500)
    page.wait_for_selector("html[data-ready] #source")

    assert [url.rpartition("/")[2] for url in posts] == ["patients", "consultations"]
    # Nobody has written in the one that came with the client: it is taken up again, and no other is listed.
    assert page.locator(".page-line .menu-list a[href*='/consultations/']").count() == 0

    page.fill("#source", "She slept badly again.")
    page.wait_for_timeout(1500)
    click_twice(page, "[action$='/consultations'] button")
    page.wait_for_timeout(500)
    page.wait_for_selector("html[data-ready] #source")

    assert page.locator(".page-line .menu-list a[href*='/consultations/']").count() == 2
