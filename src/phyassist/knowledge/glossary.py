"""Words of the field in both languages: a question asked in one finds passages of the other by words."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.folding import fold


def translate(question: str) -> str:
    """The words of the field that a question holds, in the other language; empty where it holds none."""
    folded = fold(question)
    return " ".join(others for pattern, others in _load() if pattern.search(folded))


@lru_cache(maxsize=1)
def _load() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each way round: what finds a word, and the words that say it in the other language."""
    text = files("phyassist").joinpath("data/glossary.txt").read_text("utf-8")
    pairs: list[tuple[re.Pattern[str], str]] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        zh, en = ([word.strip() for word in side.split(",")] for side in line.split("|"))
        pairs.append((re.compile("|".join(re.escape(fold(word)) for word in zh)), " ".join(en)))
        pairs.append((re.compile(rf"\b(?:{'|'.join(re.escape(fold(word)) for word in en)})"), " ".join(zh)))
    return tuple(pairs)
