"""A canary is an unlikely text put where a patient's words go; finding it in the clear anywhere is a leak."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

CANARY = "quokka-金丝雀-5b7e"


def forms_of(canary: str) -> tuple[bytes, ...]:
    """The canary as it could lie somewhere: UTF-8, UTF-16, escaped, percent-coded, hex and base64.

    Base64 packs three bytes at a time, so a text inside a longer one shows in one of three ways; each loses
    the signs at its ends that its neighbours touch.
    """
    found: set[bytes] = set()
    for encoded in (
        canary.encode(),
        canary.encode("utf-16-le"),
        canary.encode("utf-16-be"),
        canary.encode("gb18030"),
    ):
        found.add(encoded)
        found.update((encoded.hex().encode(), encoded.hex().upper().encode()))
        for shift in range(3):
            packed = base64.b64encode(bytes(shift) + encoded)
            # Signs that carry bits of the bytes before or after the canary are not its own.
            start, cut = -(-shift * 4 // 3), (shift + len(encoded)) % 3
            own = packed[start : len(packed) - (4 if cut else 0)]
            found.update((own, own.replace(b"+", b"-").replace(b"/", b"_")))
    escaped = canary.encode("ascii", "backslashreplace")
    found.update((escaped, escaped.replace(b"\\", b"\\\\"), escaped.replace(b"\\u", b"\\U0000")))
    percent = "".join(f"%{byte:02X}" if byte > 127 else chr(byte) for byte in canary.encode())
    found.update((percent.encode(), percent.lower().encode()))
    return tuple(sorted(found))


def find_canary(places: Iterable[Path | str | bytes], canary: str = CANARY) -> list[str]:
    """Where the canary lies in the clear: one line a place and form, empty where it is nowhere.

    A path is a file or a folder, searched with all below it, names of files included; a text or bytes are
    searched themselves.
    """
    forms = forms_of(canary)
    leaks: list[str] = []
    for place in places:
        if isinstance(place, Path):
            for path in sorted([place, *place.rglob("*")]):
                leaks += _search(path.name.encode(), f"the name {path}", forms)
                if path.is_file():
                    leaks += _search(path.read_bytes(), str(path), forms)
        else:
            data = place.encode("utf-8", "surrogatepass") if isinstance(place, str) else place
            leaks += _search(data, f"a text of {len(data)} bytes", forms)
    return leaks


def _search(data: bytes, where: str, forms: tuple[bytes, ...]) -> list[str]:
    return [f"{where}: {form!r} at byte {data.find(form)}" for form in forms if form in data]
