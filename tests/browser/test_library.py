"""From a folder of papers to an item of the draft, in a real browser: added, asked, cited, opened, used."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from phyassist.lm.protocol import Ask
from tests.browser.conftest import GatedModel, Workspace, add_patient, set_up, until
from tests.browser.replies import answers
from tests.browser.test_axe import look
from tests.browser.test_chat import send
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
# The pages of two papers; what is asked about stands on the second page of each.
PAPERS = {
    "en": {
        "Sleep before exams": (
            "Whom we asked, and how.",
            "Students who slept little before an exam slept longer once they got up at one hour.",
        ),
        "Worry and breath": (
            "A method, in short.",
            "Slow breathing eased the worry before an exam when it was practised for a week.",
        ),
    },
    "zh": {
        "考前睡眠": ("我们问了谁，怎么问的。", "考试前睡得少的学生，每天在同一时间起床以后，睡眠变长了。"),
        "担心与呼吸": ("方法简述。", "考试前一周每天练习缓慢呼吸，考试前的担心有所减轻。"),
    },
}
ASKED = {
    "en": "What helps with sleep and worry before an exam?",
    "zh": "考试前睡不好、担心，有什么办法？",
}
SAID = {
    "en": (
        "Plan with the client to get up at the same hour every day [S1].",
        "Try slow breathing with the client for a week [S2].",
    ),
    "zh": ("和来访者约定每天在同一时间起床[文1]。", "请来访者用一周练习缓慢呼吸[文2]。"),
}
READ = {"en": "Everything has been read", "zh": "都读完了"}


def print_papers(page: Any, folder: Path, language: str) -> Path:
    """A folder with two papers of two pages each, printed as any browser prints."""
    folder.mkdir()
    for title, pages in PAPERS[language].items():
        body = "".join(f'<p style="break-after: page">{text}</p>' for text in pages)
        page.set_content(f"<html lang={language}><title>{title}</title><body>{body}</body></html>")
        (folder / f"{title}.pdf").write_bytes(page.pdf())
    return folder


def talks(language: str) -> Iterator[Any]:
    drafts = answers()

    def say(ask: Ask) -> str:
        return str(next(drafts)(ask)) if ask.schema is not None else "\n".join(SAID[language])

    for _ in count():
        yield say


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_folder_of_papers_answers_with_sources_that_open_at_the_page_and_becomes_an_item(
    language: str, workspace: Workspace, open_page: Any, tmp_path: Path
) -> None:
    workspace.model = GatedModel(talks(language))
    page = open_page(language)
    papers = print_papers(page, tmp_path / "papers", language)
    set_up(page, workspace.url, language)

    page.goto(f"{workspace.url}/library")
    page.wait_for_selector("html[data-ready] .folder:not([hidden])")
    page.set_input_files("#library-folder", papers)
    page.wait_for_selector("p.said:not([hidden]) >> nth=0")
    page.wait_for_url("**/library?said=added")
    found: list[str] = []
    look(page, found, "library")
    titles = page.locator(".documents a").all_inner_texts()
    assert sorted(titles) == sorted(PAPERS[language])

    page.goto(workspace.url)
    page.wait_for_selector("html[data-ready] .new")
    add_patient(page, NAMES[language][0], TEXT[language])
    page.click(".tabs a >> nth=3")
    page.wait_for_selector("html[data-ready] #ask")
    page.check("[name=library]")
    send(page, ASKED[language], 2)
    cited = page.locator(".given-passage.cited")
    assert cited.count() == 2
    assert {title for title in titles if title in page.inner_text(".given-passages")} == set(titles)
    look(page, found, "chat with sources")
    hrefs = [link.get_attribute("href") for link in page.locator(".given-passage.cited a").all()]

    page.click(".paragraph:nth-child(1) summary >> nth=0")
    page.click(".paragraph:nth-child(1) [hx-vals*='advice']")
    page.click(".paragraph:nth-child(1) .taken a")
    page.wait_for_selector("html[data-ready] #items-advice .item")
    item = page.inner_text("#items-advice .item")
    assert SAID[language][0].partition("[")[0].strip() in item
    assert any(title in item for title in titles), "the item names the paper that it rests on"

    for href in hrefs:
        page.goto(f"{workspace.url}{href}")
        page.wait_for_selector("html[data-ready] #here")
        here = page.inner_text("#here")
        assert here in {pages[1] for pages in PAPERS[language].values()}
        until(page, "document.querySelector('.page-no') !== null")
        assert "2" in page.locator(".page-no").last.inner_text()
    assert found == []


LISTED = {
    "en": "TY  - JOUR\nTI  - Sleep before exams\nAU  - Heron, Ada\nPY  - 2020\nER  - \n",
    "zh": "TY  - JOUR\nTI  - 考前睡眠\nAU  - 苏鹭\nPY  - 2020\nER  - \n",
}
AUTHOR = {"en": "Heron, Ada · 2020", "zh": "苏鹭 · 2020"}
THERE = {"en": "All of these were there already", "zh": "这些资料库里都已有"}
OTHERS = {"en": "does not read files of this kind: {}", "zh": "不能读取这种格式的文件：{}"}
SUM = {
    "en": "0 added, 2 there already, 1 could not be read. Titles",
    "zh": "已添加 0 个，已有 2 个，未能读取 1 个。",
}


def open_library(page: Any, workspace: Workspace, language: str) -> None:
    set_up(page, workspace.url, language)
    page.goto(f"{workspace.url}/library")
    page.wait_for_selector("html[data-ready] #library-add")


def drop(page: Any, *paths: Path) -> bool:
    """Files or folders of this machine let go over the page; whether it showed that it takes them."""
    hand = page.context.new_cdp_session(page)
    carried = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 400, "data": carried})
    shown = page.evaluate("document.body.classList.contains('dropping')")
    hand.send("Input.dispatchDragEvent", {"type": "drop", "x": 640, "y": 400, "data": carried})
    return bool(shown)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_folder_with_its_list_of_references_is_dropped_and_dropped_again(
    language: str, workspace: Workspace, open_page: Any, tmp_path: Path
) -> None:
    page = open_page(language)
    papers = print_papers(page, tmp_path / "papers", language)
    (papers / "a list.ris").write_text(LISTED[language], "utf-8")
    (papers / ".hidden").write_text("nothing", "utf-8")
    open_library(page, workspace, language)

    shown = drop(page, papers)
    page.wait_for_url("**/library?said=added")
    first = page.inner_text(".documents")
    drop(page, papers)
    page.wait_for_url("**/library?said=all_known")

    assert shown
    assert AUTHOR[language] in first, "the list comes before its paper in the folder, and is read after it"
    assert THERE[language] in page.inner_text("p.said >> nth=0")
    assert page.locator(".documents li").count() == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_a_dropped_folder_holds_beside_documents_is_named(
    language: str, workspace: Workspace, open_page: Any, tmp_path: Path
) -> None:
    page = open_page(language)
    papers = print_papers(page, tmp_path / "papers", language)
    open_library(page, workspace, language)
    drop(page, papers)
    page.wait_for_url("**/library?said=added")
    (papers / "desk.jpg").write_bytes(b"not read")
    (papers / "list.ris").write_text(LISTED[language], "utf-8")

    drop(page, papers)
    until(page, f"document.querySelector('#library-progress').textContent.startsWith('{SUM[language]}')")

    assert (
        page.locator("#library-refused li").all_inner_texts()[0].endswith(OTHERS[language].format("desk.jpg"))
    )


def test_a_file_and_a_list_are_dropped_from_the_desk(
    workspace: Workspace, open_page: Any, tmp_path: Path
) -> None:
    page = open_page("en")
    paper, listed = tmp_path / "night.md", tmp_path / "a.ris"
    paper.write_text("# Sleep before exams\n\nGet up at one hour.", "utf-8")
    listed.write_text(LISTED["en"], "utf-8")
    open_library(page, workspace, "en")

    drop(page, listed, paper)
    page.wait_for_url("**/library?said=added")

    assert AUTHOR["en"] in page.inner_text(".documents")
