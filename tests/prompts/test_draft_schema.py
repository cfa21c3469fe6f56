"""What the form of a draft breaks off is left out."""

from __future__ import annotations

import pytest

from phyassist.domain.drafts import Section
from phyassist.prompts.draft_schema import without_broken_clause


@pytest.mark.parametrize(
    ("section", "said", "left"),
    [
        # The 1.5B wrote these two, up to the limit of a clause.
        (
            Section.REASON,
            "The client is feeling anxious and uncertain about the future, which could lead to increased "
            "stress and anxiety if they continue to use texting as their primary form of_.",
            "The client is feeling anxious and uncertain about the future.",
        ),
        (
            Section.ADVICE,
            "Discuss with the client the potential benefits and drawbacks of each option, such as the "
            "potential for increased anxiety and uncertainty, the potential for increased urgency to "
            "reconnect with the partner and the potential for increased re.",
            "Discuss with the client the potential benefits and drawbacks of each option, such as the "
            "potential for increased anxiety and uncertainty.",
        ),
        (
            Section.ADVICE,
            "Encourage the client to engage in activities that bring them joy and comfort, such as reading.",
            None,
        ),
    ],
)
def test_a_clause_that_the_form_broke_off_is_left_out(section: Section, said: str, left: str | None) -> None:
    assert without_broken_clause(said, section, "en") == (said if left is None else left)
