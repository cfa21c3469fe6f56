"""Texts compared by their words alone."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_NO_WORD = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """The text in lower case without punctuation and spaces: what two copies of one post have in common."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text).casefold())


def fingerprint(text: str) -> str:
    """32 hexadecimal digits, the same for every copy of a text on every machine."""
    return hashlib.sha256(plain(text).encode("utf-8")).hexdigest()[:32]
