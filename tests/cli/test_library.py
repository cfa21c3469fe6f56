"""phyassist library: a folder added with what is wrong in it, searched, listed, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.services.test_uploads import make_pdf

SLEEP = "# Sleep in spring\n\nThe heron protocol: get up at one hour, whatever the night was like.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "papers"
    made.mkdir()
    (made / "a-sleep.md").write_text(SLEEP, encoding="utf-8")
    (made / "b-broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (made / "c-copy.md").write_text(SLEEP, encoding="utf-8")
    (made / "notes.xyz").write_text("no document of a kind that is read", encoding="utf-8")
    return made


def test_a_folder_is_added_and_what_was_not_is_named_with_its_reason(
    cli: Cli, invented: Path, folder: Path
) -> None:
    ran = cli("library", "add", str(folder), "--words-only")

    document = ran.out.split()[0]
    assert ran.code == 0
    assert ran.out.splitlines() == [f"{document}  1 passages  Sleep in spring"]
    assert f"c-copy.md: is there already as {document[:8]}, not added" in ran.err
    assert "phyassist: b-broken.pdf cannot be opened" in ran.err
    assert "[PA-FILE-UNREADABLE]" in ran.err
    assert "1 added, 1 there already, 1 could not be read" in ran.err
    assert "notes.xyz" not in ran.err


def test_a_search_prints_passages_with_document_page_and_score(
    cli: Cli, invented: Path, folder: Path
) -> None:
    (folder / "d-page.pdf").write_bytes(make_pdf("The bittern protocol: rest at noon."))
    document = cli("library", "add", str(folder), "--words-only").out.split()[0]

    on_page = json.loads(cli("library", "search", "bittern", "--words-only", "--json").out)
    found = json.loads(cli("library", "search", "heron protocol", "--words-only", "--json").out)
    told = cli("library", "search", "heron protocol", "--words-only", "--limit", "1")
    nothing = cli("library", "search", "zxqj", "--words-only")

    first = found[0]
    assert (first["passage"], first["document"]) == (f"{document}-0", document)
    assert (first["title"], first["page"]) == ("Sleep in spring", None)
    assert on_page[0]["page"] == 1
    assert "The heron protocol" in first["text"]
    assert [row["score"] for row in found] == sorted((row["score"] for row in found), reverse=True)
    assert told.out.startswith(f"[1] Sleep in spring  ({document}-0)")
    assert "[2]" not in told.out
    assert "nothing found; by words alone a question finds what is written in its own" in nothing.err


def test_a_document_is_listed_and_removed_by_the_beginning_of_its_id(
    cli: Cli, invented: Path, folder: Path
) -> None:
    document = cli("library", "add", str(folder), "--words-only", "--licence", "MIT").out.split()[0]

    rows = json.loads(cli("library", "list", "--json").out)
    short = cli("library", "remove", document[:3])
    removed = cli("library", "remove", document[:8])
    after = cli("library", "list")

    own = [row for row in rows if row["scope"] == "own"]
    assert [(row["id"], row["title"], row["licence"]) for row in own] == [
        (document, "Sleep in spring", "MIT")
    ]
    assert (short.code != 0, "0 documents have an id that begins so" in short.err) == (True, True)
    assert (removed.code, removed.err) == (0, "removed\n")
    assert document not in after.out
    assert (folder / "a-sleep.md").exists()


def test_a_title_is_refused_for_several_files(cli: Cli, invented: Path, folder: Path) -> None:
    ran = cli("library", "add", str(folder), "--title", "Sleep", "--words-only")

    listed = cli("library", "list", "--json")

    assert ran.code != 0
    assert "a title is one document's, and several are to be added" in ran.err
    assert not [row for row in json.loads(listed.out) if row["scope"] == "own"]
