"""Notes with edits, Train, the verdict, the next consultation, rolling back: in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from phyassist.services.patients import edit_patient, list_patients
from phyassist.services.practice import sign_in
from phyassist.services.workers import load_worker
from phyassist.services.working import work_once
from phyassist.store.opening import open_store
from tests.browser.conftest import PASSPHRASE, Workspace, add_patient, set_up
from tests.browser.test_axe import look
from tests.services.drafts import SAID
from tests.services.runs import TakingModel, make_tools, sign_notes
from tests.web.samples import NAMES

pytestmark = pytest.mark.browser
EDITED = "考试之后的担心"
ASSISTANT = {"zh": "专属助手（第 1 版）", "en": "assistant 1"}
ALONE = {"zh": "仅用模型", "en": "model alone"}
MERGED = {"zh": "合并而成", "en": "merged from"}
BETTER = {"zh": "比之前更好", "en": "Better than what answered before"}


class Standing:
    """A clock of a test that nobody moves: the workspace has a real one."""

    def move(self, **_: float) -> None:
        return


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_assistant_learns_answers_and_is_rolled_back(
    language: str, workspace: Workspace, open_page: Any
) -> None:
    workspace.model = model = TakingModel()  # type: ignore[assignment]  # it needs no gate
    page, found = open_page(language), list[str]()
    set_up(page, workspace.url, language)
    add_patient(page, NAMES[language][0], SAID)
    page.click(".tabs a[href$='/assistant']")
    # The page before is still there, or none at all, for a moment after the click.
    page.wait_for_selector("html[data-ready] button[form=train]")
    look(page, found, "nothing to learn from")
    assert page.locator("button[form=train]").is_disabled()

    # Two notes are there already, and the client has agreed; the third is written and changed here.
    with open_store(f"sqlite:///{workspace.folder}/practice.db") as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        patient = list_patients(store, by)[0].patient
        # Whatever the page speaks, this one is written about in Chinese.
        card = {"patient_id": patient.id, "name": patient.name, "number": patient.number}
        edit_patient(store, by, language="zh", **card)
        sign_notes(store, by, patient, Standing())  # type: ignore[arg-type]
    page.click(".tabs a[href$='/consultation']")
    page.click(".page-line form[action$='/consultations'] button")
    page.fill("#source", SAID)
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    page.click("#items-symptom_type .item-text")
    page.fill("#items-symptom_type .edit-form textarea", EDITED)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#items-symptom_type .chip.by-you")
    page.click(".draft-bar .primary")
    page.click("#dialog form .primary")
    page.wait_for_selector(".timeline .paper")

    page.click(".tabs a[href$='/assistant']")
    assert EDITED in page.inner_text(".examples")
    look(page, found, "before the training")
    page.click("button[form=train]")
    page.wait_for_selector("#learning-run progress")
    look(page, found, "training", (1280,))
    with open_store(f"sqlite:///{workspace.folder}/practice.db") as store:
        work_once(store, load_worker(workspace.folder / "machine"), make_tools(model))
    page.wait_for_selector(".adapter.is-in_use")
    assert BETTER[language] in page.inner_text(".adapter.is-in_use")
    look(page, found, "trained")

    page.click(".adapter.is-in_use [hx-get*='/compare/']")
    page.wait_for_selector("#side-now p:nth-of-type(3)")
    page.keyboard.press("Escape")

    page.click(".tabs a[href$='/consultation']")
    page.click(".page-line form[action$='/consultations'] button")
    assert ASSISTANT[language] in page.inner_text("#assistant-chip summary")
    page.fill("#source", SAID)
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector("#items-advice .item:nth-child(3)")
    page.wait_for_selector("[hx-post$='/drafts']")
    assert ASSISTANT[language] in page.inner_text("#written-by")
    page.click("#assistant-chip summary")
    look(page, found, "the choice of an assistant", (1280,))
    page.click("#assistant-chip button[value=base]")
    page.wait_for_selector("html[data-ready] #assistant-chip")
    assert ALONE[language] in page.inner_text("#assistant-chip summary")

    with open_store(f"sqlite:///{workspace.folder}/practice.db") as store:
        by = sign_in(store, passphrase=PASSPHRASE)
        edit_patient(store, by, language="en", **card)
    page.click(".tabs a[href$='/assistant']")
    page.wait_for_selector(".adapter.is-other_language")
    look(page, found, "learnt in another language", (1280,))
    with open_store(f"sqlite:///{workspace.folder}/practice.db") as store:
        edit_patient(store, by, language="zh", **card)
    page.click(".tabs a[href$='/assistant']")
    page.click(".adapter.is-in_use form[action$='/withdraw'] button")
    page.wait_for_selector(".adapter.is-withdrawn")
    assert page.locator(".adapter.is-in_use").count() == 0

    page.click("button[form=train]")
    page.wait_for_selector("#learning-run progress")
    with open_store(f"sqlite:///{workspace.folder}/practice.db") as store:
        work_once(store, load_worker(workspace.folder / "machine"), make_tools(model))
    page.wait_for_selector("#merge summary")
    page.click("#merge summary")
    for box in page.locator("#merge input[name=of]").all():
        box.check()
    look(page, found, "two to be merged")
    page.click("#merge button")
    page.wait_for_selector("#learning-run progress")
    with open_store(f"sqlite:///{workspace.folder}/practice.db") as store:
        work_once(store, load_worker(workspace.folder / "machine"), make_tools(model))
    page.wait_for_selector(".adapter:nth-child(3)")
    assert MERGED[language] in page.inner_text(".adapter.is-in_use")

    page.goto(f"{workspace.url}/practice/assistant?kind=counsellor")
    look(page, found, "shared")
    assert found == []
