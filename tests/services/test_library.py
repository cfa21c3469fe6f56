"""Documents come into the library once, are found by whom they belong to, and go for good."""

from __future__ import annotations

import io
import zipfile

import pytest
from sqlalchemy import create_engine, text

from phyassist.domain.library import Reference, Scope
from phyassist.errors import NotAllowed, NotFound
from phyassist.services.library import (
    add_file,
    get_passage,
    list_documents,
    load_known,
    read_references,
    remove_document,
    search_passages,
)
from phyassist.services.sharing import renew_practice
from phyassist.store.moving import check_store
from phyassist.store.people import SetUp, SignedIn
from phyassist.store.transactions import Store
from tests.services.joining import let_in

SLEEP = (
    "# Sleeping better\n\nStimulus control: go to bed only when sleepy, and get up when you cannot sleep. "
    "The bed is for sleep. Get up at the same time every morning, whatever the night was like.\n\n"
    "## 呼吸练习\n\n缓慢呼吸：吸气四秒，呼气六秒，练习五分钟，每天两次。\n"
).encode()


def add(store: Store, by: SignedIn, name: str, data: bytes, scope: Scope = Scope.OWN, **more: object):
    return add_file(store, by, file=(name, data), scope=scope, known=load_known(store, by), **more)  # type: ignore[arg-type]


def own(store: Store, by: SignedIn):
    return [each for each in list_documents(store, by) if each.scope is not Scope.SHIPPED]


def test_a_document_is_found_by_its_words_with_the_heading_that_they_stand_under(
    store: Store, anna: SignedIn
):
    (added,) = add(store, anna, "sleep.md", SLEEP)

    found = search_passages(store, anna, "wakes at night and cannot sleep: stimulus control?")
    chinese = search_passages(store, anna, "教她呼吸练习")

    assert added.document.title == "Sleeping better"
    assert found[0].document == added.document
    assert "get up when you cannot sleep" in found[0].text
    assert chinese[0].heading == "呼吸练习"
    assert get_passage(store, anna, chinese[0].id).text == chinese[0].text


def test_what_is_there_already_or_nearly_so_is_not_added_again(store: Store, anna: SignedIn):
    long = "\n".join(
        f"Step {no}: breathe slowly, then count to {no} and write down the worry." for no in range(80)
    )
    (first,) = add(store, anna, "worry.txt", long.encode())

    (same,) = add(store, anna, "copy.txt", long.encode())
    (alike,) = add(store, anna, "later.txt", (long + "\nSecond edition.").encode())

    assert (same.state, alike.state) == ("known", "known")
    assert same.other == alike.other == first.document
    assert len(own(store, anna)) == 1


def test_a_colleague_finds_the_practices_documents_and_never_ones_own(store: Store, practice: SetUp):
    anna = practice.signed_in
    bao = let_in(store, anna, "Bao")
    add(store, anna, "ours.md", b"# Ours\n\nThe heron protocol for grief.", Scope.PRACTICE)
    (mine,) = add(store, anna, "mine.md", b"# Mine\n\nThe bittern protocol for grief.")

    found = [each.document.title for each in search_passages(store, bao, "heron bittern protocol")]

    assert "Ours" in found
    assert "Mine" not in found
    with pytest.raises(NotFound):
        get_passage(store, bao, f"{mine.document.id}-0")
    with pytest.raises(NotFound):
        remove_document(store, bao, document_id=mine.document.id)


def test_who_did_not_add_a_document_of_the_practices_leaves_it_unless_they_run_it(
    store: Store, practice: SetUp
):
    bao = let_in(store, practice.signed_in, "Bao")
    (anna_s,) = add(store, practice.signed_in, "ours.md", b"# Ours\n\nHeron.", Scope.PRACTICE)
    (bao_s,) = add(store, bao, "his.md", b"# His\n\nBittern.", Scope.PRACTICE)

    with pytest.raises(NotAllowed, match="somebody else"):
        remove_document(store, bao, document_id=anna_s.document.id)
    remove_document(store, practice.signed_in, document_id=bao_s.document.id)

    assert [each.title for each in own(store, bao)] == ["Ours"]
    assert [each.document.title for each in search_passages(store, bao, "bittern")] == []


