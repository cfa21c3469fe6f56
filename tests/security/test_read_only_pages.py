"""Who has a file for reading is offered nothing on its pages that would be refused."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.security.table import READ_ONLY, READERS, SHOWN, TABLE
from tests.security.world import World, browser_of, build_world, copy_of, fill_path

# What the style sheet hides from a reader, and within what.
WITHIN = {"patient-head", "page", "drawer", "dialog"}
EMPTY = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"}


class Offers(HTMLParser):
    """The routes that a page would post to, each with the classes of all that it stands in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, set[str]]] = []
        self.boxes: dict[str, bool] = {}
        self._open: list[tuple[str, set[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        classes = set((said.get("class") or "").split())
        target = said.get("hx-post") or (said.get("action") if said.get("method") == "post" else None)
        around = set().union(classes, *(each for _, each in self._open))
        if target:
            self.found.append((target, around))
        if saves := said.get("data-autosave"):
            self.boxes[saves] = "readonly" in said
        if tag not in EMPTY:
            self._open.append((tag, classes))

    def handle_endtag(self, tag: str) -> None:
        # Neither what closes itself nor what needs no end was opened.
        while tag in {name for name, _ in self._open} and self._open.pop()[0] != tag:
            pass


def find_route(target: str) -> tuple[str, str] | None:
    asked = target.partition("?")[0]
    for method, path in TABLE:
        if method == "POST" and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), asked):
            return method, path
    return None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("who", READERS)
def test_a_reader_is_offered_nothing_that_would_be_refused(who: str, world: World, tmp_path: Path) -> None:
    paths = [
        path
        for (method, path), row in TABLE.items()
        if method == "GET" and row.answers[who] == SHOWN and "{patient_id}" in path and not row.query
    ]
    offered: dict[str, list[str]] = {}
    boxes: dict[str, bool] = {}
    refused = 0
    with copy_of(world, tmp_path) as app:
        browser = browser_of(world, app, who)
        for path in paths:
            page = browser.get(fill_path(path, world.ids)).text
            offers = Offers(page)
            boxes |= offers.boxes
            for target, around in offers.found:
                route = find_route(target)
                if route is None or TABLE[route].answers[who] != READ_ONLY or "<body" not in page:
                    continue
                refused += 1
                if not ("reads-only" in around and around & WITHIN):
                    offered.setdefault(path, []).append(target)

    assert offered == {}
    # The pages still hold what is hidden, and what is typed into is closed.
    assert refused > 10
    routes = {target: find_route(target) for target in boxes}
    assert len(routes) > 2
    assert boxes == {
        target: TABLE[route].answers[who] == READ_ONLY for target, route in routes.items() if route
    }


def test_who_may_write_is_shown_all(world: World, tmp_path: Path) -> None:
    at = fill_path("/patients/{patient_id}/consultations/{consultation_id}", world.ids)
    with copy_of(world, tmp_path) as app:
        pages = {who: browser_of(world, app, who).get(at).text for who in ("own", "writer", "reader")}

    assert ["reads-only" in page for page in pages.values()] == [False, False, True]
    assert ["for reading" in page or "只共享给您阅读" in page for page in pages.values()] == [
        False,
        False,
        True,
    ]
    assert not any(Offers(pages["writer"]).boxes.values())
