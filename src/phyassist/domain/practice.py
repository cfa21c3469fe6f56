"""What a practice has settled for all its pages.  Nothing here is about a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from phyassist.domain.people import Jurisdiction, Language

ClientWord = Literal["client", "seeker", "patient"]


@dataclass(frozen=True, slots=True)
class PracticeSettings:
    """`client_word` is what pages call the person; `hide_names` shows initials in a shared room.

    `note_template` is the form that a note has unless another is chosen; `lock_after_days` is how long its
    author may withdraw a signed note (0: it locks when it is signed).  `retention_rule` names how long files
    are kept (empty: the usual one of the jurisdiction), `retention_years` the years of a rule of one's own.
    `outside_servers`: whether text may leave for a model server that is not the practice's own.
    `crisis_region` names whose crisis lines are shown (empty: by jurisdiction), `crisis_contacts` are the
    practice's own, one a line.
    `library_in_drafts`: whether an analysis is given passages of the library to rest its advice on.
    """

    language: Language = "zh"
    jurisdiction: Jurisdiction = "cn"
    idle_lock_min: int = 15
    client_word: ClientWord = "client"
    hide_names: bool = False
    note_template: str = "original"
    lock_after_days: int = 7
    retention_rule: str = ""
    retention_years: int = 10
    outside_servers: bool = False
    crisis_region: str = ""
    crisis_contacts: str = ""
    library_in_drafts: bool = False
