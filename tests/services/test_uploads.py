"""Files as text, and files that are none."""

import io
import zipfile

import docx
import pypdf
import pytest

from phyassist.errors import EmptyText, TextTooLong, UnreadableFile
from phyassist.services.intake import TEXT_CHARS_MAX, check_text, read_upload

ZH = "来访者：我最近睡不好，已经三个月了。\n咨询师：多久醒一次？\n"


def make_docx(*paragraphs: str) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Age", "34"
    packed = io.BytesIO()
    document.save(packed)
    return packed.getvalue()


def make_pdf(words: str = "", password: str = "") -> bytes:
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(300, 300)
    if words:
        stream = pypdf.generic.StreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({words}) Tj ET".encode())
        font = pypdf.generic.DictionaryObject(
            {
                pypdf.generic.NameObject("/Type"): pypdf.generic.NameObject("/Font"),
                pypdf.generic.NameObject("/Subtype"): pypdf.generic.NameObject("/Type1"),
                pypdf.generic.NameObject("/BaseFont"): pypdf.generic.NameObject("/Helvetica"),
            }
        )
        fonts = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F1"): font})
        page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject(
            {pypdf.generic.NameObject("/Font"): fonts}
        )
        page[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    packed = io.BytesIO()
    writer.write(packed)
    return packed.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "utf-32"])
def test_a_text_is_read_whatever_its_encoding(encoding):
    text = read_upload("note.txt", ZH.encode(encoding))

    assert text == ZH


def test_utf_16_without_a_mark_is_read():
    text = read_upload("note.txt", "I am sad.\nI sleep badly.".encode("utf-16-le"))

    assert text == "I am sad.\nI sleep badly."


def test_lines_in_different_encodings_are_each_read():
    mixed = "第一行是新的。\n".encode() + "第二行是旧的。\n".encode("gb18030")

    assert read_upload("note.md", mixed) == "第一行是新的。\n第二行是旧的。\n"


def test_windows_quotation_marks_do_not_turn_into_chinese():
    text = read_upload("letter.txt", b"I don\x92t sleep. It\x92s been three weeks.")

    assert text == "I don’t sleep. It’s been three weeks."


def test_radicals_that_a_pdf_has_in_the_place_of_characters_become_these_characters():
    assert read_upload("笔记.txt", "⼼⾥的⻔，⼀⻚⻚翻过去，⻳兔".encode()) == "心里的门，一页页翻过去，龟兔"


def test_control_and_invisible_characters_are_taken_out():
    text = read_upload("note.txt", "I\x07 am\u202e sad\u200b.\r\nYes\x1b.".encode())

    assert text == "I am sad.\nYes."


def test_a_word_document_gives_its_paragraphs_and_tables():
    text = read_upload("letter.docx", make_docx("I cannot sleep.", "我睡不好。"))

    assert "I cannot sleep.\n我睡不好。" in text
    assert "Age\t34" in text


def test_a_pdf_gives_its_words():
    assert "I cannot sleep" in read_upload("letter.pdf", make_pdf("I cannot sleep"))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n\x00\x00", "not a kind of file"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n\x00\x00", "is not text"),
        ("noise.txt", bytes(range(256)) * 20, "is not text"),
        ("scan.pdf", make_pdf(), "no text"),
        ("shut.pdf", make_pdf("words", password="x"), "password"),
        ("broken.pdf", b"%PDF-1.7 nothing more", "cannot be opened"),
        ("broken.docx", b"PK\x03\x04 nothing more", "cannot be opened"),
        ("old.doc", b"\xd0\xcf\x11\xe0", "not a kind of file"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(name, data, why):
    with pytest.raises(UnreadableFile, match=why) as caught:
        read_upload(name, data)

    assert name in str(caught.value)
    assert caught.value.hint


def test_a_document_that_unpacks_to_far_more_than_it_is_is_not_opened():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("word/document.xml", b"0" * 70_000_000)

    with pytest.raises(UnreadableFile, match="unpacks to"):
        read_upload("bomb.docx", packed.getvalue())


def test_a_file_over_the_limit_is_refused_before_it_is_opened():
    with pytest.raises(UnreadableFile, match="1,001 bytes"):
        read_upload("big.txt", b"a" * 1001, bytes_max=1000)


@pytest.mark.parametrize("text", ["", "   \n", "😀😢🙏", "……！？", "\u200b"])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(EmptyText, match="no words"):
        check_text(text)


def test_two_million_characters_are_refused_with_the_limit_in_the_sentence():
    with pytest.raises(TextTooLong, match=f"{TEXT_CHARS_MAX:,}"):
        check_text("我" * 2_000_000)
