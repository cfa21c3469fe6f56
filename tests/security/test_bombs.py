"""Files made to harm whoever opens them."""

from __future__ import annotations

import io
import socket
import struct
import threading
import zipfile
import zlib
from pathlib import Path

import pypdf
import pytest
from starlette.testclient import TestClient

from phyassist.errors import UnreadableFile
from phyassist.knowledge.documents import UNPACKED_BYTES_MAX, read_document
from phyassist.services.uploads import read_file
from tests.house.canary import CANARY
from tests.services.test_uploads import make_docx

WORDS = "I cannot sleep."
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def change_docx(parts: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A sound document with some of its parts changed, and others added."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(make_docx(WORDS))) as sound,
        zipfile.ZipFile(packed, "w", kind) as changed,
    ):
        for name in {*sound.namelist(), *parts}:
            changed.writestr(name, parts[name] if name in parts else sound.read(name))
    return packed.getvalue()


def write_body(inside: str, before: str = "") -> dict[str, bytes]:
    body = f"<w:body>{inside}</w:body>"
    return {"word/document.xml": f"{XML}{before}<w:document {SPACE}>{body}</w:document>".encode()}


def say(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def lie_about_size(data: bytes, name: bytes, claims: int) -> bytes:
    """The same package, in which an entry claims to be small, with the checksum of what it claims to be."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        checksum = zlib.crc32(packed.read(name.decode())[:claims])
    changed = bytearray(data)
    for mark, name_at, checksum_at, size_at in ((b"PK\x03\x04", 30, 14, 22), (b"PK\x01\x02", 46, 16, 24)):
        at = data.find(mark)
        while at >= 0:
            if data[at + name_at : at + name_at + len(name)] == name:
                struct.pack_into("<I", changed, at + checksum_at, checksum)
                struct.pack_into("<I", changed, at + size_at, claims)
            at = data.find(mark, at + 4)
    return bytes(changed)


def laughs() -> str:
    levels = "".join(f'<!ENTITY l{no} "{f"&l{no - 1};" * 10}">' for no in range(1, 10))
    return f'<!DOCTYPE w:document [<!ENTITY l0 "ha">{levels}]>'


def write_pdf(content: bytes, **page: str) -> bytes:
    """A page with this packed content; `page` are further entries of its dictionary."""
    more = " ".join(f"/{name} {value}" for name, value in page.items())
    packed = zlib.compress(content, 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R {more} >>".encode(),
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed),
    ]
    return assemble(objects)


def assemble(objects: list[bytes]) -> bytes:
    written, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer


def nested_pdf() -> bytes:
    deep = b"[" * 50_000 + b"]" * 50_000
    return assemble(
        [b"<< /Type /Catalog /Pages 2 0 R /Deep %s >>" % deep, b"<< /Type /Pages /Kids [] /Count 0 >>"]
    )


def circular_pdf() -> bytes:
    return assemble(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 900000000 >>"]
    )


DOCX_BOMBS = {
    "a plain zip bomb": lambda: change_docx({"word/a.xml": bytes(UNPACKED_BYTES_MAX + 1)}),
    "many entries": lambda: change_docx({f"word/{no}.xml": b"" for no in range(6_000)}),
    "a bomb that claims to be small": lambda: lie_about_size(
        change_docx({"word/a.xml": bytes(UNPACKED_BYTES_MAX)}), b"word/a.xml", 100
    ),
    "packed in a way without measure": lambda: change_docx(
        {"word/a.xml": bytes(UNPACKED_BYTES_MAX - 200_000)}, zipfile.ZIP_LZMA
    ),
    "entities in the text": lambda: change_docx(write_body(say("&l9;"), laughs())),
    "entities in the list of parts": lambda: change_docx(
        {"[Content_Types].xml": f"{XML}{laughs().replace('w:document', 'Types')}<Types>&l9;</Types>".encode()}
    ),
    "very deep": lambda: change_docx(write_body("<w:p>" * 100_000 + "</w:p>" * 100_000)),
    "no document at all": lambda: change_docx({"word/document.xml": b"<a/>"}),
    "cut off": lambda: make_docx(WORDS)[:-200],
}
PDF_BOMBS = {
    "a page that unpacks to gigabytes": lambda: write_pdf(bytes(1) * 300_000_000),
    "very deep": nested_pdf,
    "pages that hold each other": circular_pdf,
    "a predictor over a huge row": lambda: write_pdf(
        b"0", DecodeParms="<< /Predictor 15 /Columns 2000000000 >>"
    ),
    "cut off": lambda: write_pdf(b"BT (a) Tj ET")[:-40],
}


@pytest.mark.parametrize("kind", DOCX_BOMBS)
def test_a_word_document_that_is_a_bomb_is_refused_in_a_sentence(kind: str) -> None:
    data = DOCX_BOMBS[kind]()

    text = read_or_refuse("bomb.docx", data)

    assert len(text) < 1_000
    assert "haha" not in text


@pytest.mark.parametrize("kind", PDF_BOMBS)
def test_a_pdf_that_is_a_bomb_is_refused_in_a_sentence(kind: str) -> None:
    data = PDF_BOMBS[kind]()

    with pytest.raises(UnreadableFile) as caught:
        read_file("bomb.pdf", data, bytes_max=len(data))

    assert caught.value.hint


def read_or_refuse(name: str, data: bytes) -> str:
    """The text of a file, or the sentence with which it was refused; any other error is a fault of ours."""
    try:
        return read_file(name, data, bytes_max=len(data))
    except UnreadableFile as error:
        assert error.hint
        return str(error)


def test_a_document_of_millions_of_empty_parts_costs_the_reader_no_more_than_it_is_given() -> None:
    data = change_docx(write_body("<w:p/>" * 9_000_000))

    said = read_or_refuse("bomb.docx", data)

    assert "bomb.docx" in said or not said.strip()


def test_a_reader_that_takes_too_long_is_ended() -> None:
    with pytest.raises(UnreadableFile, match="more memory or time"):
        read_document("slow.docx", "docx", make_docx(WORDS), wait_s=0.001)


def test_no_file_of_this_machine_comes_into_a_document(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY, "utf-8")
    entity = f'<!DOCTYPE w:document [<!ENTITY file SYSTEM "{secret.as_uri()}">]>'

    text = read_or_refuse("letter.docx", change_docx(write_body(say("before &file; after"), entity)))

    assert CANARY not in text


def test_reading_a_document_asks_nobody_on_the_network() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/t"
        relation = (
            f'{XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            f'attachedTemplate" Target="{url}" TargetMode="External"/></Relationships>'
        )
        entity = f'<!DOCTYPE w:document SYSTEM "{url}"><!-- -->'
        for changed in ({"word/_rels/settings.xml.rels": relation.encode()}, write_body(say("a"), entity)):
            read_or_refuse("letter.docx", change_docx(changed))

        with pytest.raises(BlockingIOError):
            listener.accept()


def test_nothing_is_written_anywhere_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work" / "deeper"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    climbing = change_docx({"../../climbed.txt": CANARY.encode(), "/tmp/climbed.txt": CANARY.encode()})  # noqa: S108

    text = read_file("../../../climbed.docx", climbing)

    assert WORDS in text
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not Path("/tmp/climbed.txt").exists()  # noqa: S108


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.txt",
        "..\\..\\boot.txt",
        "/etc/passwd.txt",
        "C:\\a.txt",
        "\x00.txt",
        "a" * 300 + ".txt",
    ],
)
def test_the_name_of_an_upload_leads_nowhere(name: str, inside: TestClient, tmp_path: Path) -> None:
    address = inside.post("/patients", data={"name": "Lee", "language": "en"}).headers["location"]
    consultation, before = address.rsplit("/", 1)[1], sorted(tmp_path.iterdir())

    reply = inside.post(f"/consultations/{consultation}/upload", files={"file": (name, WORDS.encode())})

    assert reply.json()["text"] == WORDS
    assert sorted(tmp_path.iterdir()) == before


def test_a_bomb_that_is_uploaded_leaves_the_workspace_standing(inside: TestClient) -> None:
    address = inside.post("/patients", data={"name": "Lee", "language": "en"}).headers["location"]
    path = f"/consultations/{address.rsplit('/', 1)[1]}/upload"
    bombs = [
        ("a.docx", DOCX_BOMBS["entities in the text"]()),
        ("a.pdf", PDF_BOMBS["pages that hold each other"]()),
    ]

    replies = [inside.post(path, files={"file": bomb}) for bomb in bombs]

    assert [reply.status_code for reply in replies] == [422, 422]
    assert all("PA-FILE-UNREADABLE" in reply.text for reply in replies)
    assert inside.get("/patients").status_code == 200


def test_the_reader_takes_no_code_from_the_folder_that_we_were_started_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "docx.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)

    text = read_file("letter.docx", make_docx(WORDS))

    assert WORDS in text


def test_pdfs_that_are_sound_are_still_read() -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(10, 10)
    packed = io.BytesIO()
    writer.write(packed)

    with pytest.raises(UnreadableFile, match="pictures of pages"):
        read_file("scan.pdf", packed.getvalue())


def test_several_are_read_at_once() -> None:
    texts: list[str] = []
    readers = [
        threading.Thread(target=lambda: texts.append(read_file("a.docx", make_docx(WORDS)))) for _ in range(3)
    ]

    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert [WORDS in text for text in texts] == [True, True, True]
