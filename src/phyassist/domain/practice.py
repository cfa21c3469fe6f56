"""What a practice has settled for all its pages.  Nothing here is about a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from phyassist.domain.people import Jurisdiction, Language

ClientWord = Literal["client", "seeker", "patient"]


@dataclass(frozen=True, slots=True)
class PracticeSettings:
    """`client_word` is what pages call the person; `hide_names` shows initials in a shared room."""

    language: Language = "zh"
    jurisdiction: Jurisdiction = "cn"
    idle_lock_min: int = 15
    client_word: ClientWord = "client"
    hide_names: bool = False
