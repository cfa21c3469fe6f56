"""Words of the task in a reason are taken out; what the model says of the case stays."""

from __future__ import annotations

import pytest

from phyassist.domain.people import Language
from phyassist.prompts.echoes import without_echoes


@pytest.mark.parametrize(
    ("language", "said", "left"),
    [
        # The 1.5B wrote these.
        ("zh", "来访者遇到了什么，来访者怎么想，来访者因此做什么或缺少什么，从而是会拒绝别人。", ""),
        ("zh", "来访者没有提到具体的孤独感原因，因此没有依据填 0。", "来访者没有提到具体的孤独感原因。"),
        (
            "en",
            "The client's parents are against that, which is an event that has an effect on mood, "
            "body or behaviour.",
            "The client's parents are against that.",
        ),
        ("zh", "来访者遇到了孤独感，因为与同学们聊不起来，这使来访者感到痛苦和压抑。", None),
        ("zh", "来访者总觉得别人怎么想都是自己的错，因此不敢开口。", None),
        ("zh", "来访者觉得这件事影响了自己的情绪和身体，所以睡不好。", None),
        ("en", "The client keeps a habit of working late, and this leaves no time for friends.", None),
        ("en", "The client thinks of the event each night, which affects mood and sleep.", None),
    ],
)
def test_a_reason_is_left_without_the_words_of_the_task(
    language: Language, said: str, left: str | None
) -> None:
    assert without_echoes(said, language) == (said if left is None else left)
