"""Conversations in a real browser: sent, streamed, stopped, branched, put to use, by hand and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from phyassist.errors import EngineDown
from phyassist.lm.protocol import Ask
from phyassist.lm.scripted import ScriptedModel
from tests.browser.conftest import PATIENCE_S, GatedModel, Workspace, add_patient, set_up, until, wait_for
from tests.browser.replies import answers
from tests.browser.test_axe import look
from tests.browser.test_behaviour import COMPOSE, make_draft
from tests.browser.test_notes import open_preview
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
FIRST = {"zh": "来访者睡得很少，想到考试就心慌。", "en": "The client sleeps little and fears the exam."}
THEN = {"zh": "可以先问睡眠从什么时候开始变短。", "en": "Ask first since when the sleep has been short."}
ASKED = {"zh": "她怎么了？", "en": "What troubles her?"}


def talks(language: str) -> Iterator[Any]:
    """Answers to questions, each with a number; drafts where a draft is asked for."""
    numbers, drafts = count(1), answers()

    def say(ask: Ask) -> str:
        if ask.schema is not None:
            return str(next(drafts)(ask))
        return f"{FIRST[language]} {next(numbers)}\n{THEN[language]}"

    while True:
        yield say


@pytest.fixture
def talking(workspace: Workspace) -> Workspace:
    workspace.model = GatedModel(talks("en"))
    return workspace


def open_chat(page: Any, workspace: Workspace, language: str = "en") -> None:
    set_up(page, workspace.url, language)
    add_patient(page, NAMES[language][0], TEXT[language])
    page.click(".tabs a >> nth=3")
    page.wait_for_selector("html[data-ready] #ask")


def send(page: Any, question: str, turns: int) -> None:
    """Ask, and wait until so many turns stand there and the last one is whole."""
    page.fill("#ask", question)
    page.press("#ask", "Enter")
    done(page, turns)


def done(page: Any, turns: int) -> None:
    until(page, f"document.querySelectorAll('.turn').length === {turns}")
    until(page, "!document.querySelector('[data-running]')")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_answer_is_copied_with_its_paragraphs_and_nothing_else(
    language: str, workspace: Workspace, open_page: Any
) -> None:
    workspace.model = GatedModel(talks(language))
    page = open_page(language)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_chat(page, workspace, language)
    send(page, ASKED[language], 2)

    page.click("[data-copy-answer]")

    copied = {"zh": "已复制", "en": "Copied"}[language]
    until(page, f"document.querySelector('[data-copy-answer]').textContent.startsWith('{copied}')")
    assert page.evaluate("navigator.clipboard.readText()") == f"{FIRST[language]} 1\n\n{THEN[language]}"


def test_an_answer_is_streamed_and_its_thread_found_again(talking: Workspace, open_page: Any) -> None:
    page = open_page("en")
    open_chat(page, talking)
    talking.model.gate.clear()
    talking.model.hold_after = 4

    page.fill("#ask", ASKED["en"])
    page.press("#ask", "Enter")
    until(page, "document.querySelector('.turn.answer .paragraph')?.innerText.startsWith('The')")
    streamed = page.inner_text(".turn.answer .paragraph")
    talking.model.gate.set()
    done(page, 2)

    assert streamed in FIRST["en"]
    assert page.locator(".turn.answer .paragraph > p").all_inner_texts() == [f"{FIRST['en']} 1", THEN["en"]]
    assert "thread=" in page.url
    assert page.evaluate("document.activeElement.id") == "ask"
    page.click(".page-line .text-button")
    page.wait_for_selector("html[data-ready] #ask")
    page.fill("#find-threads", "short")
    page.press("#find-threads", "Enter")
    page.click(".found-threads a")
    page.wait_for_selector(".turn.answer .paragraph")


def test_a_new_conversation_offers_questions_that_can_be_changed_before_they_are_asked(
    talking: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    open_chat(page, talking)
    page.fill("#ask", "Before the exam: ")

    assert page.locator("[data-starter]").all_inner_texts() == ["What could I ask first next time?"]
    page.click("[data-starter]")
    assert page.input_value("#ask") == "Before the exam: What could I ask first next time?"
    assert page.evaluate("document.activeElement.id") == "ask"
    assert page.locator(".turn").count() == 0
    page.press("#ask", "Enter")
    done(page, 2)

    assert page.locator("[data-starter]").count() == 0


def test_an_answer_names_the_notes_that_it_read_and_opens_them(talking: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, talking)
    open_preview(page)
    page.click("#note-form .primary")
    page.wait_for_selector(".note[open] .paper")
    page.click(".tabs a >> nth=3")
    page.wait_for_selector("html[data-ready] #ask")

    send(page, ASKED["en"], 2)
    named = page.inner_text(".turn.answer .hint")
    page.click(".turn.answer .hint a")
    page.wait_for_selector(".note[open] .paper")

    assert named.startswith("It also read: Note 1, ")
    assert "#note-" in page.url


def test_stop_keeps_what_came_and_a_question_asked_differently_is_a_branch(
    talking: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    open_chat(page, talking)
    talking.model.gate.clear()
    talking.model.hold_after = 4
    page.fill("#ask", ASKED["en"])
    page.press("#ask", "Enter")
    until(page, "document.querySelector('.turn.answer .paragraph')?.innerText.startsWith('The')")

    page.click(".chat-run .stop")
    done(page, 2)
    assert page.is_visible(".turn-state")
    kept = page.inner_text(".turn.answer .paragraph > p")
    talking.model.gate.set()
    page.click(".turn.question [data-edit-this]")
    page.keyboard.press("Control+a")
    page.keyboard.type("And how does she sleep?")
    page.keyboard.press("Enter")

    until(page, "document.querySelector('.turn.question .branch-no')?.innerText === '2/2'")
    until(page, "document.querySelector('.turn.answer .paragraph > p')?.innerText.includes('2')")
    done(page, 2)
    page.click(".branches button >> nth=0")
    until(page, "document.querySelector('.turn.question .branch-no').innerText === '1/2'")
    assert page.inner_text(".turn.answer .paragraph > p") == kept
    page.click(".turn.answer [hx-post$='/again']")
    until(page, "document.querySelector('.turn.answer .branch-no')?.innerText === '2/2'")


def test_paragraphs_go_into_the_draft_and_the_record(talking: Workspace, open_page: Any) -> None:
    page = open_page("en")
    open_chat(page, talking)
    send(page, ASKED["en"], 2)

    page.click(".paragraph:nth-child(2) summary >> nth=0")
    page.click(".paragraph:nth-child(2) [hx-vals*='advice']")
    page.wait_for_selector(".paragraph:nth-child(2) .taken a")
    page.click(".paragraph:nth-child(1) summary >> nth=1")
    page.click(".paragraph:nth-child(1) [hx-vals*='mental_state']")
    page.wait_for_selector(".paragraph:nth-child(1) .taken a")

    page.click(".paragraph:nth-child(2) .taken a")
    page.wait_for_selector("html[data-ready] #items-advice .item")
    assert page.inner_text("#items-advice .item-text") == THEN["en"]
    page.click(".tabs a >> nth=1")
    page.wait_for_selector("html[data-ready] .record-field")
    assert FIRST["en"] in page.inner_text(".record")


def test_the_drawer_talks_beside_the_draft_and_adds_to_it(talking: Workspace, open_page: Any) -> None:
    page = open_page("en", width=1400)
    set_up(page, talking.url)
    add_patient(page, NAMES["en"][0], TEXT["en"])
    page.click("#tab-chat")
    page.wait_for_selector("#pane-chat #ask")

    send(page, ASKED["en"], 2)
    page.click("#pane-chat .paragraph:nth-child(2) summary >> nth=0")
    page.click("#pane-chat .paragraph:nth-child(2) [hx-vals*='advice']")

    page.wait_for_selector("#draft #items-advice .item")
    assert page.inner_text("#items-advice .item-text") == THEN["en"]


def test_arrows_lead_to_the_drawers_conversation_and_find_it_there_again(
    talking: Workspace, open_page: Any
) -> None:
    page = open_page("en", width=1400)
    set_up(page, talking.url)
    add_patient(page, NAMES["en"][0])
    page.focus("#tab-source")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.fill("#pane-chat #ask", "half a question")
    page.focus("#tab-chat")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")

    assert page.input_value("#pane-chat #ask") == "half a question"


@pytest.mark.parametrize(
    ("language", "works", "said"),
    [
        ("en", True, "Copied"),
        ("zh", True, "已复制"),
        ("en", False, "Could not be copied"),
        ("zh", False, "未能复制"),
    ],
)
def test_without_a_clipboard_of_its_own_the_page_copies_the_old_way_or_says_that_it_cannot(
    language: str, works: bool, said: str, workspace: Workspace, open_page: Any
) -> None:
    workspace.model = GatedModel(talks(language))
    page = open_page(language)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    if not works:
        page.add_init_script("document.execCommand = () => false")
    open_chat(page, workspace, language)
    send(page, ASKED[language], 2)

    page.click("[data-copy-answer]")

    until(page, f"document.querySelector('[data-copy-answer]').textContent.startsWith('{said}')")
    assert page.inner_text("#live").startswith(said)
    page.focus("#ask")
    page.keyboard.press("Control+v")
    pasted = f"{FIRST[language]} 1\n\n{THEN[language]}"
    assert not works or page.input_value("#ask") == pasted


@pytest.mark.parametrize("end_first", [False, True])
def test_an_enter_that_ends_a_composition_never_asks(
    end_first: bool, talking: Workspace, open_page: Any
) -> None:
    page = open_page("zh")
    open_chat(page, talking, "zh")

    page.evaluate(COMPOSE, ["#ask", end_first])
    page.wait_for_timeout(200)

    assert page.locator(".turn").count() == 0
    page.press("#ask", "Shift+Enter")
    assert page.locator(".turn").count() == 0
    page.focus("#ask")
    page.keyboard.press("Enter")
    done(page, 2)


def test_an_engine_that_is_gone_in_the_middle_leaves_what_came_and_can_be_tried_again(
    workspace: Workspace, open_page: Any
) -> None:
    workspace.model = GatedModel(talks("en"))
    workspace.model.script = ScriptedModel(
        [f"{FIRST['en']} {no}" for no in range(1, 4)], fails_after=5, error=EngineDown("gone")
    )
    page = open_page("en")
    open_chat(page, workspace)

    page.fill("#ask", ASKED["en"])
    page.press("#ask", "Enter")
    page.wait_for_selector("#alerts .alert")
    done(page, 2)
    broken = page.inner_text(".turn.answer .paragraph > p")
    page.click(".turn.answer [hx-post$='/again']")
    until(page, "document.querySelector('.turn.answer .branch-no')?.innerText === '2/2'")
    done(page, 2)

    assert broken == FIRST["en"][:20].strip()
    assert page.inner_text(".turn.answer .paragraph > p") == f"{FIRST['en']} 2"


def test_a_file_that_is_erased_under_an_open_page_says_so(talking: Workspace, open_page: Any) -> None:
    page = open_page("en")
    open_chat(page, talking)
    talking.model.gate.clear()
    talking.model.hold_after = 4
    page.fill("#ask", ASKED["en"])
    page.press("#ask", "Enter")
    until(page, "document.querySelector('.turn.answer .paragraph')?.innerText.startsWith('The')")

    other = page.context.new_page()
    other.goto(page.url.split("/chat")[0] + "/edit")
    other.click(".danger-zone summary")
    other.fill(".danger-zone [name=confirm]", NAMES["en"][0])
    other.click(".danger-zone button")
    other.wait_for_url("**/erasures/**")
    talking.model.gate.set()

    page.wait_for_selector(".thread .closed")
    assert "erased" in page.inner_text(".thread .closed")


def test_two_windows_talk_at_once(talking: Workspace, open_page: Any) -> None:
    page = open_page("en")
    open_chat(page, talking)
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE_S * 1000)
    other.goto(f"{talking.url}/chat")
    other.wait_for_selector("html[data-ready] #ask")
    talking.model.gate.clear()
    talking.model.hold_after = 4

    for each in (page, other):
        each.fill("#ask", ASKED["en"])
        each.press("#ask", "Enter")
    wait_for(lambda: len(talking.model.script.asks) == 2)
    talking.model.gate.set()

    for each in (page, other):
        done(each, 2)
        assert FIRST["en"] in each.inner_text(".turn.answer")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_chat_page_breaks_a_rule(language: str, workspace: Workspace, open_page: Any) -> None:
    workspace.model = GatedModel(talks(language))
    page = open_page(language)
    found: list[str] = []
    open_chat(page, workspace, language)

    look(page, found, "new thread")
    send(page, ASKED[language], 2)
    send(page, ASKED[language], 4)
    page.click(".turn.question [data-edit-this] >> nth=0")
    look(page, found, "thread")
    page.goto(f"{workspace.url}/chat")
    look(page, found, "about nobody")

    assert found == []
