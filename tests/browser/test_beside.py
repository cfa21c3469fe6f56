"""What stands beside a consultation: the flag, the words lit in the source, whom to call, similar cases."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from phyassist.domain.consents import Answer, Purpose
from phyassist.domain.library import Scope
from phyassist.domain.people import Language
from phyassist.services.library import add_file, load_known
from phyassist.services.patients import new_patient
from phyassist.services.practice import sign_in
from phyassist.services.risk import make_guide
from phyassist.store.opening import open_store
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.browser.conftest import PASSPHRASE, Workspace, add_patient, set_up
from tests.browser.test_axe import look
from tests.conftest import FAST_COST
from tests.house.tree import ROOT
from tests.services.test_consent import answer
from tests.services.test_similar import keep_note

pytestmark = pytest.mark.browser
SAID = {
    "zh": "来访者：最近总想死，药都攒好了。\n来访者：我从来没有听到过有人说话的声音。\n",
    "en": "Client: I want to die, I have the pills counted out.\nClient: I never hear voices in my head.\n",
}
QUOTE = {"zh": "想死", "en": "want to die"}
DENIED = {"zh": "否认", "en": "denied"}
DATA = ROOT.parent / "shared" / "data"
COUNSEL_CHAT = DATA / "counsel-chat" / "counsel_chat.csv"
COUNSELLOR = {"zh": "温医生", "en": "Dr. Wen"}
SLEEPLESS = {
    "zh": "来访者：考试以前我总是睡不着，妈妈很失望。\n",
    "en": "Client: I cannot sleep before an exam, and my mother is disappointed.\n",
}
# The other person's name, what was asked about them, what was tried, and what shows of it without a name.
OTHER = {
    "zh": ("欧阳明月", "欧阳明月为什么考试前睡不着？", "请欧阳明月睡前写下担心的事。"),
    "en": (
        "Margaret Lee",
        "Why can Margaret Lee not sleep before an exam?",
        "Have Margaret Lee write it down.",
    ),
}
SHOWN = {
    "zh": ("为什么考试前睡不着？", "睡前写下担心的事。", "睡眠"),
    "en": ("not sleep before an exam?", "write it down.", "sleep"),
}
WHY = {"zh": "相同之处：", "en": "Shared:"}
TRIED = {"zh": "当时的做法", "en": "What was tried"}
PUBLISHED = {"zh": "资料库中的公开个案", "en": "Published cases in the library"}


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


@contextmanager
def behind(workspace: Workspace, language: Language) -> Iterator[tuple[Store, SignedIn]]:
    """The store that the page works with, opened beside it by the counsellor who set it up."""
    with open_store(f"sqlite:///{workspace.folder}/practice.db", passphrase_cost=FAST_COST) as store:
        yield store, sign_in(store, passphrase=PASSPHRASE, name=COUNSELLOR[language])


def open_pane(page: Any, name: str) -> str:
    page.click(f"#tab-{name}")
    page.wait_for_selector(f"#pane-{name} > div")
    return str(page.inner_text(f"#pane-{name}"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_similar_case_says_why_it_is_like_and_what_was_tried_without_a_name(
    language: Language, workspace: Workspace, open_page: Any
) -> None:
    page = open_page(language)
    set_up(page, workspace.url, language)
    name, asked, advice = OTHER[language]
    with behind(workspace, language) as (store, by):
        other = new_patient(store, by, name=name, number="B-2", language=language)
        keep_note(store, by, other, "first", asked=asked, advice=advice)
        keep_note(store, by, other, "second", asked="?", advice="…")
        answer(store, by, other, Answer.YES, Purpose.SIMILAR_CASES)
    add_patient(page, "孙某" if language == "zh" else "Sun", SLEEPLESS[language])

    open_pane(page, "similar")

    case = page.locator("#pane-similar article").first
    title, tried, theme = SHOWN[language]
    assert title in case.locator("h3").inner_text()
    why = case.locator("p", has_text=WHY[language]).inner_text()
    assert theme in why
    assert TRIED[language] in case.inner_text()
    assert tried in case.locator("ul").first.inner_text()
    assert not any(part in case.inner_text() for part in (name, *name.split()))
    found: list[str] = []
    look(page, found, "similar")
    assert found == []
    href = str(case.locator("h3 a").get_attribute("href"))
    case.locator("h3 a").click()
    page.wait_for_selector(f"#{href.partition('#')[2]} > details[open]")


def find_real_text(language: Language) -> str:
    """The first public text in which a sign of risk is said of now."""
    if language == "zh":
        lines = (DATA / "smilechat" / "dialogues.jsonl").read_text(encoding="utf-8").splitlines()
        names = {"client": "来访者", "counselor": "咨询师"}
        texts = [
            "\n".join(f"{names[turn['role']]}：{turn['content']}" for turn in json.loads(line)["turns"])
            for line in lines
        ]
    else:
        with COUNSEL_CHAT.open(encoding="utf-8", newline="") as table:
            texts = [row["questionText"] for row in csv.DictReader(table)]
    return next(text for text in texts if make_guide(text, language=language, region="cn").is_raised)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared folder with public data is not here")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_real_text_shows_its_risk_with_the_words_and_a_published_case_like_it(
    language: Language, workspace: Workspace, open_page: Any
) -> None:
    text = find_real_text(language)
    page = open_page(language)
    set_up(page, workspace.url, language)
    with behind(workspace, language) as (store, by):
        file = (COUNSEL_CHAT.name, COUNSEL_CHAT.read_bytes())
        add_file(store, by, file=file, scope=Scope.PRACTICE, known=load_known(store, by))
    add_patient(page, "孙某" if language == "zh" else "Sun", text)

    page.wait_for_selector(".risk-mark.raised")
    open_pane(page, "risk")
    sign = page.locator("#pane-risk .sign").first
    sign.hover()
    lit = page.locator("[data-source-text] mark").inner_text()
    assert sign.is_visible()
    assert lit == sign.locator("mark").inner_text()
    assert lit in text
    beside = open_pane(page, "similar")
    published = page.locator("#pane-similar article").first
    assert PUBLISHED[language] in beside
    assert published.is_visible()
    why = published.locator("p", has_text=WHY[language]).first.inner_text()
    assert why.removeprefix(WHY[language]).strip(), "a published case says why it is shown"
    published.locator("h4 a").click()
    page.wait_for_selector("html[data-ready] #here")
