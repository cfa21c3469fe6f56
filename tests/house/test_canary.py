from __future__ import annotations

import base64
import json
import urllib.parse
from pathlib import Path

import pytest

from tests.house.canary import CANARY, find_canary


@pytest.mark.parametrize(
    "leak",
    [
        f"before {CANARY} after",
        json.dumps({"text": CANARY}),
        json.dumps({"text": CANARY}, ensure_ascii=False),
        repr(CANARY.encode("unicode_escape").decode()),
        f"x{CANARY}".encode("utf-16"),
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
        *(base64.b64encode(b"x" * shift + CANARY.encode() + b"tail") for shift in range(4)),
        *(base64.urlsafe_b64encode(b"x" * shift + CANARY.encode()) for shift in range(4)),
        base64.b64encode(CANARY.encode("utf-16-le")),
        urllib.parse.quote(CANARY),
        CANARY.encode("gb18030"),
    ],
)
def test_a_leak_is_found_in_whatever_form(leak: str | bytes) -> None:
    assert find_canary([leak])


def test_files_and_names_below_a_folder_are_searched(tmp_path: Path) -> None:
    inner = tmp_path / "runs"
    inner.mkdir()
    (inner / "log.txt").write_text(f"at DEBUG: {CANARY}", encoding="utf-8")
    (tmp_path / f"{CANARY}.txt").touch()

    leaks = find_canary([tmp_path])

    assert any("log.txt" in leak for leak in leaks)
    assert any("the name" in leak for leak in leaks)


def test_nothing_is_found_where_nothing_leaked(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(bytes(range(256)) * 100)

    assert find_canary([tmp_path, "a quokka, a 金丝雀", b"5b7e"]) == []
