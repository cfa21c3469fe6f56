"""Set-up, unlocking, recovery: the pages before the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from phyassist.web.wording import Words


@dataclass(frozen=True, slots=True)
class SetupPage:
    template: ClassVar[str] = "setup.html"
    w: Words
    theme: str
    name: str = field(repr=False)
    jurisdiction: str
    problem: str


@dataclass(frozen=True, slots=True)
class RecoveryKeyPage:
    """Shown once; nothing keeps the key."""

    template: ClassVar[str] = "recovery_key.html"
    w: Words
    theme: str
    recovery_key: str = field(repr=False)
    name: str = field(repr=False)
    date: str


@dataclass(frozen=True, slots=True)
class UnlockPage:
    template: ClassVar[str] = "unlock.html"
    w: Words
    theme: str
    next: str
    problem: str


@dataclass(frozen=True, slots=True)
class RecoverPage:
    template: ClassVar[str] = "recover.html"
    w: Words
    theme: str
    problem: str
