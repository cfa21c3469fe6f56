"""The words of the pages: one file a language, the same keys in each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from phyassist.domain.people import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def load_words(language: Language) -> Mapping[str, str]:
    """All words of a language under their dotted keys."""
    text = files("phyassist.web").joinpath("words", f"{language}.toml").read_text("utf-8")
    return dict(_flatten(tomllib.loads(text), ""))


def _flatten(table: Mapping[str, Any], before: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, str):
            pairs.append((before + key, value))
        else:
            pairs.extend(_flatten(value, f"{before}{key}."))
    return pairs


@dataclass(frozen=True, slots=True)
class Words:
    """Says a key in the page's language; `client_word` is how this practice calls the person."""

    language: Language
    client_word: str = ""
    table: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """The words under `key`, its places filled.  Raises KeyError: a page never shows a bare key."""
        client = self.table[f"client.{self.client_word}"]
        return self.table[key].format(client=client, Client=client[:1].upper() + client[1:], **values)

    def has(self, key: str) -> bool:
        return key in self.table


def make_words(language: Language, client_word: str = "") -> Words:
    table = load_words(language)
    known = client_word if f"client.{client_word}" in table else "client"
    return Words(language, known, table)


def choose_language(said: str, accepts: str, default: str = "") -> Language:
    """What the reader chose before, else the browser's first language that we speak, else the default."""
    wanted = [said, *(part.split(";")[0] for part in accepts.split(",")), default]
    for tag in wanted:
        for language in LANGUAGES:
            if tag.strip().lower().split("-")[0] == language:
                return language
    return "en"
