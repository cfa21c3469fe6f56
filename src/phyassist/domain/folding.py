"""Text as it is compared in a search: wide and narrow letters are the same, and so are capital and small."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
