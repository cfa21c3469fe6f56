"""What the pages on security name as shown by a test is there to be run."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
LINKED = re.compile(r"\]\(((?:\.\./)*[\w./-]+\.(?:md|toml))(?:#[\w-]+)?\)")
PAGES = [
    "docs/threats.md",
    "docs/zh/threats.md",
    "docs/security.md",
    "docs/transport.md",
    "docs/zh/transport.md",
]


@pytest.mark.parametrize("page", ["docs/threats.md", "docs/security.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text("utf-8"))

    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).exists() or (name and f"def {name}(" not in (ROOT / path).read_text("utf-8"))
    ]

    assert len(named) > 8
    assert missing == []


@pytest.mark.parametrize("page", [*PAGES, "docs/zh/transport.md", "SECURITY.md"])
def test_every_page_that_a_page_leads_to_exists(page: str) -> None:
    path = ROOT / page

    missing = [link for link in LINKED.findall(path.read_text("utf-8")) if not (path.parent / link).exists()]

    assert missing == []


def test_both_languages_tell_of_the_same_people() -> None:
    english, chinese = ((ROOT / page).read_text("utf-8") for page in PAGES[:2])

    assert english.count("\n## ") == chinese.count("\n## ") > 8
