"""Words that somebody looks for, as they stand in an address: sealed, for browsers keep addresses long.

A search is sent in a form's body and answered with an address that reload and *Back* can ask for again; who
does not hold the counsellor's keys reads nothing in it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Annotated

from fastapi import Form
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from phyassist.errors import CannotOpen, TextTooLong

if TYPE_CHECKING:
    from phyassist.store.people import SignedIn

WORDS_CHARS_MAX = 1000
# The name that `show_sought` gives it in the address.
QUERY = "sought"
Looked = Annotated[str, Form()]


def show_sought(by: SignedIn, path: str, words: str) -> Response:
    """Where to read what was found.  Raises TextTooLong: no search is cut in silence."""
    words = words.strip()
    if len(words) > WORDS_CHARS_MAX:
        raise TextTooLong("the words looked for are too long", reason="sought")
    return RedirectResponse(f"{path}?{QUERY}={seal_words(by, words)}" if words else path, 303)


def seal_words(by: SignedIn, words: str) -> str:
    return urlsafe_b64encode(by.seal_own(words.encode(), QUERY)).rstrip(b"=").decode()


def open_words(by: SignedIn, sealed: str) -> str:
    """What was looked for; empty for nothing, and for what somebody else or an earlier key sealed."""
    padded = sealed + "=" * (-len(sealed) % 4)
    try:
        return by.open_own(urlsafe_b64decode(padded), QUERY).decode()
    except (ValueError, CannotOpen):
        return ""
