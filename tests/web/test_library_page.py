"""The library on the page: added to, searched, opened where a passage stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from phyassist.errors import BadInput
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from phyassist.web.pages.library import read_year
from tests.services.test_library import make_epub
from tests.services.test_uploads import make_pdf
from tests.web.driving import Driven, open_workspace

TEXT = "# Night waking\n\nGet up when you cannot sleep.\n\n## Diary\n\n<b>Write</b> down every night."


@pytest.fixture
def pages(store: Store, anna: SignedIn) -> Iterator[Driven]:
    with open_workspace(store, anna) as driven:
        yield driven


def add(pages: Driven, text: str = TEXT, name: str = "night.md", **headers: str):
    return pages.http.post(
        "/library", data={"scope": "own"}, files={"file": (name, text.encode())}, headers=headers
    )


def look_for(pages: Driven, words: str) -> str:
    return pages.http.post("/library/search", data={"words": words}, follow_redirects=True).text


@pytest.mark.parametrize(("typed", "year"), [("2019", 2019), (" 2019年 ", 2019), ("", None)])
def test_a_year_is_read_as_people_write_it(typed: str, year: int | None) -> None:
    assert read_year(typed) == year


@pytest.mark.parametrize("typed", ["19", "20199", "last year"])
def test_what_is_no_year_is_said(typed: str) -> None:
    with pytest.raises(BadInput):
        read_year(typed)


def test_what_is_added_is_found_and_opens_at_the_passage(pages: Driven):
    reply = add(pages)
    found = look_for(pages, "write down every night, a diary")
    href = re.search(r'href="(/library/[0-9a-f]+\?at=1)#here"', found).group(1)  # type: ignore[union-attr]
    opened = pages.http.get(href).text

    assert reply.headers["location"] == "/library?said=added"
    assert "Searched by words alone" in found
    assert re.search(r'class="piece here" id="here">&lt;b&gt;Write', opened)


def test_the_cards_are_there_on_the_first_day(pages: Driven):
    page = pages.http.get("/library").text

    assert "No documents yet." in page
    assert "card-en-grief" in page
    assert "ICD-11 6B42" in pages.http.get("/library/card-en-grief").text


def test_a_question_in_a_third_language_finds_its_own_documents_or_hears_why_it_finds_none(pages: Driven):
    question = "что делать при бессоннице"
    before = look_for(pages, question)
    add(pages, "# Ночь\n\nПри бессоннице вставать в одно время.", "noch.md")
    after = look_for(pages, question)

    assert "No passage has these words." in before
    assert "try words in Chinese or English" in before
    assert "вставать в одно время" in after


def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(pages: Driven):
    page = add(pages, "nothing", "photo.png")
    script = add(pages, "nothing", "photo.png", Accept="application/json")
    again = add(pages), add(pages)

    assert (page.status_code, script.status_code) == (422, 422)
    assert 'class="problem" role="alert"' in page.text
    assert script.json()["code"] == "PA-FILE-UNREADABLE"
    assert again[1].headers["location"] == "/library?said=known"


def test_a_list_of_references_gives_a_document_its_authors(pages: Driven):
    add(pages)

    reply = add(pages, "TY  - BOOK\nTI  - Night Waking\nAU  - Lee, Ann\nPY  - 2020\nER  - \n", "my.ris")

    assert reply.headers["location"] == "/library?said=references"
    assert "Lee, Ann · 2020" in pages.http.get("/library").text


def test_a_list_of_references_knows_a_document_by_its_file(pages: Driven):
    add(pages, name="scan-07.md")
    listed = "@book{a, title={On Lying Awake}, author={Lee, Ann}, file={/home/lee/papers/Scan-07.md}}"

    reply = add(pages, listed.replace(".md", ".pdf"), "other.bib"), add(pages, listed, "my.bib")

    assert [each.headers["location"].partition("said=")[2] for each in reply] == ["unchanged", "references"]
    assert "On Lying Awake" in pages.http.get("/library").text


def test_a_script_is_told_what_became_of_each_file(pages: Driven):
    listed = "TY  - BOOK\nTI  - Night Waking\nAU  - Lee, Ann\nER  - \n"
    sent = [(listed, "my.ris"), (TEXT, "a.md"), (TEXT, "b.md"), (listed, "my.ris"), (listed, "my.ris")]

    became = [add(pages, *each, Accept="application/json").json()["became"] for each in sent]

    assert became == ["unchanged", "added", "known", "references", "unchanged"]


def test_a_document_is_renamed_and_removed(pages: Driven):
    add(pages)
    path = re.search(r"/library/[0-9a-f]{32}", pages.http.get("/library").text).group()  # type: ignore[union-attr]

    pages.http.post(path, data={"title": "Nights", "authors": "Lee; Sun", "year": "2020"})
    renamed = pages.http.get(path).text
    pages.http.post(f"{path}/remove")

    assert "<h1>Nights</h1>" in renamed
    assert "Lee, Sun · 2020" in renamed
    assert pages.http.get(path).status_code == 404


REFUSED = {
    "shut.pdf": (make_pdf("words", password="x"), "PA-FILE-UNREADABLE", "password", "密码"),
    "broken.pdf": (b"%PDF-1.7 nothing more", "PA-FILE-UNREADABLE", "damaged", "损坏"),
    "bomb.epub": (make_epub({"a": "0" * 61_000_000}), "PA-FILE-UNREADABLE", "unpacks", "解压"),
    "photo.png": (b"\x89PNG", "PA-FILE-UNREADABLE", "epub, html", "epub、html"),
    "photo.txt": (b"\x89PNG", "PA-FILE-UNREADABLE", "no readable text", "没有可读的文字"),
    "odd.csv": (b"a,b\n1,2\n", "PA-FILE-UNREADABLE", "columns", "问题列"),
    "my.json": (b"{", "PA-FILE-UNREADABLE", "reference manager", "文献管理软件"),
    "empty.md": (b"  \n", "PA-TEXT-EMPTY", "Choose another file", "请换一个文件"),
    "large.txt": (b"a" * 100_001, "PA-TEXT-LONG", "uploaded", "上传"),
    "vast.txt": (b"a" * 10_000_000, "PA-TEXT-LONG", "uploaded", "上传"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", REFUSED)
def test_the_page_says_what_is_wrong_with_a_file(store: Store, anna: SignedIn, name: str, language: str):
    data, code, english, chinese = REFUSED[name]
    with open_workspace(store, anna, language=language, upload_bytes_max=100_000) as pages:
        asked = {"files": {"file": (name, data)}, "data": {"scope": "own"}}
        page = pages.http.post("/library", **asked)
        script = pages.http.post("/library", **asked, headers={"Accept": "application/json"})

    said = script.json()
    wanted = chinese if language == "zh" else english
    assert page.status_code == script.status_code
    assert page.status_code in {413, 422}
    assert said["code"] == code
    assert wanted in f"{said['what']} {said['next']}"
    assert wanted in page.text


@pytest.mark.parametrize(
    ("language", "said"), [("en", "cannot be searched (scanned): 1"), ("zh", "无法检索：1")]
)
def test_a_scan_stands_in_the_list_with_the_pages_that_cannot_be_searched(
    store: Store, anna: SignedIn, language: str, said: str
):
    with open_workspace(store, anna, language=language, upload_bytes_max=100_000) as pages:
        pages.http.post("/library", data={"scope": "own"}, files={"file": ("scan.pdf", make_pdf())})

        assert said in pages.http.get("/library").text


def test_a_locked_file_beside_a_consultation_is_said_to_be_locked(store: Store, anna: SignedIn):
    with open_workspace(store, anna, upload_bytes_max=100_000) as pages:
        address = pages.http.post("/patients", data={"name": "Lee", "language": "en"}).headers["location"]
        reply = pages.http.post(
            f"/consultations/{address.rsplit('/', 1)[1]}/upload",
            files={"file": ("shut.pdf", make_pdf("words", password="x"))},
            headers={"Accept": "application/json"},
        )

    assert "password" in reply.json()["what"]