def test_nothing_of_a_document_stands_in_the_clear_and_the_store_is_sound(
    store: Store, store_url: str, anna: SignedIn
):
    add(store, anna, "sleep.md", SLEEP)
    add(store, anna, "ours.md", b"# Ours\n\nThe heron protocol.", Scope.PRACTICE)

    checked = check_store(store_url, anna)

    assert checked.is_sound
    assert (checked.rows["library_documents"], checked.rows["library_keys"]) == (2, 2)
    with create_engine(store_url).connect() as conn:
        for table in ("library_documents", "library_texts", "library_keys"):
            rows = [bytes(str(tuple(row)), "utf-8") for row in conn.execute(text(f"SELECT * FROM {table}"))]
            assert not any(word in row for row in rows for word in (b"Sleeping", b"heron", b"Ours"))


def test_after_the_practices_key_was_renewed_old_and_new_documents_open(store: Store, practice: SetUp):
    anna = practice.signed_in
    add(store, anna, "old.md", b"# Old\n\nThe heron protocol.", Scope.PRACTICE)

    renew_practice(store, anna)
    add(store, anna, "new.md", b"# New\n\nThe bittern protocol.", Scope.PRACTICE)

    assert {each.title for each in own(store, anna)} == {"Old", "New"}
    assert search_passages(store, anna, "heron")[0].document.title == "Old"


def test_a_table_of_questions_and_answers_becomes_a_document_a_topic(store: Store, anna: SignedIn):
    table = "questionTitle,questionText,topic,answerText\nCan I sleep?,I lie awake,sleep,Keep a diary.\n"
    table += "Why do I cry?,Since June,grief,Mourning takes time.\nAm I sad?,,grief,Perhaps.\n"

    added = add(store, anna, "counsel_chat.csv", table.encode(), told=Reference(licence="MIT"))

    assert [each.document.title for each in added] == ["counsel chat: grief", "counsel chat: sleep"]
    assert [each.document.passages for each in added] == [2, 1]
    assert {each.document.reference.licence for each in added} == {"MIT"}
    assert search_passages(store, anna, "mourning")[0].heading == "Why do I cry?"


BIB = rb"""@article{lee2020, title = {Sleeping {B}etter}, author = {Lee, Ann and Sun, Mei}, year = {2020},
  doi = {10.1000/182}, language = {en}, file = {:home/ann/sleep.md:text}}"""
RIS = b"TY  - JOUR\nTI  - Sleeping Better\nAU  - Lee, Ann\nPY  - 2020\nDO  - 10.1000/182\nER  - \n"
CSL = (
    b'[{"title": "Sleeping Better", "author": [{"family": "Lee", "given": "Ann"}],'
    b'"issued": {"date-parts": [[2020]]}, "DOI": "10.1000/182"}]'
)


@pytest.mark.parametrize(("name", "data"), [("my.bib", BIB), ("my.ris", RIS), ("my.json", CSL)])
def test_a_reference_managers_export_tells_author_and_year(
    store: Store, anna: SignedIn, name: str, data: bytes
):
    (added,) = add(store, anna, "sleep.md", SLEEP, entries=read_references(name, data))

    told = added.document.reference
    assert (told.title, told.year, told.source) == ("Sleeping Better", 2020, "https://doi.org/10.1000/182")
    assert "Lee" in told.authors[0]


def make_epub(chapters: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", '<container><rootfile full-path="o/b.opf"/></container>')
        items = "".join(f'<item id="{name}" href="{name}.xhtml"/>' for name in chapters)
        order = "".join(f'<itemref idref="{name}"/>' for name in chapters)
        told = "<dc:title>A Book</dc:title><dc:creator>Ann Lee</dc:creator><dc:date>2019-05-01</dc:date>"
        book.writestr(
            "o/b.opf", f"<package><metadata>{told}</metadata>{items}<spine>{order}</spine></package>"
        )
        for name, words in chapters.items():
            book.writestr(f"o/{name}.xhtml", f"<html><body>{words}</body></html>")
    return packed.getvalue()


def test_a_book_is_read_chapter_by_chapter(store: Store, anna: SignedIn):
    book = make_epub(
        {"a": "<h1>Grief</h1><p>Tasks of mourning.</p>", "b": "<h1>Sleep</h1><p>Diary &amp; clock.</p>"}
    )

    (added,) = add(store, anna, "book.epub", book)

    told = added.document.reference
    assert (told.title, told.authors, told.year) == ("A Book", ("Ann Lee",), 2019)
    assert search_passages(store, anna, "diary and clock")[0].heading == "Sleep"
