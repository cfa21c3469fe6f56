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
    """`asks_name` once several people work here, `asks_code` once anybody has a second factor."""

    template: ClassVar[str] = "unlock.html"
    w: Words
    theme: str
    next: str
    problem: str
    asks_name: bool = False
    asks_code: bool = False
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RecoverPage:
    template: ClassVar[str] = "recover.html"
    w: Words
    theme: str
    problem: str
    asks_name: bool = False
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class JoinPage:
    """Without `role` it asks for the one-time code; with it, for a name and a passphrase."""

    template: ClassVar[str] = "join.html"
    w: Words
    theme: str
    code: str = field(repr=False)
    role: str = ""
    name: str = field(default="", repr=False)
    problem: str = ""
