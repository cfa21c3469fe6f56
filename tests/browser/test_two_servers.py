"""Two web servers on one store serve one practice: a login, a draft and its Stop work whichever answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, select

from phyassist.store.tables import drafts, runs
from tests.browser.conftest import Workspace, add_patient, free_port, set_up
from tests.web.samples import NAMES, TEXT

pytestmark = pytest.mark.browser
FIRST = "#items-reason .item:nth-child(1)"
LAST = "#items-advice .item:nth-child(3)"


@pytest.fixture(params=["sqlite", "postgresql"])
def servers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Workspace, Workspace]]:
    """Two servers with a store, a model and a memory of their own, on one database."""
    url = f"sqlite:///{tmp_path}/practice.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    both = tuple(Workspace(tmp_path, free_port(), store_url=url) for _ in range(2))
    for each in both:
        each.start()
    yield both
    for each in both:
        each.model.gate.set()
        each.stop()


def begin_draft(page: Any, server: Workspace) -> None:
    """A draft whose writing waits in the middle of its second reason."""
    set_up(page, server.url)
    add_patient(page, NAMES["en"][0], TEXT["en"])
    server.model.gate.clear()
    server.model.hold_after = 60
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector(FIRST)


def test_the_other_server_shows_a_draft_while_it_is_written(
    servers: tuple[Workspace, Workspace], open_page: Any
) -> None:
    here, there = servers
    page = open_page("en")
    begin_draft(page, here)

    other = page.context.new_page()
    other.goto(page.url.replace(here.url, there.url))
    other.wait_for_selector(f"html[data-ready] {FIRST}")
    other.wait_for_selector("#actions[data-running] .stop")
    here.model.gate.set()

    other.wait_for_selector(LAST)
    other.wait_for_selector("[hx-post$='/drafts']")
    page.wait_for_selector("[hx-post$='/drafts']")
    assert (
        other.locator("#draft .item-text").all_inner_texts()
        == page.locator("#draft .item-text").all_inner_texts()
    )


def test_the_other_server_stops_a_draft_and_writes_it_to_its_end(
    servers: tuple[Workspace, Workspace], open_page: Any
) -> None:
    here, there = servers
    page = open_page("en")
    begin_draft(page, here)
    other = page.context.new_page()
    other.goto(page.url.replace(here.url, there.url))
    other.wait_for_selector("html[data-ready] #actions[data-running] .stop")
    kept = other.inner_text(f"{FIRST} .item-text")

    other.click("#actions .stop")
    other.wait_for_selector("[hx-post$='/drafts']")
    page.wait_for_selector("[hx-post$='/drafts']")
    other.click("[hx-post$='/drafts']")

    other.wait_for_selector(LAST)
    assert here.model.stopped.is_set()
    assert other.inner_text(f"{FIRST} .item-text") == kept


def test_a_draft_whose_server_died_is_said_to_be_broken_off_and_is_taken_up(
    servers: tuple[Workspace, Workspace], open_page: Any
) -> None:
    here, there = servers
    page = open_page("en")
    begin_draft(page, here)
    page.click("#actions .stop")
    page.wait_for_selector("[hx-post$='/drafts']")
    kept = page.inner_text(f"{FIRST} .item-text")
    # What a server that was killed in the middle leaves: a draft without an end, and a run that fell silent.
    leave_run(here.store_url, page.get_attribute("#draft", "data-draft"), silent_for=timedelta(minutes=1))

    page.goto(page.url.replace(here.url, there.url))
    page.wait_for_selector(f"html[data-ready] {FIRST}")

    assert "broken off" in page.inner_text("#actions")
    page.click("[hx-post$='/drafts']")
    page.wait_for_selector(LAST)
    assert page.inner_text(f"{FIRST} .item-text") == kept


def leave_run(url: str, draft_id: str, *, silent_for: timedelta) -> None:
    at = datetime.now(UTC) - silent_for
    with create_engine(url).begin() as conn:
        row = conn.execute(select(drafts.c.patient_id).where(drafts.c.id == draft_id)).one()
        run = {
            "id": draft_id,
            "patient_id": row.patient_id,
            "kind": "draft",
            "owner_id": "dead",
            "by_id": "x",
        }
        conn.execute(insert(runs).values(**run, started_at=at, beat_at=at, stop_wanted=False))
