"""Two assistants side by side, on the question of a consultation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from phyassist.web.wording import Words

SideName = Literal["new", "now"]


@dataclass(frozen=True, slots=True)
class CompareFragment:
    """Both sides, empty at first; `stream` writes into them."""

    template: ClassVar[str] = "_compare.html"
    w: Words
    stream: str
    names: tuple[tuple[SideName, str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SideItemFragment:
    """An item that hangs itself below the last one of its side; `title` where a section begins."""

    template: ClassVar[str] = "_side_item.html"
    w: Words
    side: SideName
    title: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SideEndFragment:
    template: ClassVar[str] = "_side_end.html"
    w: Words
    side: SideName
    said: str
