"""Pages that are pictures, read by the real programs where they are installed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

import pytest

from phyassist.knowledge.files import Recognise, read_documents
from phyassist.knowledge.recognising import find_recogniser, take_if_sure
from tests.browser.conftest import CHROMIUM, FLAGS

WORDS = {
    "en": "Students who slept little before an exam slept longer once they got up at one hour. " * 6,
    "zh": "考试前睡得少的学生，每天在同一时间起床以后，睡眠变长了。方法简述：每天练习缓慢呼吸。" * 6,
    "zh short": "悲伤辅导手册：陪伴与倾听",
    "half and half": "Students who slept little slept longer. " * 4 + "考试前睡得少的学生，睡眠变长了。" * 8,
}
HEAD = "level\tpage\tblock\tpar\tline\tword\tleft\ttop\twidth\theight\tconf\ttext"


@pytest.fixture
def recognise() -> Recognise:
    found = find_recogniser()
    if found is None:
        pytest.skip("tesseract or pdftoppm is not installed: apt install tesseract-ocr poppler-utils")
    return found


def has_chinese() -> bool:
    told = subprocess.run(["tesseract", "--list-langs"], capture_output=True, check=True, text=True)
    return "chi_sim" in told.stdout.split()


@pytest.fixture
def scan(tmp_path: Path):
    if not CHROMIUM.exists() or which("pdftoppm") is None:
        pytest.skip("no Chromium to print the pages with")

    def run_chromium(*flags: str) -> None:
        # A process of its own: a driver that other tests have open in this one would be in the way.
        headless = [str(CHROMIUM), "--headless", *FLAGS, f"--user-data-dir={tmp_path}/profile"]
        subprocess.run([*headless, *flags], check=True, capture_output=True, timeout=120)

    def print_scan(words: str) -> bytes:
        """A PDF of one page that is a picture of these words."""
        page, picture, printed = (tmp_path / name for name in ("page.html", "page.png", "page.pdf"))
        page.write_text(
            f"<meta charset=utf-8><body style='font: 15px sans-serif'>{words}</body>", encoding="utf-8"
        )
        sized = ("--window-size=700,900", "--force-device-scale-factor=2", "--hide-scrollbars")
        run_chromium(*sized, f"--screenshot={picture}", page.as_uri())
        run_chromium(f"--print-to-pdf={printed}", "--no-pdf-header-footer", picture.as_uri())
        return printed.read_bytes()

    return print_scan


def test_a_scanned_page_in_english_is_read(recognise: Recognise, scan) -> None:
    (read,) = read_documents("scan.pdf", scan(WORDS["en"]), recognise=recognise)

    assert read.recognised == (1,)
    assert "slept longer once they got up at one hour" in " ".join(read.text.split())


@pytest.mark.parametrize("words", ["zh", "zh short", "half and half"])
def test_a_chinese_page_is_no_string_of_latin_letters_where_nothing_reads_chinese(
    words: str, recognise: Recognise, scan
) -> None:
    if has_chinese():
        pytest.skip("this Tesseract reads Chinese")

    (read,) = read_documents("scan.pdf", scan(WORDS[words]), recognise=recognise)

    assert (read.recognised, read.scanned) == ((), (1,))
    assert read.text.strip() == ""


def test_a_chinese_page_is_read_where_chinese_is_installed(recognise: Recognise, scan) -> None:
    if not has_chinese():
        pytest.skip("this Tesseract does not read Chinese: apt install tesseract-ocr-chi-sim")

    (read,) = read_documents("scan.pdf", scan(WORDS["zh"]), recognise=recognise)

    assert "睡眠变长了" in "".join(read.text.split())


def test_words_that_are_sure_come_back_in_lines_and_paragraphs() -> None:
    rows = [
        ("1\t1\t1", "96.1", "Sleep"),
        ("1\t1\t1", "94", "well"),
        ("1\t1\t2", "91", "tonight."),
        ("2\t1\t1", "88", "Notes"),
    ]
    table = "\n".join([HEAD, *(f"5\t1\t{at}\t1\t0\t0\t9\t9\t{sure}\t{word}" for at, sure, word in rows)])

    assert take_if_sure(table) == "Sleep well\ntonight.\n\nNotes"
    assert take_if_sure(table.replace("9", "1")) == ""
    assert take_if_sure("") == ""
