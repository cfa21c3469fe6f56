"""Styles and scripts: fetched once for a version, and never mixed with those of another."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from phyassist.web.render import find_static
from tests.web.test_pages import browser

__all__ = ["browser"]


def test_a_page_names_only_what_a_browser_may_keep(browser: TestClient) -> None:
    page = browser.get("/setup").text

    addresses = re.findall(r'(?:src|href)="(/static/[^"#]+)', page)

    assert len(addresses) > 5
    for address in addresses:
        reply = browser.get(address)
        assert address.startswith(find_static()), address
        assert (reply.status_code, "immutable" in reply.headers["cache-control"]) == (200, True), address


def test_scripts_find_one_another_below_the_same_version(browser: TestClient) -> None:
    script = browser.get(f"{find_static()}/js/main.js").text

    imported = re.findall(r'from "([^"]+)"', script)

    assert imported
    assert all(each.startswith("./") for each in imported)
    assert browser.get(f"{find_static()}/js/{imported[0][2:]}").status_code == 200


def test_another_versions_address_and_an_error_are_not_kept(browser: TestClient) -> None:
    replies = [
        browser.get(path)
        for path in ("/static/v-0000/js/main.js", f"{find_static()}/js/none.js", "/static/js/main.js")
    ]

    assert [reply.status_code for reply in replies] == [404, 404, 200]
    assert [reply.headers["cache-control"] for reply in replies] == ["no-store", "no-store", "no-cache"]
