"""Which drafts of a larger model are fit to learn from."""

from __future__ import annotations

import json

import pytest

from phyassist.domain.examples import Drafted
from phyassist.lm.protocol import Never
from phyassist.lm.scripted import ScriptedModel
from phyassist.services.teaching import teach

TEXT = (
    "I lost my job in May. Since then I lie awake and believe that nobody will ever hire me. "
    "I stay in bed all day."
)
REASONS = [
    (1, "The client lost the job in May, so the days have no order any more."),
    (2, "The client believes that nobody will hire them, which keeps them awake."),
    (3, "The client stays in bed, and so meets nobody who could say otherwise."),
]
ADVICE = [
    "Ask the client what a day looked like while there was work.",
    "Look with the client at what speaks against the belief about employers.",
    "Agree with the client on getting up at eight until the next session.",
]


def make_reply(reasons: list[tuple[int, str]] = REASONS, advice: list[str] = ADVICE) -> str:
    return json.dumps(
        {
            "symptom_type": "sleeplessness after a loss",
            "reasons": [{"from": no, "text": text} for no, text in reasons],
            "advice": [{"text": text} for text in advice],
        }
    )


def draft(reply: str) -> Drafted:
    model = ScriptedModel([reply])
    return teach(TEXT, model, language="en", jurisdiction="other", stop=Never())


def test_a_draft_that_holds_is_learnt_as_the_reply_to_what_the_app_asks():
    drafted = draft(make_reply())

    assert drafted.faults == ()
    assert json.loads(drafted.reply) == json.loads(make_reply())
    assert [message.role for message in drafted.messages] == ["system", "user"]
    assert "I lost my job in May." in drafted.messages[1].content


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("What a pity.", "unread"),
        (make_reply(advice=ADVICE[:2]), "items missing"),
        (
            make_reply(
                [
                    (0, "The client grew up among quarrels, which made silence feel safe."),
                    (0, "The client fears to be a weight on others, so asks for nothing."),
                    REASONS[2],
                ]
            ),
            "reasons without the words they rest on",
        ),
        (
            make_reply(advice=[f"{each[:-1]}, and see what comes of it by then." for each in ADVICE]),
            "words said over",
        ),
        (make_reply(advice=[*ADVICE[:2], "和来访者约定每天早上八点起床，散步一会儿。"]), "another language"),
        (
            make_reply(advice=[*ADVICE[:2], "Agree with the client on 12 applications."]),
            "a number nobody said",
        ),
        (
            make_reply([*REASONS[:2], (3, "The client stays in our bed, so nothing changes.")]),
            "speaks as the client",
        ),
        (
            make_reply(advice=["Ask the client a small task until next time.", *ADVICE[1:]]),
            "the task said over",
        ),
    ],
)
def test_what_speaks_against_a_draft_is_named(reply: str, fault: str) -> None:
    assert fault in draft(reply).faults


def test_of_several_tries_the_one_without_faults_that_rests_on_most_of_the_text_is_taken():
    narrow = make_reply(
        [REASONS[0], (1, "The client misses the work of May, and the people there."), REASONS[2]],
        ["Ask what a morning is like.", "Write a letter together.", "Walk for ten minutes a day."],
    )
    model = ScriptedModel(["What a pity.", narrow, make_reply(), narrow])

    drafted = teach(TEXT, model, language="en", jurisdiction="other", stop=Never(), tries=4)

    assert json.loads(drafted.reply) == json.loads(make_reply())
    assert [ask.temperature > 0 for ask in model.asks] == [False, True, True, True]
    assert len({ask.seed for ask in model.asks}) == 4
