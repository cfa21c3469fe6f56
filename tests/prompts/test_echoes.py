"""Words of the task in a reason are taken out; what the model says of the case stays."""

from __future__ import annotations

import pytest

from phyassist.domain.drafts import Section
from phyassist.domain.people import Language
from phyassist.prompts.echoes import is_echo_of_rule, without_echoes


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
        # The 0.5B wrote this one, the 1.5B the next.
        (
            "en",
            "The client is feeling very sad, which is a short phrase for the client's main trouble.",
            "The client is feeling very sad.",
        ),
        ("zh", "来访者遇到什么问题，比如工作压力、人际关系紧张、学习压力等，导致无法及时做出决定。", ""),
        ("zh", "来访者遇到什么事都忍着，因此夜里睡不好。", None),
        ("zh", "来访者经历了什么都不愿意提起，因此很少与人来往。", None),
    ],
)
def test_a_reason_is_left_without_the_words_of_the_task(
    language: Language, said: str, left: str | None
) -> None:
    assert without_echoes(said, Section.REASON, language) == (said if left is None else left)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        # The 1.5B wrote this one.
        (
            "询问来访者是否有任何疑虑或不安，了解来访者对父母之间的矛盾的看法，以及来访者因此做了什么或缺少什么。",
            "询问来访者是否有任何疑虑或不安，了解来访者对父母之间的矛盾的看法。",
        ),
        ("了解来访者的主要困扰，再约定一个会谈后的小任务。", None),
        ("询问来访者怎么想、怎么做，把一件具体的事讲完。", None),
    ],
)
def test_an_advice_is_left_without_what_was_asked_of_a_reason(said: str, left: str | None) -> None:
    assert without_echoes(said, Section.ADVICE, "zh") == (said if left is None else left)


@pytest.mark.parametrize(
    ("language", "said", "is_echo"),
    [
        # The 1.5B wrote this one.
        ("zh", "怀疑有障碍", True),
        ("zh", "需要留意的表现", True),
        ("zh", "可考虑转介", True),
        ("zh", "怀疑丈夫有外遇", False),
        ("zh", "障碍", False),
        ("en", "where a disorder is suspected", True),
        ("en", "suspected", False),
        ("en", "low mood after a loss", False),
    ],
)
def test_a_piece_of_the_rule_on_labels_is_no_symptom_type(
    language: Language, said: str, is_echo: bool
) -> None:
    assert is_echo_of_rule(said, language) == is_echo
