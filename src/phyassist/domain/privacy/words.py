"""What is private in a text: its kinds, and the lists that words are looked up in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from phyassist.domain.records import Span


class PrivateKind(StrEnum):
    """`NUMBER` is an identity number of any sort; `BIRTH` a date of birth."""

    NAME = "name"
    PLACE = "place"
    CONTACT = "contact"
    NUMBER = "number"
    BIRTH = "birth"


@dataclass(frozen=True, slots=True)
class PrivateWords:
    """Words of a text that tell who somebody is."""

    span: Span
    kind: PrivateKind
    text: str = field(repr=False)


@lru_cache(maxsize=8)
def load_words(name: str) -> frozenset[str]:
    """One of the lists that ship with the package (`data/private`)."""
    text = files("phyassist").joinpath(f"data/private/{name}.txt").read_text("utf-8")
    return frozenset(text.split("\n")) - {""}
