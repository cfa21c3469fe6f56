"""A reason that says of the client what its quote says of somebody else is told from one that does not."""

from __future__ import annotations

import pytest

from phyassist.domain.people import Language
from phyassist.domain.reading.sentences import split_sentences
from phyassist.prompts.attributing import is_of_another

HUSBAND = (
    "My husband and I have been together for seven years now. I have a problem lying to him. Ever since, he "
    "gives me the cold shoulder. He gets so mad and ignores me for days. He's really verbally and "
    "emotionally abusive. I am tired of crying. I'm so worried, and he is worried too. My mother drinks "
    "every night. I drink every night too. He stays out all night. My son heard it. "
    "She cuts herself. "
)
MESSAGING = "I found him messaging his ex-girlfriend."
HUSBAND += MESSAGING
ABUSIVE = "He's really verbally and emotionally abusive."
FATHER = "我一回家就紧张。他经常喝酒骂人，我只能躲在房间里。我妈妈一直不理解我。我也很难过，她也很难过。"


@pytest.mark.parametrize(
    ("said", "quote", "is_wrong"),
    [
        # The 1.5B wrote this one.
        ("The client is verbally and emotionally abusive, leading to a decrease in mood.", ABUSIVE, True),
        ("The client has been abusive.", ABUSIVE, True),
        ("The client is verbally abused by the husband.", ABUSIVE, False),
        ("The client's husband is verbally and emotionally abusive.", ABUSIVE, False),
        ("The client lives with a husband who is verbally and emotionally abusive.", ABUSIVE, False),
        ("The client gets mad and ignores others.", "He gets so mad and ignores me for days.", True),
        ("The client is tired of crying.", "I am tired of crying.", False),
        ("The client is worried.", "I'm so worried, and he is worried too.", False),
        ("The client drinks every night.", "My mother drinks every night.", True),
        ("The client is drinking every night.", "My mother drinks every night.", True),
        ("The client has been cutting herself.", "She cuts herself.", True),
        # The 1.5B wrote these two.
        ("The client was messaging his ex-girlfriend about the old times.", MESSAGING, True),
        ("The client is staying out all night but does not tell them.", "He stays out all night.", True),
        ("The client drinks every night.", "I drink every night too.", False),
    ],
)
def test_in_english(said: str, quote: str, *, is_wrong: bool) -> None:
    assert is_of_another(said, quote, split_sentences(HUSBAND), "en") is is_wrong


@pytest.mark.parametrize(
    ("said", "quote", "is_wrong"),
    [
        ("来访者经常喝酒骂人，因此家里气氛紧张。", "他经常喝酒骂人，我只能躲在房间里。", True),
        ("来访者只能躲在房间里，因为他经常喝酒骂人。", "他经常喝酒骂人，我只能躲在房间里。", False),
        ("来访者的父亲经常喝酒骂人。", "他经常喝酒骂人，我只能躲在房间里。", False),
        ("来访者不理解母亲，因此难过。", "我妈妈一直不理解我。", False),
        ("来访者很难过。", "我也很难过，她也很难过。", False),
    ],
)
def test_in_chinese(said: str, quote: str, *, is_wrong: bool) -> None:
    assert is_of_another(said, quote, split_sentences(FATHER), "zh") is is_wrong


@pytest.mark.parametrize(
    ("language", "text", "quote", "said"),
    [
        (
            "en",
            "Seen today. She is exhausted. The client cries.",
            "She is exhausted.",
            "The client is exhausted.",
        ),
        ("en", "She is exhausted. She cries. I listened.", "She is exhausted.", "The client is exhausted."),
        (
            "en",
            "My son is 12. I fear for him. He is exhausted.",
            "He is exhausted.",
            "The client is exhausted.",
        ),
        ("en", "Mother: He is exhausted. I fear for him.", "He is exhausted.", "The client is exhausted."),
        ("zh", "来访者二十岁。她经常失眠。我建议运动。", "她经常失眠。", "来访者经常失眠哭泣。"),
    ],
)
def test_a_text_about_the_client_is_left_alone(language: Language, text: str, quote: str, said: str) -> None:
    assert not is_of_another(said, quote, split_sentences(text), language)


def test_a_client_who_speaks_is_the_one_that_i_is() -> None:
    text = "Counsellor: How is he?\nClient: He is exhausted. He cries. He shouts.\nCounsellor: And you?"

    assert is_of_another("The client is exhausted.", "He is exhausted.", split_sentences(text), "en")
