"""Advice that sends the client to a counsellor is left out; a physician and a helpline stay."""

from __future__ import annotations

import pytest

from phyassist.domain.people import Language
from phyassist.prompts.referrals import without_referral


@pytest.mark.parametrize(
    ("language", "said", "left"),
    [
        # The 0.5B and the 1.5B wrote these.
        ("en", "Encourage the client to seek professional help from a mental health professional.", ""),
        ("en", "Ask the client to talk to a therapist who specializes in depression and anxiety.", ""),
        (
            "en",
            "Discuss with the client the importance of seeking help from a mental health professional.",
            "",
        ),
        ("en", "Invite the client to a session with a therapist to help them work through it.", ""),
        ("en", "Help the client find a therapist or counselor who can provide them with support.", ""),
        (
            "en",
            "Work with the client to identify any triggers, and work with the therapist to address them.",
            "Work with the client to identify any triggers.",
        ),
        ("en", "Invite the client to a support group or therapy session.", ""),
        ("en", "Encourage the client to start therapy to work on it.", ""),
        ("zh", "鼓励来访者寻求专业帮助，如心理咨询师，以获得专业的指导和帮助。", ""),
        ("zh", "建议来访者寻求专业的心理咨询师的帮助，了解来访者对父母之间的矛盾的看法。", ""),
        (
            "zh",
            "询问来访者是否真的害怕受到伤害，如果害怕，可以考虑咨询心理医生或心理咨询师。",
            "询问来访者是否真的害怕受到伤害。",
        ),
        ("en", "Ask the client what they expect from counselling, and what would tell them it helps.", None),
        ("en", "Plan with the client to see a psychiatrist about the panic attacks.", None),
        ("en", "Agree with the client on whom to call at night, the crisis line or a sister.", None),
        ("en", "Ask the client how earlier therapy helped, and what was missing.", None),
        ("en", "Invite the client to bring the list to the next counselling session.", None),
        ("en", "Invite the client to a support group of other widows.", None),
        ("en", "Encourage the client to try a therapy exercise at home.", None),
        ("zh", "约定来访者夜里难受时拨打心理援助热线，再告诉姐姐。", None),
        ("zh", "必要时安排来访者到精神科就诊，并在下次会谈时回顾。", None),
        ("zh", "询问来访者以前做心理咨询时，什么最有用。", None),
        ("zh", "请来访者每晚写下一件做成的小事，下次会谈一起看。", None),
    ],
)
def test_advice_is_left_without_what_sends_the_client_to_a_counsellor(
    language: Language, said: str, left: str | None
) -> None:
    assert without_referral(said, language) == (said if left is None else left)
