"""Bad days in a real browser: files that are none, a full disk, a dead engine, an idle desk, paper."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from phyassist.lm.engine import Engine, EngineOptions
from tests.browser.conftest import Workspace, add_patient, free_port, set_up, until, wait_for
from tests.browser.test_behaviour import make_draft
from tests.models import find_model
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser

DROP = """([name, bytes]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([new Uint8Array(bytes)], name));
  const every = {bubbles: true, cancelable: true, dataTransfer: carried};
  document.querySelector("main").dispatchEvent(new DragEvent("dragover", every));
  const seen = document.body.classList.contains("dropping");
  document.querySelector("main").dispatchEvent(new DragEvent("drop", every));
  return seen;
}"""


def test_a_dropped_file_is_read_after_what_stands_there_whatever_its_encoding(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("zh")
    set_up(page, workspace.url, "zh")
    add_patient(page, NAMES["zh"][0], "先前写下的话。")

    seen = page.evaluate(DROP, ["来信.txt", list(TEXT["zh"].encode("gb18030"))])

    assert seen
    until(page, "document.querySelector('#source').dataset.after > 1")
    assert page.input_value("#source") == f"先前写下的话。\n\n{TEXT['zh']}"


def test_a_dropped_file_that_holds_no_text_is_named_and_changes_nothing(
    workspace: Workspace, open_page: Any
) -> None:
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", "what was there")

    page.evaluate(DROP, ["holiday.png", [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10, *range(256)]])
    until(page, "document.querySelector('#source-saved').innerText.includes('holiday.png')")

    assert page.input_value("#source") == "what was there"


def test_an_idle_desk_is_covered_and_its_login_ends(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    page.clock.install()
    set_up(page, workspace.url)
    add_patient(page, "Lee", "what was said")
    where, cookies = page.url, page.context.cookies()
    page.clock.fast_forward("14:00")
    assert page.is_visible("#source")

    page.clock.fast_forward("15:05")

    page.wait_for_url("**/unlock**")
    other = open_page("en")
    other.context.add_cookies(cookies)
    other.goto(where)
    assert "/unlock" in other.url
    assert "what was said" not in other.content()


def test_a_printed_note_is_the_note_and_no_button(workspace: Workspace, open_page: Any) -> None:
    page = open_page("en")
    make_draft(page, workspace)
    page.click(".draft-bar .primary")
    page.wait_for_selector("#dialog .paper")
    page.click("#dialog form .primary")
    page.wait_for_selector(".timeline .paper")
    shown = page.locator(".timeline .paper button, .rail button").all_inner_texts()
    assert shown

    printed = "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf())).pages)

    # A printed page sets "fi" as one letter.
    words = " ".join(unicodedata.normalize("NFKC", printed).split())
    for item in page.locator(".timeline .paper .item-words, .timeline .paper li").all_inner_texts():
        assert " ".join(item.split()[:4]) in words
    assert [label for label in shown if len(label.strip()) > 3 and label.strip() in words] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody make a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_full_disk_is_said_and_the_words_are_saved_when_there_is_room_again(
    small_disk: Path, open_page: Any
) -> None:
    workspace = Workspace(small_disk, free_port())
    workspace.start()
    page = open_page("en")
    set_up(page, workspace.url)
    add_patient(page, "Lee", "before the disk was full")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass

    page.fill("#source", "while the disk was full " + "and much was said " * 4000)
    page.wait_for_selector("#source-saved.waiting")

    said = page.inner_text("#source-saved")
    assert "disk" in said
    assert page.input_value("#source").startswith("while the disk was full")
    filler.unlink()
    page.wait_for_timeout(10_500)
    until(page, "!document.querySelector('#source-saved').classList.contains('waiting')")
    page.reload()
    assert page.input_value("#source").startswith("while the disk was full")
    workspace.stop()


@pytest.mark.model
def test_an_engine_killed_in_mid_answer_leaves_what_was_written_and_the_next_try_works(
    workspace: Workspace, open_page: Any
) -> None:
    path = find_model("smollm2-135m-instruct")
    with Engine(path, name="smollm2-135m-instruct", options=EngineOptions(4096)) as engine:
        workspace.model.script = engine.model  # type: ignore[assignment]
        page = open_page("en")
        set_up(page, workspace.url)
        add_patient(page, "Lee", TEXT["en"])
        wait_for(lambda: engine.pid > 0)
        page.set_default_timeout(120_000)
        page.click("[hx-post$='/drafts']")
        page.wait_for_selector(".item")
        before = page.locator(".item").count()

        os.kill(engine.pid, signal.SIGKILL)

        page.wait_for_selector("[hx-post$='/drafts']")
        page.wait_for_selector("#alerts :text('engine'), .alert")
        assert page.locator(".item").count() >= before
        page.reload()
        assert page.locator(".item").count() >= before
        assert page.input_value("#source") == TEXT["en"]
        page.click("[hx-post$='/drafts']")
        page.wait_for_selector(".actions .stop")
        page.wait_for_selector("[hx-post$='/drafts']")
        assert engine.pid > 0
        workspace.stop()
